"""What a formula says, as data: the one specification that every view is made from.

The fit, the equations, the Bayesian network, the design matrices, the Bayesian model and the widgets
all start from a `Spec`. It knows names only; `mlmkit.design` brings in the data.

A term is a tuple of factors, and a factor knows its columns: to ask which columns a term uses, see
`columns_in`; which of them are categorical, with which levels and contrasts, only the data can say:
`mlmkit.terms.Columns.codings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from .expression import Expression, Name, Operation, columns_of, spell
from .families import Family


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a column, or an expression of columns.

    Attributes
    ----------
    tree
        The expression, read.
    expr
        The factor as a formula writes it: `log(x)`, `` `my column` ``, `(x > 2)`.
    name
        The same for people, without backticks: what its coefficients are called.
    columns
        The columns it uses, each once.
    is_column
        Whether it is a bare column.
    """

    tree: Expression

    @cached_property
    def expr(self) -> str:
        return self._spelled(quoted=True)

    @cached_property
    def name(self) -> str:
        return self._spelled(quoted=False)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return columns_of(self.tree)

    @property
    def is_column(self) -> bool:
        return isinstance(self.tree, Name)

    def _spelled(self, quoted: bool) -> str:
        text = spell(self.tree, quoted)
        return f"({text})" if isinstance(self.tree, Operation) and self.tree.is_comparison else text

    def __str__(self):
        return self.expr


#: A model-formula term: the factors whose product it is. `()` is the intercept, a tuple of the factors `ses`
#: and `himinty` the interaction ses:himinty.
Term = tuple[Factor, ...]

INTERCEPT: Term = ()


def columns_in(terms: Iterable[Term]) -> tuple[str, ...]:
    """The columns that these terms use, each once, in order."""
    return tuple(dict.fromkeys(name for term in terms for factor in term for name in factor.columns))


def term_name(term: Term) -> str:
    """A term as its coefficient is called: `Intercept`, `ses:himinty`."""
    return ":".join(factor.name for factor in term) or "Intercept"


@dataclass(frozen=True)
class Response:
    """The left-hand side: one expression, or successes and failures for `cbind(m, n - m)`."""

    tree: Expression
    failures_tree: Expression | None = None

    @property
    def expr(self) -> str:
        """The response (of `cbind` the successes) as a formula writes it."""
        return spell(self.tree)

    @property
    def name(self) -> str:
        """The same for people, without backticks."""
        return spell(self.tree, quoted=False)

    @property
    def failures(self) -> str | None:
        return None if self.failures_tree is None else spell(self.failures_tree)

    @property
    def is_column(self) -> bool:
        return isinstance(self.tree, Name) and self.failures_tree is None

    @property
    def trees(self) -> tuple[Expression, ...]:
        """Its one expression, or successes and failures."""
        return (self.tree,) if self.failures_tree is None else (self.tree, self.failures_tree)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it uses, each once."""
        return tuple(dict.fromkeys(name for tree in self.trees for name in columns_of(tree)))

    def __str__(self):
        return self.expr if self.failures is None else f"cbind({self.expr}, {self.failures})"


def group_key(group: str) -> frozenset[str]:
    """Who a grouping factor is, in whatever order its columns are written: `a:b` and `b:a` are the same."""
    return frozenset(str(group).replace("(", "").replace(")", "").split(":"))


def same_group(one: str, other: str) -> bool:
    """Whether two names mean the same grouping factor."""
    return group_key(one) == group_key(other)


@dataclass(frozen=True)
class RandomTerm:
    """One `(terms | group)` of a formula, with `a/b` already expanded into `a` and `b:a`.

    Attributes
    ----------
    terms
        What varies across the groups, the intercept as `()`: `(Days|Subject)` has `()` and `(Days,)`.
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
    def key(self) -> frozenset[str]:
        """The grouping factor's identity, whatever the order of its columns."""
        return group_key(self.group)

    def __str__(self):
        bar = "|" if self.correlated else "||"
        return (
            f"({_right_hand_side(self.terms)} {bar} {':'.join(spell(Name(name)) for name in self.factors)})"
        )


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
    offsets
        The expressions inside `offset(…)`: known parts of the linear predictor.
    """

    formula: str
    response: Response
    fixed: tuple[Term, ...]
    random: tuple[RandomTerm, ...]
    family: Family
    offsets: tuple[Factor, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The grouping factors' names, each once, in the order typed."""
        return tuple(dict.fromkeys(term.group for term in self.random))

    @property
    def grouping(self) -> tuple[str, ...]:
        """The grouping factors' columns, each once."""
        return tuple(dict.fromkeys(name for term in self.random for name in term.factors))

    @property
    def predictors(self) -> tuple[str, ...]:
        """The columns of the fixed part, the offsets and what varies, each once."""
        varying = tuple(term for one in self.random for term in one.terms)
        return columns_in((*self.fixed, *varying, *((offset,) for offset in self.offsets)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the model uses, each once."""
        return tuple(dict.fromkeys((*self.response.columns, *self.predictors, *self.grouping)))

    def with_random(self, *random: RandomTerm) -> Spec:
        """The same model with other random-effects terms (none makes the flat model)."""
        spec = replace(self, random=random)
        return replace(spec, formula=str(spec))

    def __str__(self):
        offsets = [f"offset({spell(offset.tree)})" for offset in self.offsets]
        right = " + ".join([_right_hand_side(self.fixed), *offsets, *map(str, self.random)])
        return f"{self.response} ~ {right}"


def _right_hand_side(terms: tuple[Term, ...]) -> str:
    names = [":".join(factor.expr for factor in term) for term in terms if term != INTERCEPT]
    return " + ".join(["1" if INTERCEPT in terms else "0", *names])
