"""Text to `Spec`: reading a mixed-model formula.

A formula is data, never code. It is cut into tokens and read by a small grammar that knows arithmetic, a named
list of transforms, R's algebra of terms (`a*b`, `a/b`, `(a + b)^2`, `- a:b`) and the bar of a random-effects
term. Whatever the grammar does not know is refused by name, with a pointer to the place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .errors import FormulaError
from .expression import COMPARISONS, columns_of
from .families import Family, get_family
from .grammar import Reader
from .spec import INTERCEPT, Factor, RandomTerm, Response, Spec, Term

#: Bounds that keep a formula typed by a stranger from stalling the page it is typed into.
MAX_LENGTH, MAX_TERMS = 2000, 500

MULTIPLIED = "A random-effects term is added to the others, never multiplied or nested in them"


@dataclass(frozen=True)
class _Terms:
    """A set of terms in the order typed, and what was said of the intercept (None: nothing)."""

    terms: tuple[Term, ...] = ()
    intercept: bool | None = None

    @property
    def all(self) -> tuple[Term, ...]:
        return (INTERCEPT, *self.terms) if self.intercept else self.terms

    @property
    def in_order(self) -> tuple[Term, ...]:
        """By degree, the intercept first unless it was taken out."""
        start = (INTERCEPT,) if self.intercept in (None, True) else ()
        return start + tuple(sorted(self.terms, key=len))

    def plus(self, other: _Terms) -> _Terms:
        said = self.intercept if other.intercept is None else other.intercept
        return _Terms(_distinct((*self.terms, *other.terms)), said)

    def minus(self, other: _Terms) -> _Terms:
        gone = {frozenset(term) for term in other.terms}
        kept = tuple(term for term in self.terms if frozenset(term) not in gone)
        return _Terms(kept, self.intercept if other.intercept is None else not other.intercept)

    def times(self, other: _Terms) -> _Terms:
        """`a:b`: every term of one with every term of the other."""
        return _collect((*a, *b) for a in self.all for b in other.all)

    def within(self, outer: _Terms) -> _Terms:
        """What `outer/self` adds: these terms within the product of all of the outer ones."""
        return _Terms((tuple(factor for term in outer.terms for factor in term),)).times(self)


def _collect(terms: Iterable[tuple[Factor, ...]]) -> _Terms:
    found = [tuple(dict.fromkeys(term)) for term in terms]  # a:a is a
    return _Terms(
        _distinct(term for term in found if term != INTERCEPT), True if INTERCEPT in found else None
    )


def _distinct(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Each term once, where and as it was typed first: the order that type 1 tests depend on."""
    found: dict[frozenset[Factor], Term] = {}
    for term in terms:
        found.setdefault(frozenset(term), term)
    return tuple(found.values())


@dataclass(frozen=True)
class _Bar:
    """A parsed `(terms | group)`."""

    left: _Terms
    groups: tuple[tuple[str, ...], ...]
    correlated: bool
    at: int


def parse_formula(formula: str | Spec, family: str | Family = "gaussian") -> Spec:
    """Read a mixed-model formula in lme4's notation.

    Parameters
    ----------
    formula
        `y ~ x + (x|g)`. The response is a column or an expression (`log(y)`, `y > 2`, `cbind(m, n - m)`).
        Terms are joined by `+ - : * / ^`, as in R; a factor of a term is a column, a transform (`log(x)`,
        `I(x^2)`, `poly(x, 2)`, `ns(x, df=3)`, `C(f, Sum)`, `relevel(f, "b")` …), or a comparison in
        parentheses, `(x > 2)`. `offset(x)` adds a known part. `(x|g)` lets coefficients vary across groups,
        `(x||g)` without correlations; groups are `g`, `a:b` or `a/b`. Names that are no plain words stand in
        backticks. A `Spec` is returned as it is.
    family
        The response's distribution: a name, `"binomial(probit)"`, or a `Family`; not used with a `Spec`.

    Returns
    -------
    Spec

    Raises
    ------
    FormulaError
        If the formula does not parse, calls what a formula may not call, or has a random term without a group.
    """
    if isinstance(formula, Spec):
        return formula
    if not isinstance(formula, str):
        raise FormulaError(f"A formula is a string such as 'y ~ x + (x|g)', not {type(formula).__name__}.")
    return _parse(formula, get_family(family))


