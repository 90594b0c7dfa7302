"""Text to `Spec`: reading a mixed-model formula.

A formula is data, never code. It is cut into tokens, read by a small grammar that knows arithmetic, a named
list of transforms and the bar of a random-effects term, and only then is the fixed part handed to formulaic,
which expands products and interactions. Whatever the grammar does not know is refused by name, with a
pointer to the place.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from formulaic import Formula

from .errors import FormulaError, did_you_mean
from .families import Family, get_family
from .spec import RandomTerm, Response, Spec, Term

#: What a formula may call, and what each is called where the columns are computed.
TRANSFORMS = {
    **{name: name for name in ("I", "C", "log", "log2", "log10", "log1p", "exp", "sqrt", "abs")},
    **{name: name for name in ("center", "scale", "standardize", "poly")},
    "factor": "C",
}

#: Bounds that keep a formula typed by a stranger from stalling the page it is typed into.
MAX_LENGTH, MAX_TERMS, MAX_EXPONENT = 2000, 500, 20

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[^\W\d][\w.]*|\.[^\W\d][\w.]*)
      | (?P<quoted>`[^`\\]+`)
      | (?P<string>"[^"\\]*"|'[^'\\]*')
      | (?P<op>\|\||\*\*|[-+*/^:(),|~=])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class _Node:
    """A parsed piece: its text in formulaic's spelling, how many terms it can expand to, and what it holds."""

    text: str
    at: int
    size: int = 1
    has_names: bool = False
    number: bool = False


@dataclass(frozen=True)
class _Bar:
    """A parsed `(terms | group)`."""

    left: _Node
    factors: tuple[tuple[str, ...], ...]
    correlated: bool


def parse_formula(formula: str, family: str | Family = "gaussian") -> Spec:
    """Read a mixed-model formula in lme4's notation.

    Parameters
    ----------
    formula
        `y ~ x + (x|g)`; see the package's documentation for every form.
    family
        The response's distribution: a name, `"binomial(probit)"`, or a `Family`.

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
    response, fixed, bars = _Reader(formula).formula()
    random = tuple(
        RandomTerm(_expand(bar.left.text, formula), factors, bar.correlated)
        for bar in bars
        for factors in bar.factors
    )
    for term in random:
        if not term.terms:
            raise FormulaError(
                f"({bars[0].left.text}|{term.group}) lets nothing vary: write (1|{term.group})."
            )
    return Spec(formula.strip(), response, _expand(fixed, formula), random, family)


def names_in(expression: str) -> list[str]:
    """The columns that an expression of a `Spec` uses, each once, in order."""
    tokens = list(_tokens(expression))
    used = [
        token.text.strip("`")
        for token, after in itertools.pairwise(tokens)
        if token.kind == "quoted"
        or (token.kind == "name" and after.text not in ("(", "=") and token.text not in ("True", "False"))
    ]
    return list(dict.fromkeys(used))


def is_column(factor: str) -> bool:
    """Whether a factor of a term is a bare column, not an expression."""
    return factor.isidentifier() or (
        factor.startswith("`") and factor.count("`") == 2 and factor.endswith("`")
    )


def _expand(text: str, formula: str) -> tuple[Term, ...]:
    """The terms of a right-hand side, products and powers expanded: formulaic's part of the work."""
    try:
        terms = list(Formula(text))
    except Exception as error:  # noqa: BLE001  (formulaic has no base class for its errors)
        raise FormulaError(f"{text!r} in {formula!r} cannot be expanded into terms: {error}") from None
    return tuple(tuple(_spell(f.expr) for f in term.factors if f.expr != "1") for term in terms)


def _spell(factor: str) -> str:
    """formulaic drops the backticks of a bare name; put them back where the name needs them."""
    is_call = re.fullmatch(r"\w+\(.*\)", factor)
    return factor if is_call or factor.isidentifier() else f"`{factor}`"


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            where = at + len(text[at:]) - len(text[at:].lstrip())
            raise _refusal(text, where, f"{text[where]!r} has no meaning in a formula")
        kind = match.lastgroup
        yield _Token(kind, match[kind], match.start(kind))
        at = match.end()
    yield _Token("end", "", len(text))


def _refusal(text: str, at: int, reason: str) -> FormulaError:
    """An error that shows the place: the formula with a caret under it."""
    stop = "" if reason.endswith("?") else "."
    return FormulaError(f"{reason}{stop}\n    {text}\n    {' ' * at}^ here")


