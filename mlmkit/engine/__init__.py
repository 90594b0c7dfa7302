"""The numerics: from a `Design` to `Estimates`, in short files that follow the course's equations."""

from .criterion import lmm_criterion
from .irls import fit_glm
from .lm import fit_lm
from .lmm import conditional_covariance, fit_lmm, optimise

try:  # the generalized engine is about to land
    from .glmm import fit_glmm
except ImportError:

    def fit_glmm(design, n_agq=1):
        raise NotImplementedError


__all__ = ["conditional_covariance", "fit_glm", "fit_glmm", "fit_lm", "fit_lmm", "lmm_criterion", "optimise"]
