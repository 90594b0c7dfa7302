"""Reading tokens and expressions: the parts of a formula that stand inside a term.

`mlmkit.formula` reads terms and random effects on top of this. What the grammar does not know is refused by
name, with a caret under the place and, for words from other tools, with what is written here instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .errors import FormulaError, did_you_mean
from .expression import (
    COMPARISONS,
    Call,
    Contrast,
    Expression,
    Name,
    Negative,
    Number,
    Operation,
    Option,
    Text,
    Value,
    columns_of,
)

#: Bounds that keep a formula typed by a stranger from stalling the page it is typed into.
MAX_EXPONENT, MAX_DEPTH = 20, 50

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[^\W\d][\w.]*|\.[^\W\d][\w.]*)
      | (?P<quoted>`(?:[^`\\]|\\[`\\])+`)
      | (?P<string>"[^"\\]*"|'[^'\\]*')
      | (?P<op>%\w*%|\|\||\*\*|>=|<=|==|!=|[-+*/^:(),|~=<>!&.])
    )""",
    re.VERBOSE,
)

_LOGICAL = {"TRUE": True, "FALSE": False, "True": True, "False": False}

#: Functions of each number alone, which arithmetic may use on numbers, too: log(x)/log(2).
ELEMENTWISE = ("log", "log2", "log10", "log1p", "exp", "sqrt", "abs")

#: What a transform takes besides its column, in order, and how each value is checked.
TRANSFORMS: dict[str, dict[str, str]] = {
    **{name: {} for name in ("I", *ELEMENTWISE, "center", "factor")},
    "scale": {"center": "logical", "scale": "logical", "ddof": "count"},
    "standardize": {"center": "logical", "rescale": "logical", "ddof": "count"},
    "poly": {"degree": "degree", "raw": "logical"},
    "bs": {"df": "degree", "knots": "numbers", "degree": "degree", "intercept": "logical"},
    "ns": {"df": "degree", "knots": "numbers", "intercept": "logical"},
    "C": {"contrast": "contrast"},
    "relevel": {"ref": "level"},
}

#: Two spellings of one transform or argument.
_SAME_AS = {"factor": "C", "include_intercept": "intercept", "contr": "contrast", "reference": "ref"}

_CONTRASTS = {
    **dict.fromkeys(("Treatment", "treatment", "contr.treatment"), "Treatment"),
    **dict.fromkeys(("Sum", "sum", "contr.sum"), "Sum"),
    **dict.fromkeys(("Poly", "poly", "contr.poly"), "Poly"),
}

#: Functions of other tools, and what is written here.
ELSEWHERE = {
    "as.factor": "write factor(x)",
    "as.character": "write factor(x)",
    "as.numeric": "turn the column into numbers first: data['x'] = pd.to_numeric(data['x'])",
    "as.integer": "turn the column into numbers first: data['x'] = pd.to_numeric(data['x'])",
    "ordered": "make the column an ordered categorical first: pd.Categorical(data['x'], ordered=True)",
    "cut": "make the classes a column first: data['x_class'] = pd.cut(data['x'], bins)",
    "ifelse": "write the comparison itself, as in (x > 2), or make a column first with np.where",
    "interaction": "write a:b",
    "is.na": "make a column first: data['x_missing'] = data['x'].isna()",
    "round": "make the rounded column first: data['x_rounded'] = data['x'].round()",
    "lag": "make the shifted column first: data['x_before'] = data.groupby('g')['x'].shift()",
    "Q": "write the column's name in backticks",
    "cr": "a natural cubic spline is ns(x, df=4)",
    "cs": "a natural cubic spline is ns(x, df=4)",
    "rcs": "a natural cubic spline is ns(x, df=4)",
    "s": "penalised smooths are not fitted here; a spline of a fixed number of parameters is ns(x, df=4)",
    "te": "penalised smooths are not fitted here; a spline of a fixed number of parameters is ns(x, df=4)",
    "cbind": "cbind(successes, failures) is a response, not a predictor",
    "mvbind": "one response is modelled at a time",
    "Surv": "survival times are not modelled here",
    "mo": "make the column an ordered categorical; it is then coded by orthogonal polynomials",
    "weights": "weights are an argument of the fit, weights=…, not a term of the formula",
    "Treatment": 'a contrast goes into C(), as in C(f, Treatment("b"))',
    "Sum": "a contrast goes into C(), as in C(f, Sum)",
    "Poly": "a contrast goes into C(), as in C(f, Poly)",
}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int