class _Reader:
    """Recursive descent over the tokens, one method a level of binding, loosest first."""

    def __init__(self, text: str):
        self.text = text
        self.tokens = list(_tokens(text))
        self.place = 0
        self.in_call = 0

    # -- moving along ------------------------------------------------------------------------------
    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def take(self, *texts: str) -> _Token | None:
        """The next token if it is one of these operators."""
        if self.next.kind == "op" and self.next.text in texts:
            self.place += 1
            return self.tokens[self.place - 1]
        return None

    def expect(self, text: str, reason: str) -> None:
        if not self.take(text):
            raise self.refuse(reason)

    def refuse(self, reason: str, at: int | None = None) -> FormulaError:
        return _refusal(self.text, self.next.at if at is None else at, reason)

    # -- the grammar -------------------------------------------------------------------------------
    def formula(self) -> tuple[Response, str, list[_Bar]]:
        if self.next.text == "~":
            raise self.refuse("The response is missing: a formula reads 'response ~ predictors'")
        response = self.response()
        self.expect("~", "Expected '~' after the response" if self.next.kind != "end" else "There is no '~'")
        fixed, bars = self.right_hand_side()
        if self.next.kind != "end":
            raise self.refuse(self.surprise())
        return response, fixed, bars

    def surprise(self) -> str:
        if self.next.text == "~":
            return "A formula has one '~' only"
        if self.next.text in ("|", "||"):
            return "A random-effects term needs its own parentheses, as in (x|g)"
        if self.next.text == ")":
            return "This parenthesis closes nothing"
        if self.next.text == "=":
            return "'=' stands between a name and a value inside a call only; a formula has '~'"
        return f"Expected an operator before {self.next.text!r}"

    def response(self) -> Response:
        if self.next.text == "cbind":
            self.place += 1
            self.expect("(", "cbind needs its two columns: cbind(successes, failures)")
            self.in_call += 1
            successes = self.sum()
            self.expect(",", "cbind takes two columns: cbind(successes, failures)")
            failures = self.sum()
            self.in_call -= 1
            self.expect(")", "cbind takes two columns: cbind(successes, failures)")
            return Response(successes.text, failures.text)
        self.in_call += 1
        node = self.sum()
        self.in_call -= 1
        if not node.has_names:
            raise self.refuse("The response names no column", node.at)
        return Response(node.text)

    def right_hand_side(self) -> tuple[str, list[_Bar]]:
        """Terms joined by + and −: the random ones apart, the fixed ones as text for formulaic."""
        fixed, bars, size = [], [], 0
        sign = self.take("+", "-")
        while True:
            start = self.next.at
            bar = self.bar()
            if bar:
                if sign and sign.text == "-":
                    raise self.refuse("A random-effects term cannot be taken away", start)
                bars.append(bar)
            else:
                node = self.product()
                size += node.size
                fixed.append(f"{'- ' if sign and sign.text == '-' else '+ '}{node.text}")
            if size > MAX_TERMS:
                raise self.refuse(f"This expands to more than {MAX_TERMS} terms", start)
            sign = self.take("+", "-")
            if sign is None:
                return " ".join(fixed).removeprefix("+ ") or "1", bars

    def bar(self) -> _Bar | None:
        """A parenthesised random-effects term, or nothing, leaving the place as it was."""
        start = self.place
        if not self.take("("):
            return None
        depth = 1
        for token in self.tokens[self.place :]:
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0 or token.text in ("|", "||"):
                break
        if depth != 1 or token.text not in ("|", "||"):
            self.place = start
            return None
        left, _ = self.left_of_bar()
        double = self.take("|", "||").text == "||"
        factors = self.groups()
        self.expect(
            ")",
            f"Expected ')' after the group, not {self.next.text!r}"
            if self.next.text
            else "This random-effects term is not closed: ')' is missing",
        )
        return _Bar(left, factors, not double)

    def left_of_bar(self):
        at = self.next.at
        if self.next.text in ("|", "||"):
            raise self.refuse("What varies is missing before '|': for an intercept write (1|g)")
        text, bars = self.right_hand_side()
        if bars:
            raise self.refuse("A random-effects term cannot stand inside another", at)
        if self.next.text not in ("|", "||"):
            raise self.refuse(f"Expected '|' before {self.next.text!r}")
        return _Node(text, at), bars

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """`a`, `a:b` or `a/b`; `a/b` means `b:a` and `a`, finest first, as lme4 has it."""
        if self.next.kind == "end" or self.next.text == ")":
            raise self.refuse("The group is missing after '|': which column says who belongs together?")
        chain = [self.interaction()]
        while self.take("/"):
            chain.append(self.interaction())
        nested = [chain[0]]
        for inner in chain[1:]:
            nested.insert(0, inner + nested[0])
        return tuple(nested)

    def interaction(self) -> tuple[str, ...]:
        names = [self.group_name()]
        while self.take(":"):
            names.append(self.group_name())
        return tuple(names)

    def group_name(self) -> str:
        if self.next.text in ("factor", "C") and self.tokens[self.place + 1].text == "(":
            self.place += 2
            name = self.group_name()
            self.expect(")", "Expected ')'")
            return name
        if self.next.kind not in ("name", "quoted"):
            raise self.refuse("A group is a column, or columns joined by ':' or '/', as in (1|school/class)")
        return self.name().text.strip("`")

    def sum(self) -> _Node:
        node = self.signed(self.product)
        while sign := self.take("+", "-"):
            right = self.product()
            node = self.join(node, f" {sign.text} ", right, node.size + right.size)
        return node

    def signed(self, operand) -> _Node:
        sign = self.take("+", "-")
        node = operand()
        return self.join(_Node("", node.at, 0), sign.text, node, node.size) if sign else node

    def product(self) -> _Node:
        node = self.power()
        while sign := self.take("*", "/", ":"):
            if sign.text == ":" and self.in_call:
                raise self.refuse("':' joins terms of a formula; inside a call use '*'", sign.at)
            right = self.power()
            size = node.size * right.size + (node.size + right.size if sign.text != ":" else 0)
            node = self.join(node, sign.text if sign.text == ":" else f" {sign.text} ", right, size)
        return node

    def power(self) -> _Node:
        node = self.atom()
        if sign := self.take("**", "^"):
            exponent = self.signed(self.atom) if self.in_call else self.atom()
            value = exponent.text.lstrip("+-")
            if not exponent.number or float(value) > MAX_EXPONENT or not node.has_names:
                raise self.refuse(
                    f"A power is a column or term to a plain number of at most {MAX_EXPONENT}", sign.at
                )
            if not self.in_call and (not value.isdigit() or node.size ** int(value) > MAX_TERMS):
                raise self.refuse(f"This power of a term expands to more than {MAX_TERMS} terms", sign.at)
            node = self.join(node, "**", exponent, node.size if self.in_call else node.size ** int(value))
        return node

    def join(self, left: _Node, sign: str, right: _Node, size: int) -> _Node:
        if size > MAX_TERMS:
            raise self.refuse(f"This expands to more than {MAX_TERMS} terms", left.at)
        number = not left.text and right.number
        return _Node(left.text + sign + right.text, left.at, size, left.has_names or right.has_names, number)

    def atom(self) -> _Node:
        token = self.next
        if token.kind == "name" and self.tokens[self.place + 1].text == "(":
            return self.call()
        if token.kind in ("name", "quoted"):
            return self.name()
        if token.kind == "number":
            self.place += 1
            return self.checked_number(token)
        if self.take("("):
            node = self.sum()
            if self.next.text in ("|", "||"):
                raise self.refuse(
                    "A random-effects term is added to the others, never multiplied or nested in them"
                )
            self.expect(
                ")", "Expected ')'" if self.next.text else "A parenthesis is not closed: ')' is missing"
            )
            return _Node(f"({node.text})", token.at, node.size, node.has_names)
        raise self.refuse(self.missing(token))

    def missing(self, token: _Token) -> str:
        if token.kind == "end":
            return "The formula stops where a term was expected"
        if token.text in ("|", "||"):
            return self.surprise()
        if token.kind == "string":
            return "A piece of text stands for no column; write a column's name without quotation marks"
        return f"Expected a column or a term, not {token.text!r}"

    def checked_number(self, token: _Token) -> _Node:
        if (
            not self.in_call
            and token.text not in ("0", "1")
            and self.tokens[self.place - 2].text not in ("**", "^")
        ):
            raise self.refuse(
                "Only 0 and 1 (without or with an intercept) stand alone; arithmetic goes into I(…)", token.at
            )
        return _Node(token.text, token.at, number=True)

    def name(self) -> _Node:
        token = self.next
        self.place += 1
        name = token.text.strip("`")
        if "__" in name:
            raise self.refuse(f"{name!r}: names with a double underscore are not read in a formula", token.at)
        plain = name.isidentifier()
        return _Node(name if plain else f"`{name}`", token.at, has_names=True)

    def call(self) -> _Node:
        token = self.next
        if token.text == "offset":
            raise self.refuse(
                "An offset is an argument of the fit, offset=…, not a term of the formula", token.at
            )
        if token.text not in TRANSFORMS:
            reason = f"{token.text}() is not a transform that a formula may use."
            raise self.refuse((reason + did_you_mean(token.text, TRANSFORMS)).rstrip("."), token.at)
        self.place += 2
        self.in_call += 1
        arguments = [self.argument()]
        while self.take(","):
            arguments.append(self.argument())
        self.in_call -= 1
        self.expect(")", "Expected ')'" if self.next.text else f"{token.text}( is not closed: ')' is missing")
        if not arguments[0].has_names:
            raise self.refuse(f"{token.text}() names no column", token.at)
        if token.text == "poly" and any(
            float(n) > MAX_EXPONENT for a in arguments[1:] for n in re.findall(r"[\d.]+", a.text)
        ):
            raise self.refuse(f"A polynomial of degree {MAX_EXPONENT} is the highest that is read", token.at)
        return _Node(
            f"{TRANSFORMS[token.text]}({', '.join(a.text for a in arguments)})", token.at, has_names=True
        )

    def argument(self) -> _Node:
        token, after = self.next, self.tokens[min(self.place + 1, len(self.tokens) - 1)]
        if token.kind == "name" and after.text == "=":
            self.place += 2
            return _Node(f"{token.text}={self.value().text}", token.at)
        if token.text in ("TRUE", "FALSE", "True", "False"):
            return self.value()
        return self.sum()

    def value(self) -> _Node:
        """The value of a named argument: a number, a piece of text, true or false."""
        token = self.next
        logical = {"TRUE": "True", "FALSE": "False", "True": "True", "False": "False"}
        if token.kind not in ("number", "string") and token.text not in logical:
            raise self.refuse("A named argument takes a number, a text or TRUE/FALSE")
        self.place += 1
        return _Node(logical.get(token.text, token.text), token.at)
