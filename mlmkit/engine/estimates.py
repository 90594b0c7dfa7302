"""What an engine hands back: one frozen record, the same for all four kinds of model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..families import Family

#: A move by this many standard errors puts an approximation in doubt.
DOUBTFUL = 0.3


@dataclass(frozen=True, eq=False)
class Move:
    """Where exact integration would move the estimates, to first order.

    Attributes
    ----------
    coefficients : (p,) array
        Moves of b, in standard errors.
    sds : list of (s,) arrays
        Moves of each block's SDs, in standard errors; 0 for an SD of 0.
    nodes : int or None
        How many nodes in each direction would do; None where the approximation is not in doubt, and for several
        grouping factors, which nodes are not for.
    """

    coefficients: np.ndarray
    sds: list[np.ndarray]
    nodes: int | None = None

    @property
    def matters(self) -> bool:
        """Whether the approximation is in doubt."""
        return self.largest >= DOUBTFUL

    @property
    def largest(self) -> float:
        """The largest move, in standard errors."""
        return float(max(np.abs(part).max(initial=0.0) for part in (self.coefficients, *self.sds)))


@dataclass(frozen=True, eq=False)
class Estimates:
    """The estimates of one fitted model, as plain arrays.

    Attributes
    ----------
    beta : (p,) array
        Population coefficients b.
    vcov : (p, p) array
        Their estimated covariance, residual variance included.
    theta : (n_theta,) array
        Relative covariance parameters: block after block of the design, the lower triangle of each
        block's Λ column by column. Empty for a flat model.
    sigma : float
        Residual SD, the root of a dispersion that is a factor of the variance; else 1.0.
    dispersion : float or None
        What the distribution has beside its mean: σ², φ, or a negative binomial's size; None for σ², and
        where there is none.
    modes : tuple of (J, s) arrays
        Conditional modes of the group effects (ζ̂; γ̂ of chapter 4), one array for each block, on the scale of `beta`.
    criterion : float
        The REML criterion, or −2 × the full log likelihood.
    loglik : float
        The full log likelihood; for REML −criterion/2.
    reml : bool
    linear_predictor : (n,) array
        Population part, group effects and offset.
    fitted : (n,) array
        The linear predictor on the scale of the response's mean.
    converged : bool
        Whether the optimum passed the checks of gradient and curvature.
    messages : tuple of str
        What the learner should be told, in plain sentences.
    evaluations : int
        How often the optimiser evaluated the criterion.
    gradient : (k,) array
        The criterion's gradient at the optimum.
    hessian : (k, k) array or None
        The criterion's Hessian there, where one was computed.
    n_agq : int
        Nodes of adaptive Gauss–Hermite quadrature; 1 is Laplace's approximation (exact when Gaussian).
    move : Move or None
        Where exact integration would move them, where that was asked for and is known.
    """

    beta: np.ndarray
    vcov: np.ndarray
    theta: np.ndarray
    sigma: float
    modes: tuple[np.ndarray, ...]
    criterion: float
    loglik: float
    reml: bool
    linear_predictor: np.ndarray
    fitted: np.ndarray
    converged: bool = True
    messages: tuple[str, ...] = ()
    evaluations: int = 0
    gradient: np.ndarray | None = None
    hessian: np.ndarray | None = None
    n_agq: int = 1
    dispersion: float | None = None
    move: Move | None = None

    def __repr__(self):
        return f"Estimates at a criterion of {self.criterion:.6g}: beta {self.beta.round(4)}, theta {self.theta.round(4)}"

    def family(self, design) -> Family:
        """The design's family at the dispersion that was estimated."""
        family = design.spec.family
        return family.at(self.sigma**2 if self.dispersion is None else self.dispersion)
