"""Draws from the priors alone: what a model believes before it has seen a response.

Predictions from these draws are the prior predictive distribution (Gabry, Simpson, Vehtari, Betancourt & Gelman 2019,
J. R. Stat. Soc. A 182(2), section 3): data that the model thinks possible, to be looked at before the real ones are.
"""

from __future__ import annotations

import numpy as np

from ..design import Design
from ..errors import MlmkitError
from ..words import listed
from .correlation import draw_correlation_factor
from .priors import Key, Priors
from .sampling import Chain


def draw_priors(design: Design, priors: Priors, draws: int, seed: np.random.SeedSequence) -> Chain:
    """As many draws of every parameter from its prior, and of the group effects given them.

    Raises
    ------
    MlmkitError
        Where a prior is flat, naming the parameters: there is nothing to draw from.
    """
    _refuse_flat(design, priors)
    rng = np.random.default_rng(seed)
    beta, factors = _coefficients(design, priors, draws, rng), _factors(design, priors, draws, rng)
    own = [priors[one.name,].draw(rng, draws, lower=one.lower) for one in design.spec.family.distribution.own]
    effects = tuple(
        np.einsum("djs,dts->djt", rng.standard_normal((draws, len(block.levels), len(block.names))), L)
        for block, L in zip(design.blocks, factors, strict=True)
    )
    nothing = np.zeros(draws, dtype=int)
    return Chain(beta, factors, np.reshape(own, (len(own), draws)).T, effects, nothing.astype(bool), nothing)


def _refuse_flat(design: Design, priors: Priors) -> None:
    flat = [key for key in _needed(design) if priors[key].is_flat]
    if flat:
        classes = list(dict.fromkeys(key[0] for key in flat))
        given = ", ".join(f"{name!r}: 'normal(0, 10)'" for name in classes)
        named = listed([" ".join(key) for key in flat], limit=6)
        subject = f"prior of {named} is" if len(flat) == 1 else f"priors of {named} are"
        raise MlmkitError(
            f"The {subject} flat, and a flat prior cannot be drawn from: give a proper prior, such as "
            f"priors={{{given}}}, on the scale of your own data."
        )


def _needed(design: Design) -> list[Key]:
    """The key of every parameter that is drawn."""
    fixed = [("Intercept",) if name == "Intercept" else ("b", name) for name in design.fixed_names]
    sds = [("sd", block.group, name) for block in design.blocks for name in block.names]
    return [*fixed, *sds, *((one.name,) for one in design.spec.family.distribution.own)]


def _coefficients(design: Design, priors: Priors, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(draws, p) b; the intercept from its value at the predictors' means, which its prior is on."""
    names, means = design.fixed_names, design.X.mean(axis=0)
    beta = np.zeros((draws, len(names)))
    for k, name in enumerate(names):
        beta[:, k] = priors[("Intercept",) if name == "Intercept" else ("b", name)].draw(rng, draws)
    if "Intercept" in names:
        first, slopes = names.index("Intercept"), np.array([name != "Intercept" for name in names])
        beta[:, first] -= beta[:, slopes] @ means[slopes]
    return beta


def _factors(design: Design, priors: Priors, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """L of each block, (draws, s, s)."""
    factors = []
    for block in design.blocks:
        s = len(block.names)
        sds = np.array(
            [priors["sd", block.group, name].draw(rng, draws, lower=0.0) for name in block.names]
        ).T
        eta = priors["cor", block.group].args[0]
        correlations = np.array([draw_correlation_factor(rng, s, eta) for _ in range(draws)])
        factors.append(sds[:, :, None] * correlations)
    return tuple(factors)
