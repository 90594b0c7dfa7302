"""The numerics: from a `Design` to `Estimates`, in short files that follow the course's equations."""

from .conditional import conditional_covariance
from .generalized.glmm import fit_glmm
from .generalized.irls import fit_glm
from .linear.criterion import lmm_criterion
from .linear.lm import fit_lm
from .linear.lmm import fit_lmm, optimise

__all__ = ["conditional_covariance", "fit_glm", "fit_glmm", "fit_lm", "fit_lmm", "lmm_criterion", "optimise"]
