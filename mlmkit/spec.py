"""What a formula says, as data: the one specification that every view is made from.

The fit, the equations, the Bayesian network, the design matrices, the Bayesian model and the widgets
all start from a `Spec`. It knows names only; `mlmkit.design` brings in the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .families import Family

#: A model-formula term: the factors whose product it is. `()` is the intercept, `("ses", "himinty")`
#: the interaction ses:himinty.
Term = tuple[str, ...]

INTERCEPT: Term = ()


@dataclass(frozen=True)
class Response:
    """The left-hand side: one expression, or successes and failures for `cbind(m, n - m)`."""

    expr: str
    failures: str | None = None

    def __str__(self):
        return self.expr if self.failures is None else f"cbind({self.expr}, {self.failures})"


@dataclass(frozen=True)
class RandomTerm:
    """One `(terms | group)` of a formula, with `a/b` already expanded into `a` and `b:a`.

    Attributes
    ----------
    terms
        What varies across the groups, the intercept as `()`: `(Days|Subject)` has `((), ("Days",))`.
    factors
        The columns whose combinations are the groups: `("Subject",)`, `("schoolid", "classid2")`.
    correlated
        False for `||`: every coefficient varies independently of the others.
    """

    terms: tuple[Term, ...]
    factors: tuple[str, ...]
    correlated: bool = True

    @property
    def group(self) -> str:
        """The group's name as lme4 writes it: `schoolid:classid2`."""
        return ":".join(self.factors)

    @property
    def has_intercept(self) -> bool:
        return INTERCEPT in self.terms

    def __str__(self):
        bar = "|" if self.correlated else "||"
        return f"({_right_hand_side(self.terms)} {bar} {self.group})"


@dataclass(frozen=True)
class Spec:
    """A mixed-model formula, parsed.

    Attributes
    ----------
    formula
        The formula as it was typed.
    response
        The left-hand side.
    fixed
        The terms of the fixed part, in order of degree, the intercept as `()`.
    random
        The random-effects terms in the order typed; empty for a flat model.
    family
        The response's distribution and link.
    """

    formula: str
    response: Response
    fixed: tuple[Term, ...]
    random: tuple[RandomTerm, ...]
    family: Family

    @property
    def groups(self) -> tuple[str, ...]:
        """The grouping factors' names, each once, in the order typed."""
        return tuple(dict.fromkeys(term.group for term in self.random))

    def with_random(self, *random: RandomTerm) -> Spec:
        """The same model with other random-effects terms (none makes the flat model)."""
        spec = replace(self, random=random)
        return replace(spec, formula=str(spec))

    def __str__(self):
        right = " + ".join([_right_hand_side(self.fixed), *map(str, self.random)])
        return f"{self.response} ~ {right}"


def _right_hand_side(terms: tuple[Term, ...]) -> str:
    names = [":".join(term) for term in terms if term != INTERCEPT]
    return " + ".join(["1" if INTERCEPT in terms else "0", *names])