@lru_cache(maxsize=256)
def _parse(formula: str, family: Family) -> Spec:
    if len(formula) > MAX_LENGTH:
        raise FormulaError(
            f"This formula is {len(formula)} characters long; {MAX_LENGTH} is the most that is read."
        )
    reader = _FormulaReader(formula)
    response, fixed, bars, offsets = reader.formula()
    random = tuple(_random_term(reader, bar, factors) for bar in bars for factors in bar.groups)
    return Spec(formula.strip(), response, fixed.in_order, random, family, offsets)


def _random_term(reader: Reader, bar: _Bar, factors: tuple[str, ...]) -> RandomTerm:
    term = RandomTerm(bar.left.in_order, factors, bar.correlated)
    if not term.terms:
        raise reader.refuse(f"This lets nothing vary across {term.group}: write (1|{term.group})", bar.at)
    return term


class _FormulaReader(Reader):
    """Terms and random effects, on top of the expressions that `Reader` knows."""

    def __init__(self, text: str):
        super().__init__(text)
        self.offsets: list[Factor] = []

    def formula(self) -> tuple[Response, _Terms, list[_Bar], tuple[Factor, ...]]:
        if self.next.text == "~":
            raise self.refuse("The response is missing: a formula reads 'response ~ predictors'")
        written = {token.text for token in self.tokens}
        if written & {"|", "||"} and "~" not in written:
            raise self.refuse("There is no '~': a formula reads 'response ~ predictors'", 0)
        response = self.response()
        self.expect("~", self.no_tilde())
        fixed, bars = self.right_hand_side(of_formula=True)
        if self.next.kind != "end":
            raise self.refuse(self.surprise())
        return response, fixed, bars, tuple(self.offsets)

    def no_tilde(self) -> str:
        if self.next.kind == "end":
            return "There is no '~'"
        if self.next.text == "|":
            return "Expected '~' after the response; successes out of n trials are cbind(y, n - y)"
        return "Expected '~' after the response"

    def surprise(self) -> str:
        text = self.next.text
        if text == "~":
            return "A formula has one '~' only"
        if text in ("|", "||"):
            return "A random-effects term needs its own parentheses, as in (x|g)"
        if text == ")":
            return "This parenthesis closes nothing"
        if text == "=":
            return "'=' stands between a name and a value inside a call only; a formula has '~'"
        if text in COMPARISONS:
            return "A comparison needs parentheses of its own, as in (x > 2)"
        if text in ("&", "!"):
            return f"{text!r} is not read in a formula: make the column first, or compare once, as in (x > 2)"
        return f"Expected an operator before {text!r}"

    def response(self) -> Response:
        if self.next.text == "cbind" and self.after.text == "(":
            self.place += 2
            takes_two = "cbind takes two columns: cbind(successes, failures)"
            successes = self.sum()
            self.expect(",", takes_two)
            failures = self.sum()
            self.expect(")", takes_two)
            return Response(successes, failures)
        at = self.next.at
        tree = self.comparison()
        if not columns_of(tree):
            raise self.refuse("The response names no column", at)
        return Response(tree)

    # -- terms -------------------------------------------------------------------------------------
    def right_hand_side(self, of_formula: bool = False) -> tuple[_Terms, list[_Bar]]:
        """Terms joined by + and −, the random ones apart."""
        found, bars = _Terms(), []
        sign = self.take("+", "-")
        while True:
            start, minus = self.next.at, sign is not None and sign.text == "-"
            if bar := self.bar():
                bars.append(bar)
            elif wrapped := self.wrapped(of_formula):
                terms, more = wrapped
                found, bars = self.bounded(found.plus(terms), start), bars + more
            elif offset := self.offset(of_formula):
                self.offsets.append(offset)
            else:
                terms = self.term_product()
                found = self.bounded(found.minus(terms) if minus else found.plus(terms), start)
                minus = False
            if minus:
                raise self.refuse("Neither a random-effects term nor an offset can be taken away", start)
            sign = self.take("+", "-")
            if sign is None:
                return found, bars

    def wrapped(self, of_formula: bool) -> tuple[_Terms, list[_Bar]] | None:
        """`((1|g))`, `(x + (1|g))`: a sum with random-effects terms, in parentheses that change nothing."""
        start = self.place
        if not self.take("("):
            return None
        if not any(token.text in ("|", "||") for token in self.until_closed(deep=True)):
            self.place = start
            return None
        found = self.deeper(self.right_hand_side, of_formula)
        self.close()
        if self.next.text not in ("+", "-", ")", ""):
            raise self.refuse(MULTIPLIED)
        return found

    def offset(self, of_formula: bool) -> Factor | None:
        """What `offset(…)` holds, if one stands here."""
        if not (self.next.text == "offset" and self.after.text == "("):
            return None
        if not of_formula:
            raise self.refuse("An offset stands among the fixed terms: y ~ x + offset(z) + (1|g)")
        at = self.next.at
        self.place += 2
        tree = self.deeper(self.sum)
        self.expect(")", "offset() takes one column or expression, as in offset(log(n))")
        if not columns_of(tree):
            raise self.refuse("offset() names no column", at)
        return Factor(tree)

    def bounded(self, terms: _Terms, at: int) -> _Terms:
        if len(terms.terms) > MAX_TERMS:
            raise self.refuse(f"This expands to more than {MAX_TERMS} terms", at)
        return terms

    def term_sum(self) -> _Terms:
        at = self.next.at
        sign = self.take("+", "-")
        found = self.term_product()
        found = _Terms().minus(found) if sign and sign.text == "-" else found
        while sign := self.take("+", "-"):
            other = self.term_product()
            found = self.bounded(found.minus(other) if sign.text == "-" else found.plus(other), at)
        return found

    def term_product(self) -> _Terms:
        left = self.term_interaction()
        while sign := self.take("*", "/"):
            right = self.term_interaction()
            self.check_product(left, right, sign.at)
            joined = left.times(right) if sign.text == "*" else right.within(left)
            left = left.plus(right).plus(joined) if sign.text == "*" else left.plus(joined)
        return left

    def term_interaction(self) -> _Terms:
        left = self.term_power()
        while sign := self.take(":", "%in%"):
            right = self.term_power()
            self.check_product(left, right, sign.at)
            left = left.times(right)
        return left

    def check_product(self, left: _Terms, right: _Terms, at: int) -> None:
        """Bounded before it is made: the size of a product, and a factor 0, which stands alone."""
        if len(left.all) * len(right.all) + len(left.all) + len(right.all) > MAX_TERMS:
            raise self.refuse(f"This expands to more than {MAX_TERMS} terms", at)
        if not left.all or not right.all:
            raise self.refuse("0 stands alone: it takes the intercept out, as in y ~ 0 + x", at)

    def term_power(self) -> _Terms:
        at = self.next.at
        base = self.term_atom()
        sign = self.take("**", "^")
        if sign is None:
            return base
        token = self.next
        if token.kind != "number" or not token.text.isdigit() or int(token.text[:9]) > 20:
            raise self.refuse("A power is a column or term to a plain number of at most 20", sign.at)
        self.place += 1
        power = int(token.text)
        if power < 1 or len(base.all) ** power > MAX_TERMS:
            raise self.refuse(f"This power of a term expands to more than {MAX_TERMS} terms", sign.at)
        if len(base.all) < 2:
            shown = self.text[at : sign.at].strip()
            raise self.refuse(
                f"{shown}^{power} is all interactions of {shown} with itself, which is {shown}; "
                f"the square is I({shown}^2)",
                at,
            )
        found = base
        for _ in range(power - 1):
            found = found.times(base)  # a:a is a, so that the lower terms are in it, in R's order
        return _Terms(found.terms, base.intercept)

    def term_atom(self) -> _Terms:
        token = self.next
        if token.kind == "number":
            self.place += 1
            if token.text not in ("0", "1"):
                raise self.refuse(
                    "Only 0 and 1 (without or with an intercept) stand alone; arithmetic goes into I(…)",
                    token.at,
                )
            return _Terms((), token.text == "1")
        if token.text == "(" and token.kind == "op" and not self.opens_comparison():
            self.place += 1
            found = self.deeper(self.term_sum)
            if self.next.text in ("|", "||"):
                raise self.refuse(MULTIPLIED)
            self.close()
            return found
        if token.text == "offset" and self.after.text == "(":
            raise self.refuse("An offset is added to the other terms: y ~ x + offset(z)")
        factor = Factor(self.atom())
        if not factor.columns:
            raise self.refuse(f"{factor} names no column", token.at)
        return _Terms(((factor,),))

    def opens_comparison(self) -> bool:
        """Whether the parenthesis here holds a comparison: `(x > 2)`."""
        self.place += 1
        found = any(token.text in COMPARISONS for token in self.until_closed())
        self.place -= 1
        return found

    # -- random effects ----------------------------------------------------------------------------
    def bar(self) -> _Bar | None:
        """A parenthesised random-effects term, or nothing, leaving the place as it was."""
        start = self.place
        if not self.take("("):
            return None
        if not any(token.text in ("|", "||") for token in self.until_closed()):
            self.place = start
            return None
        left = self.deeper(self.left_of_bar)
        double = self.next.text == "||"
        self.place += 1
        groups = self.groups()
        self.expect(")", self.after_group())
        return _Bar(left, groups, not double, self.tokens[start].at)

    def after_group(self) -> str:
        text = self.next.text
        if text in ("+", "*"):
            return "Several groups are several terms, (1|a) + (1|b); a:b is their combinations, a/b is b within a"
        return (
            f"Expected ')' after the group, not {text!r}"
            if text
            else "This random-effects term is not closed: ')' is missing"
        )

    def left_of_bar(self) -> _Terms:
        at = self.next.at
        if self.next.text in ("|", "||"):
            raise self.refuse("What varies is missing before '|': for an intercept write (1|g)")
        terms, bars = self.right_hand_side()
        if bars:
            raise self.refuse("A random-effects term cannot stand inside another", at)
        if self.next.text not in ("|", "||"):
            raise self.refuse(f"Expected '|' before {self.next.text!r}")
        return terms

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """`a`, `a:b` or `a/b`; `a/b` means `b:a` and `a`, finest first, as lme4 has it."""
        if self.next.kind == "end" or self.next.text == ")":
            raise self.refuse("The group is missing after '|': which column says who belongs together?")
        chain = [self.interaction()]
        while self.take("/"):
            chain.append(self.interaction())
        nested = [chain[0]]
        for inner in chain[1:]:
            nested.insert(0, tuple(dict.fromkeys(inner + nested[0])))
        return tuple(nested)

    def interaction(self) -> tuple[str, ...]:
        names = [self.group_name()]
        while self.take(":"):
            names.append(self.group_name())
        return tuple(dict.fromkeys(names))

    def group_name(self) -> str:
        if self.next.text in ("factor", "C") and self.after.text == "(":
            self.place += 2
            name = self.deeper(self.group_name)
            self.close()
            return name
        if self.next.kind not in ("name", "quoted"):
            raise self.refuse("A group is a column, or columns joined by ':' or '/', as in (1|school/class)")
        if self.next.kind == "name" and self.after.text == "(":
            raise self.refuse(
                f"Expected ')' after the group {self.next.text!r}: a group is a column, made in the data first",
                self.after.at,
            )
        return self.name()
