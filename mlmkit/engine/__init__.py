"""The numerics: from a `Design` to `Estimates`, in short files that follow the course's equations."""

from .conditional import conditional_covariance
from .criterion import lmm_criterion
from .glmm import fit_glmm
from .irls import fit_glm
from .lm import fit_lm
from .lmm import fit_lmm, optimise

__all__ = ["conditional_covariance", "fit_glm", "fit_glmm", "fit_lm", "fit_lmm", "lmm_criterion", "optimise"]
