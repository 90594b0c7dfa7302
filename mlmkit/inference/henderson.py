"""How well a group's own mean is known: Henderson's mixed-model equations, both kinds of coefficient at once.

With ζ = Λu and working weights W, the errors of b̂ and û (given Σ) have the covariance σ²M⁻¹,

    M = [ XᵀWX      XᵀWZΛ      ]
        [ ΛᵀZᵀWX    ΛᵀZᵀWZΛ + I ]

so xb̂ + zΛû misses xb + zΛu by a variance of σ² wᵀM⁻¹w, w = (x, Λᵀz) (Henderson 1975, Biometrics 31:423–447).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import bmat, csc_matrix, csr_matrix, identity
from scipy.sparse.linalg import splu

from ..results import MixedFit
from .rows import Rows

#: Right-hand sides solved for at once.
AT_ONCE = 512


def own_mean_variance(fit: MixedFit, rows: Rows) -> np.ndarray:
    """The (m,) variance of each row's linear predictor as an estimate of its own group's.

    A group the fit never saw has nothing but Σ to go by, and adds zΣzᵀ.
    """
    known, unseen = _loadings(fit, rows)
    solve = splu(_equations(fit)).solve
    w = csr_matrix(bmat([[csr_matrix(rows.X), known]]))
    variance = np.empty(len(rows.X))
    for start in range(0, len(variance), AT_ONCE):
        part = w[start : start + AT_ONCE].toarray()
        variance[start : start + AT_ONCE] = np.einsum("mq,qm->m", part, solve(np.ascontiguousarray(part.T)))
    return fit.sigma**2 * variance + unseen


def _equations(fit: MixedFit) -> csc_matrix:
    design = fit.design
    W = working_weights(fit)
    ZL = _spherical(fit, [b.Z for b in design.blocks], [b.codes for b in design.blocks])
    XW = design.X.T * W
    ZLW = ZL.T.multiply(W[None, :]).tocsr()
    corner = ZLW @ ZL + identity(ZL.shape[1])
    beside = csr_matrix(XW @ ZL)
    return csc_matrix(bmat([[csr_matrix(XW @ design.X), beside], [beside.T, corner]]))


def working_weights(fit: MixedFit) -> np.ndarray:
    """(n,) each row's information about its linear predictor, times the dispersion."""
    estimates = fit.estimates
    if fit.family.is_linear:
        return fit.design.weights
    family = fit.family.unscaled(fit.dispersion)
    return family.working(fit.design.y, estimates.linear_predictor, fit.design.weights).fisher


def _spherical(fit: MixedFit, Zs, codes) -> csr_matrix:
    """Rows × all groups' u: ZΛ, with nothing for a row of an unknown group (code −1)."""
    parts = []
    for block, Lambda, Z, code in zip(fit.design.blocks, fit.relative_factors, Zs, codes, strict=True):
        s, known = len(block.names), code >= 0
        values = np.where(known[:, None], Z @ Lambda, 0.0)
        columns = np.where(known, code, 0)[:, None] * s + np.arange(s)
        starts = np.arange(0, values.size + 1, s)
        parts.append(csr_matrix((values.ravel(), columns.ravel(), starts), (len(Z), s * len(block.levels))))
    return csr_matrix(bmat([parts]))


def _loadings(fit: MixedFit, rows: Rows) -> tuple[csr_matrix, np.ndarray]:
    unseen = np.zeros(len(rows.X))
    for Z, code, Sigma in zip(rows.Z, rows.codes, fit.covariances, strict=True):
        unseen += np.where(code < 0, np.einsum("is,st,it->i", Z, Sigma, Z), 0.0)
    return _spherical(fit, rows.Z, rows.codes), unseen
