"""What would change if one group had not been there: the model fitted again without it, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..design import Block, Design, independent_columns
from ..engine.generalized.batch import ScalarBatch
from ..engine.random.blocks import sum_by_group
from ..errors import DataError, did_you_mean
from ..results import Fit
from ..spec import same_group
from .noted import Noted
from .parameters import parameter_labels, parameter_values
from .refits import side_by_side
from .replicate import cuts, run


def influence(
    fit: Fit, group: str | None = None, workers: int | None = None, progress: bool = False
) -> Noted:
    """The estimates without each group, or without each row, from exact refits.

    Parameters
    ----------
    group
        The grouping factor whose groups are left out one at a time; not needed where there is one. `"rows"`
        leaves out single rows.
    workers, progress
        As in `bootstrap`.

    Returns
    -------
    DataFrame
        A row for each group left out: the parameters as estimated without it (labels as in `confint`), and
        `cooks_distance`, (b̂ − b̂₍ⱼ₎)ᵀ V_b⁻¹ (b̂ − b̂₍ⱼ₎)/p.

    References
    ----------
    Cook (1977), Technometrics 19:15–18; Pinheiro & Bates (2000), section 4.3.
    """
    name, codes, levels = _cases(fit, group)
    labels, lean = parameter_labels(fit), replace(fit, data=None)
    values = _side_by_side(lean, codes, len(levels), workers, progress, f"without each {name}")
    left = np.flatnonzero(np.isnan(values).any(axis=1)).tolist()
    alone = run(_Without(lean, codes), left, workers, progress, f"without each {name}")
    for k, own in zip(left, alone, strict=True):
        values[k] = own
    table = Noted(
        values,
        levels.rename(name),
        labels,
        notes=[f"Each row: the estimates without that {'row' if name == 'rows' else name}."],
    )
    table["cooks_distance"] = _cooks_distance(
        fit, values[:, [labels.index(n) for n in fit.design.fixed_names]]
    )
    return table


def _side_by_side(fit: Fit, codes: np.ndarray, count: int, workers, progress: bool, what: str) -> np.ndarray:
    """The parameters without each case, as far as they can be had at once; missing where they cannot."""
    values = np.full((count, len(parameter_labels(fit))), np.nan)
    batch = side_by_side(fit)
    if not isinstance(batch, ScalarBatch) or len(fit.design.blocks[0].levels) < 3:
        return values
    fine = np.flatnonzero(_columns_stay(fit.design.X, codes, count))
    parts = [fine[cut] for cut in cuts(len(fine), batch.together)]
    found = run(_Weighted(fit, batch, codes), parts, workers, progress, what, at_once=1)
    values[fine] = np.concatenate([values[:0], *found])
    return values


def _columns_stay(X: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """Whether the columns of X stay independent without the rows of each code, (count,)."""
    Q = np.linalg.qr(X)[0]
    own = sum_by_group(np.einsum("ip,iq->pqi", Q, Q), codes, count)
    left = np.eye(Q.shape[1])[:, :, None] - own
    return np.linalg.eigvalsh(np.moveaxis(left, -1, 0)).min(axis=1, initial=1.0) > 1e-6


@dataclass(frozen=True, eq=False)
class _Weighted:
    """The parameters without the rows of several codes, which are given no weight one code at a time."""

    fit: Fit
    batch: ScalarBatch
    codes: np.ndarray

    def __call__(self, left_out: np.ndarray) -> np.ndarray:
        design = self.fit.design
        weights = design.weights[:, None] * (self.codes[:, None] != left_out)
        many = self.batch.fit_observed(self.batch.observed(design.y[:, None], weights))
        values = np.column_stack([many.beta, many.theta * many.sigma[:, None]])
        return np.where(many.converged[:, None], values, np.nan)


@dataclass(frozen=True)
class _Without:
    """The parameters estimated without the rows of one code."""

    fit: Fit
    codes: np.ndarray

    def __call__(self, left_out: int) -> np.ndarray:
        design = without_rows(self.fit.design, self.codes == left_out)
        again = self.fit.reestimate(design)
        values = parameter_values(again)
        if len(again.estimates.beta) == len(self.fit.estimates.beta):
            return values
        return pd.Series(values, parameter_labels(again)).reindex(parameter_labels(self.fit)).to_numpy()


def without_rows(design: Design, rows: np.ndarray) -> Design:
    """A design without some of its rows; groups that have none left go, too.

    Parameters
    ----------
    rows : (n,) boolean array
        Those to leave out.

    Raises
    ------
    DataError
        If a grouping factor would have fewer than two groups left.
    """
    kept = ~rows
    X = design.X[kept]
    independent = independent_columns(X)
    names = np.array(design.fixed_names, dtype=object)
    return replace(
        design,
        y=design.y[kept],
        X=X[:, independent],
        fixed_names=tuple(names[independent]),
        aliased=design.aliased + tuple(names[~independent]),
        blocks=tuple(_without_rows(block, kept) for block in design.blocks),
        weights=design.weights[kept],
        trials=design.trials[kept],
        offset=design.offset[kept],
        rows=design.rows[kept],
    )


def _without_rows(block: Block, kept: np.ndarray) -> Block:
    present, codes = np.unique(block.codes[kept], return_inverse=True)
    if len(present) < 2:
        raise DataError(
            f"Without these rows {block.group!r} has fewer than two groups: nothing varies across them."
        )
    return replace(block, levels=block.levels[present], codes=codes.astype(np.intp), Z=block.Z[kept])


def _cases(fit: Fit, group: str | None) -> tuple[str, np.ndarray, pd.Index]:
    """The name of what is left out, which case each row belongs to, and the cases."""
    blocks: Sequence[Block] = fit.design.blocks
    groups = list(dict.fromkeys(block.group for block in blocks))
    if group == "rows" or (group is None and not groups):
        return "rows", np.arange(fit.nobs), fit.design.rows
    if group is None:
        if len(groups) > 1:
            raise DataError(f"Say which groups to leave out: {', '.join(map(repr, groups))}, or 'rows'.")
        group = groups[0]
    for block in blocks:
        if same_group(block.group, group):
            return block.group, block.codes, block.levels
    raise DataError(
        f"{group!r} is not a grouping factor of this model.{did_you_mean(str(group), [*groups, 'rows'])}"
    )


def _cooks_distance(fit: Fit, without: np.ndarray) -> np.ndarray:
    known = np.isfinite(np.diag(fit.estimates.vcov))
    change = fit.estimates.beta[known] - without[:, known]
    scaled = np.linalg.solve(fit.estimates.vcov[np.ix_(known, known)], change.T)
    return np.einsum("jp,pj->j", change, scaled) / max(change.shape[1], 1)