def tokens(text: str) -> Iterator[Token]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            where = at + len(text[at:]) - len(text[at:].lstrip())
            raise refusal(text, where, f"{text[where]!r} has no meaning in a formula")
        kind = str(match.lastgroup)
        yield Token(kind, match[kind], match.start(kind))
        at = match.end()
    yield Token("end", "", len(text))


def refusal(text: str, at: int, reason: str) -> FormulaError:
    """An error that shows the place: the formula, or the part around it, with a caret under it."""
    stop = "" if reason.endswith("?") else "."
    start = max(0, min(at - 60, len(text) - 100))
    shown = text[start : start + 100].replace("\n", " ")
    before, after = "…" if start else "", "…" if start + 100 < len(text) else ""
    return FormulaError(
        f"{reason}{stop}\n    {before}{shown}{after}\n    {' ' * (at - start + len(before))}^ here"
    )


class Reader:
    """Recursive descent over the tokens, one method per level of binding, loosest first."""

    def __init__(self, text: str):
        self.text = text
        self.tokens = list(tokens(text))
        self.place = 0
        self.depth = 0

    # -- moving along ------------------------------------------------------------------------------
    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    @property
    def after(self) -> Token:
        return self.tokens[min(self.place + 1, len(self.tokens) - 1)]

    def take(self, *texts: str) -> Token | None:
        """The next token if it is one of these operators."""
        if self.next.kind == "op" and self.next.text in texts:
            self.place += 1
            return self.tokens[self.place - 1]
        return None

    def expect(self, text: str, reason: str) -> None:
        if not self.take(text):
            raise self.refuse(reason)

    def refuse(self, reason: str, at: int | None = None) -> FormulaError:
        return refusal(self.text, self.next.at if at is None else at, reason)

    def deeper(self, read: Callable, *given):
        """What `read` finds inside a parenthesis, of which there may not be too many in one another."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refuse(f"Parentheses stand in one another here more than {MAX_DEPTH} deep")
        found = read(*given)
        self.depth -= 1
        return found

    def until_closed(self, deep: bool = False) -> Iterator[Token]:
        """The tokens from here on that lie directly, or however `deep`, in the parenthesis just opened."""
        depth = 1
        for token in self.tokens[self.place :]:
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                return
            if depth == 1 or deep:
                yield token

    # -- expressions -------------------------------------------------------------------------------
    def comparison(self) -> Expression:
        """A sum, or two sums compared: `y > 2`."""
        left = self.sum()
        sign = self.take(*COMPARISONS)
        if sign is None:
            return left
        right = self.sum()
        if self.next.text in COMPARISONS:
            raise self.refuse("One comparison at a time: write two factors, (x > 1) and (x < 2)")
        return Operation(sign.text, left, right)

    def sum(self) -> Expression:
        left = self.product()
        while sign := self.take("+", "-"):
            left = Operation(sign.text, left, self.product())
        return left

    def signed(self, operand: Callable[[], Expression]) -> Expression:
        sign = self.take("+", "-")
        value = operand()
        return Negative(value) if sign and sign.text == "-" else value

    def product(self) -> Expression:
        left = self.signed(self.power)
        while sign := self.take("*", "/", ":"):
            if sign.text == ":":
                raise self.refuse("':' joins terms of a formula; inside a call use '*'", sign.at)
            left = Operation(sign.text, left, self.signed(self.power))
        return left

    def power(self) -> Expression:
        base = self.atom()
        sign = self.take("**", "^")
        if sign is None:
            return base
        exponent = self.signed(self.atom)
        number = exponent.operand if isinstance(exponent, Negative) else exponent
        if not isinstance(number, Number) or number.value > MAX_EXPONENT or not columns_of(base):
            raise self.refuse(
                f"A power is a column or term to a plain number of at most {MAX_EXPONENT}", sign.at
            )
        return Operation("**", base, exponent)

    def atom(self) -> Expression:
        token = self.next
        if token.kind == "name" and self.after.text == "(":
            return self.call()
        if token.kind in ("name", "quoted"):
            return Name(self.name())
        if token.kind == "number":
            self.place += 1
            return Number(token.text)
        beside = self.after.text, self.tokens[self.place - 1].text
        if token.kind == "string" and any(text in COMPARISONS for text in beside):
            self.place += 1
            return Text(token.text[1:-1])
        if self.take("("):
            inner = self.deeper(self.comparison)
            self.close()
            return inner
        raise self.refuse(self.missing(token))

    def close(self) -> None:
        self.expect(")", "Expected ')'" if self.next.text else "A parenthesis is not closed: ')' is missing")

    def missing(self, token: Token) -> str:
        """Why no column or term can start at this token."""
        if token.kind == "end":
            return "The formula stops where a term was expected"
        if token.text in ("|", "||"):
            return "A random-effects term needs its own parentheses, as in (x|g)"
        if token.kind == "string":
            return "A piece of text stands for no column; write a column's name without quotation marks"
        if token.text == ".":
            return "'.' for all other columns is not read: name the predictors"
        return f"Expected a column or a term, not {token.text!r}"

    def name(self) -> str:
        """A column's name, without backticks."""
        token = self.next
        self.place += 1
        if token.kind == "quoted":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        if re.search(r"(^|\.)__", token.text):
            raise self.refuse(
                f"{token.text!r}: a name that starts with a double underscore goes in backticks", token.at
            )
        return token.text

    # -- transforms --------------------------------------------------------------------------------
    def call(self) -> Call:
        token = self.next
        if token.text not in TRANSFORMS:
            raise self.refuse(self.unknown(token.text), token.at)
        self.place += 2
        argument = self.deeper(self.comparison)
        options = self.options(token.text)
        self.expect(")", "Expected ')'" if self.next.text else f"{token.text}( is not closed: ')' is missing")
        if not columns_of(argument) and token.text not in ELEMENTWISE:
            raise self.refuse(f"{token.text}() names no column", token.at)
        self.check(token, argument, options)
        return Call(_SAME_AS.get(token.text, token.text), argument, options)

    def unknown(self, name: str) -> str:
        reason = f"{name}() is not a transform that a formula may use"
        if name in ELSEWHERE:
            return f"{reason}: {ELSEWHERE[name]}"
        return f"{reason}.{did_you_mean(name, TRANSFORMS)}".rstrip(".")

    def options(self, function: str) -> tuple[Option, ...]:
        takes = TRANSFORMS[function]
        found: list[Option] = []
        while comma := self.take(","):
            named = self.next.kind == "name" and self.after.text == "="
            left = [name for name in takes if name not in {option.name for option in found}]
            if named:
                name = _SAME_AS.get(self.next.text, self.next.text)
                if name not in left:
                    raise self.refuse(self.no_option(function, self.next.text))
                self.place += 2
            elif left:
                name = left[0]
            else:
                raise self.refuse(self.no_option(function), comma.at)
            found.append(Option(name, getattr(self, takes[name])(), named))
        return tuple(found)

    def no_option(self, function: str, name: str = "") -> str:
        if function == "log":
            return (
                "log(x) is the natural logarithm and takes no base: write log2(x), log10(x) or log(x)/log(b)"
            )
        if function in ("C", "factor") and name in ("levels", "labels", "base"):
            return (
                "The levels and their order come from the column (pd.Categorical(x, categories=[…])); the first "
                'is the reference, and relevel(f, "b") or C(f, Treatment("b")) names another'
            )
        takes = ", ".join(TRANSFORMS[function])
        return f"{function}() takes a column" + (f" and {takes}" if takes else " and nothing else")

    def check(self, token: Token, argument: Expression, options: tuple[Option, ...]) -> None:
        names = {option.name for option in options}
        if token.text in ("C", "relevel") and not isinstance(argument, Name | Call):
            raise self.refuse(f"{token.text}() takes a column", token.at)
        if token.text == "relevel" and not names:
            raise self.refuse('relevel() takes the level to start from, as in relevel(f, "b")', token.at)
        if token.text in ("bs", "ns") and {"df", "knots"} <= names:
            raise self.refuse(
                f"{token.text}() takes df or knots, as in {token.text}(x, df=4), not both", token.at
            )

    # -- the values that transforms take -----------------------------------------------------------
    def logical(self) -> bool:
        token = self.next
        if token.text not in _LOGICAL:
            raise self.refuse("This argument is TRUE or FALSE")
        self.place += 1
        return _LOGICAL[token.text]

    def count(self) -> int:
        token = self.next
        if token.kind != "number" or not token.text.isdigit():
            raise self.refuse("This argument is a whole number")
        self.place += 1
        return int(token.text[:9])

    def degree(self) -> int:
        at = self.next.at
        value = self.count()
        if not 1 <= value <= MAX_EXPONENT:
            raise self.refuse(
                f"A degree, or a number of columns, is at least 1 and at most {MAX_EXPONENT}", at
            )
        return value

    def numbers(self) -> tuple[float, ...]:
        """One number, or several as `c(1, 2)`."""
        if self.next.text != "c":
            return (self.number(),)
        self.place += 1
        self.expect("(", "Several numbers are written c(1, 2)")
        values = [self.number()]
        while self.take(","):
            values.append(self.number())
        self.close()
        return tuple(values)

    def number(self) -> float:
        sign = self.take("-", "+")
        token = self.next
        if token.kind != "number":
            raise self.refuse("This argument is a number, or several as c(1, 2)")
        self.place += 1
        return -float(token.text) if sign and sign.text == "-" else float(token.text)

    def level(self) -> str:
        """A level by its label: text, or a number or TRUE/FALSE as the label is read."""
        token = self.next
        if token.kind not in ("string", "number") and token.text not in _LOGICAL:
            raise self.refuse('This argument is a level in quotation marks, as in relevel(f, "b")')
        self.place += 1
        return token.text[1:-1] if token.kind == "string" else str(_LOGICAL.get(token.text, token.text))

    def contrast(self) -> Value:
        token = self.next
        name = token.text[1:-1] if token.kind == "string" else token.text
        if name not in _CONTRASTS:
            raise self.refuse(
                f'{name!r} is no contrast: there are Treatment, Treatment("b"), Sum and Poly, as in C(f, Sum)'
            )
        self.place += 1
        kind, reference = _CONTRASTS[name], None
        if self.take("("):
            if self.next.text != ")":
                reference = self.reference(kind)
            self.close()
        return Contrast(kind, reference)

    def reference(self, kind: str) -> str:
        if kind != "Treatment":
            raise self.refuse(f"{kind} takes no reference level")
        by_place = self.next.text == "base"
        if self.next.kind == "name" and self.after.text == "=":
            if self.next.text not in ("reference", "ref", "base"):
                raise self.refuse('The reference level is named as in Treatment("b")')
            self.place += 2
        if by_place and self.next.kind == "number":
            raise self.refuse('Name the reference level by its label, as in Treatment("b"), not by its place')
        return self.level()
