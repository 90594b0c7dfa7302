"""What one row of the benchmark's table is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Case:
    """One model on one data set.

    Attributes
    ----------
    name
        Its row in the table.
    formula
        lme4's notation.
    data
        A function that makes the data frame; groups as strings.
    family
        `"gaussian"` is fitted by REML with `lmer`, others by maximum likelihood with `glmer`.
    n_agq
        Nodes of the quadrature.
    peer_formula
        The formula where a peer needs another one: `"cbind(m, n - m) ~ …"` as a proportion.
    weights
        The column of weights that goes with `peer_formula`.
    heavy
        Takes lme4 minutes: left out of a quick run, fitted once.
    """

    name: str
    formula: str
    data: Callable | None = None
    family: str = "gaussian"
    n_agq: int = 1
    peer_formula: str | None = None
    weights: str | None = None
    heavy: bool = False

    def described(self) -> dict:
        """Everything but the data, for another process."""
        return asdict(replace(self, data=None))
