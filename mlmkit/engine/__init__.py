"""The numerics: from a `Design` to `Estimates`.

What chapter 4 computes by hand, and where it is computed here:

    equation                                         chapter      function
    y = Xb + Zγ + ε, every matrix formed             4.1–4.6      textbook.make_Z, make_Omega, make_V, …
    Ω = σ²ΛΛᵀ, Λ from θ                              4.5          covariance.factors_from_theta
    columns of X and Z on one scale                  –            standardise.standardise
    ZᵀZ, Zᵀ[X y], once for all θ                     –            linear.equations.mixed_model_equations
    −2 log L and REML as a function of θ             4.5, 4.6     linear.criterion.LmmCriterion
    its derivatives by θ                             –            LmmCriterion.gradients, linear.curvature
    b̂, σ̂, γ̂ and their covariances at a θ             4.4, 4.5     LmmCriterion.solve, conditional_covariance
    H = ΛᵀZᵀWZΛ + I: log|H|, solutions, inverse      –            random.pattern.Factorised
    the lowest point, and the proof of it            4.5, 4.7     search.optimise.minimise
    whether another point may be lower               –            search.hills
    many responses at once                           –            linear.batch, generalized.batch
    log odds and counts without groups               1, 9         generalized.irls.fit_glm
    the modes û, Laplace's approximation, nodes      9            generalized.pirls, laplace, quadrature

To see how `mk.lmer` gets from a formula to the criterion, read in this order: `models.lmer`, then here
`textbook` (what is to be computed, slowly), `linear/lmm` (the stages), `linear/criterion` (the number),
`linear/equations` (the sums it needs) and `random/pattern` (the one factorisation behind it all).

The shelves: `random/` knows which random effects meet which, and factorises; `linear/` and `generalized/`
have the two criteria, short users of it; `search/` finds the lowest point and proves that it is one.
"""

from .conditional import conditional_covariance
from .generalized.glmm import fit_glmm
from .generalized.irls import fit_glm
from .linear.criterion import lmm_criterion
from .linear.lm import fit_lm
from .linear.lmm import fit_lmm, optimise

__all__ = ["conditional_covariance", "fit_glm", "fit_glmm", "fit_lm", "fit_lmm", "lmm_criterion", "optimise"]
