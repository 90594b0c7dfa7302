"""The matrices of y = Xb + Zγ + ε by name: X, Z, Λ, Ω, V, as labelled tables and as pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from html import escape

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..design import Design, build_design
from ..engine.covariance import factors_from_theta, theta_length
from ..errors import DataError, did_you_mean
from ..formula import parse_formula
from ..habits import answers
from ..spec import Spec
from ..style import COLOURS, INK, PAPER, RC
from ..words import count
from .model import DiagramError

#: The largest table that is written out, in cells: above it a matrix belongs into sparse storage.
LARGEST = 4_000_000
NAMES = ("X", "Z", "Lambda", "Omega", "V")
SQUARE = 2.1  # a square matrix's side in inches
SYMBOLS = {"X": "$X$", "Z": "$Z$", "Lambda": r"$\Lambda$", "Omega": r"$\Omega$", "V": r"$V$"}


@dataclass(frozen=True, eq=False)
class Matrices:
    """The matrices of a model. Those that need variances are None where neither a fit nor θ was given.

    Attributes
    ----------
    X
        (n, p) the fixed part.
    Z
        (n, q) the group effects' regressors. Columns are labelled (group, term, level): for each term all of
        its levels, as in Z = [Z⁰, Z¹].
    Lambda
        (q, q) the relative covariance factor: Ω = σ²ΛΛᵀ.
    Omega
        (q, q) the covariance of γ.
    V
        (n, n) the covariance of y, V = ZΩZᵀ + σ²I; None where the family is not Gaussian.
    """

    X: pd.DataFrame
    Z: pd.DataFrame
    Lambda: pd.DataFrame | None = None
    Omega: pd.DataFrame | None = None
    V: pd.DataFrame | None = None
    title: str = field(default="", repr=False)

    def __repr__(self):
        shapes = [
            f"{name} {' × '.join(map(str, table.shape))}"
            for name in NAMES
            if (table := getattr(self, name)) is not None
        ]
        return f"Matrices of {self.title}: {', '.join(shapes)}"

    def draw(self, which=None, ax=None, spy: bool = False):
        """Pictures of the matrices.

        Parameters
        ----------
        which
            A name or several of "X", "Z", "Lambda", "Omega", "V"; None for all there are.
        ax
            An Axes for each of them; None makes a figure.
        spy
            True shows only which elements are not zero.

        Returns
        -------
        list of matplotlib Axes
        """
        names = (
            [which]
            if isinstance(which, str)
            else list(which or [n for n in NAMES if getattr(self, n) is not None])
        )
        for name in names:
            if name not in NAMES:
                raise DataError(f"There is no matrix {name!r}.{did_you_mean(name, NAMES)}")
            if getattr(self, name) is None:
                raise DataError(
                    f"{name} needs variances: give a fit, or theta and sigma. V is for Gaussian models only."
                )
        with mpl.rc_context(RC):
            axes = _axes(names, ax, self)
            for name, place in zip(names, axes, strict=True):
                _picture(place, name, getattr(self, name), spy)
                place.alt_text = f"{matrix_in_words(name, getattr(self, name).to_numpy())}."
        return axes

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>" + "".join(
            f"<details><summary>{name}</summary>{getattr(self, name)._repr_html_()}</details>"
            for name in NAMES
            if getattr(self, name) is not None
        )


@answers
def matrices(
    fit_or_formula, data: pd.DataFrame | None = None, family="gaussian", theta=None, sigma: float = 1.0
) -> Matrices:
    """The matrices of a model on small data.

    Parameters
    ----------
    fit_or_formula
        A fit, which brings data and variances, or a formula or `Spec` with `data`.
    data
        Needed for a formula.
    family
        The response's distribution, where a formula is given.
    theta
        For a formula: the relative covariance parameters in lme4's order, to see Λ, Ω and V of a guess.
    sigma
        With `theta`: the residual SD.

    Raises
    ------
    DataError
        Without data, with a θ of the wrong length, or where a table would be too large to write out.
    DiagramError
        If something else than a fit or formula is given.
    """
    design, theta, sigma = _source(fit_or_formula, data, family, theta, sigma)
    n, q = len(design.y), sum(len(block.levels) * len(block.names) for block in design.blocks)
    if max(n * q, n * n * (theta is not None), q * q) > LARGEST:
        raise DataError(
            f"With {n} rows and {q} group effects these tables are too large to write out; "
            "take a part of the data."
        )
    X = pd.DataFrame(design.X, design.rows, list(design.fixed_names))
    Z = _regressors(design)
    if theta is None or q == 0:
        return Matrices(X, Z, title=design.spec.formula)
    return _with_covariance(design, X, Z, np.asarray(theta, float), float(sigma))


def _source(it, data, family, theta, sigma) -> tuple[Design, np.ndarray | None, float]:
    if isinstance(it, str | Spec):
        if data is None:
            raise DataError("The matrices of a formula need data: matrices(formula, data).")
        return build_design(parse_formula(it, family), data), theta, sigma
    if not hasattr(it, "design"):
        raise DiagramError(f"Give a fit, or a formula with data, not {type(it).__name__}.")
    return it.design, getattr(it, "theta", None), it.sigma


def _labels(design: Design) -> pd.MultiIndex:
    """(group, term, level) of each column of Z: term after term, each with all of its levels."""
    rows = [
        (block.group, name, level)
        for block in design.blocks
        for name in block.names
        for level in block.levels
    ]
    return pd.MultiIndex.from_tuples(rows, names=["group", "term", "level"])


def _regressors(design: Design) -> pd.DataFrame:
    """Z, one column for each group and coefficient."""
    n = len(design.y)
    parts = []
    for block in design.blocks:
        indicator = np.zeros((n, len(block.levels)))
        indicator[np.arange(n), block.codes] = 1.0
        parts += [indicator * column[:, None] for column in block.Z.T]
    if not parts:
        return pd.DataFrame(np.empty((n, 0)), design.rows)
    return pd.DataFrame(np.hstack(parts), design.rows, _labels(design))


def _with_covariance(
    design: Design, X: pd.DataFrame, Z: pd.DataFrame, theta: np.ndarray, sigma: float
) -> Matrices:
    sizes = [len(block.names) for block in design.blocks]
    expected = sum(theta_length(size) for size in sizes)
    if len(theta) != expected:
        raise DataError(f"θ has {expected} elements in this model; {len(theta)} were given.")
    factors = factors_from_theta(theta, sizes)
    # Coefficient-major: each element of Λ is repeated for all levels, hence a Kronecker product with I.
    parts = [
        np.kron(factor, np.eye(len(block.levels)))
        for factor, block in zip(factors, design.blocks, strict=True)
    ]
    Lambda = _block_diagonal(parts)
    Omega = sigma**2 * Lambda @ Lambda.T
    labels = Z.columns
    V = None
    if design.spec.family.is_linear:
        V = pd.DataFrame(
            Z.to_numpy() @ Omega @ Z.to_numpy().T + np.diag(sigma**2 / design.weights),
            design.rows,
            design.rows,
        )
    of_effects = partial(pd.DataFrame, index=labels, columns=labels)
    return Matrices(X, Z, of_effects(Lambda), of_effects(Omega), V, title=design.spec.formula)


def _block_diagonal(parts: list[np.ndarray]) -> np.ndarray:
    size = sum(len(part) for part in parts)
    joined, start = np.zeros((size, size)), 0
    for part in parts:
        joined[start : start + len(part), start : start + len(part)] = part
        start += len(part)
    return joined


# -- pictures ------------------------------------------------------------


def _axes(names: list[str], ax, it: Matrices) -> list:
    if ax is not None:
        axes = list(np.ravel(ax))
        if len(axes) != len(names):
            raise DataError(f"{len(names)} matrices need {len(names)} Axes; {len(axes)} were given.")
        return axes
    widths = [
        min(SQUARE, max(0.55 * SQUARE, SQUARE * getattr(it, name).shape[1] / len(getattr(it, name))))
        for name in names
    ]
    rows = [slice(0, 3), slice(3, None)] if len(names) > 3 else [slice(None)]
    width = max(sum(widths[row]) + 0.25 * len(widths[row]) for row in rows)
    height = (SQUARE + 0.45 + _below(it)) * len(rows)
    figure = Figure(figsize=(width, height), facecolor=PAPER, layout="constrained")
    axes = []
    for place, row in zip(figure.add_gridspec(len(rows), 1), rows, strict=True):
        cells = place.subgridspec(1, len(widths[row]), width_ratios=widths[row])
        axes += [figure.add_subplot(cell) for cell in cells]
    return axes


def _below(it: Matrices) -> float:
    """Inches that the labels of Z and its like take below them, written upwards."""
    if it.Z.columns.nlevels == 1 or it.Z.columns.get_level_values("group").nunique() == 1:
        return 0.5
    return max(0.5, 0.08 * max(len(f"{term} · {group}") for group, term, _ in it.Z.columns))


def _picture(ax, name: str, table: pd.DataFrame, spy: bool) -> None:
    """One matrix: its elements as colours (white is 0), or only which are not 0."""
    values = table.to_numpy()
    if spy:
        values = (values != 0).astype(float)
    ax.imshow(values, cmap=_shades(), norm=_norm(values), aspect="auto", interpolation="nearest")
    rows, columns = values.shape
    ax.set_title(f"{SYMBOLS[name]}   {rows} × {columns}", loc="center", fontsize=11)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ("top", "right", "bottom", "left"):
        ax.spines[side].set(visible=True, color=INK)
    if isinstance(table.columns, pd.MultiIndex):
        _edges(ax, table.columns, name != "Z")
    elif name == "X":
        ax.set_xticks(range(columns), table.columns, rotation=90 if columns > 2 else 20)


def matrix_in_words(name: str, values: np.ndarray) -> str:
    """A matrix's size and how much of it is not 0."""
    rows, columns = values.shape
    share = f"{100 * np.mean(values != 0):.3g}% of the entries not 0"
    return f"The matrix {name}: {count(rows, 'row')}, {count(columns, 'column')}, {share}"


def _edges(ax, labels: pd.MultiIndex, square: bool) -> None:
    """Thin lines between the terms, and their names below."""
    terms = list(dict.fromkeys(labels.droplevel("level")))
    sizes = labels.droplevel("level").value_counts()
    start, middles = 0, []
    for term in terms:
        middles.append(start + (sizes[term] - 1) / 2)
        start += sizes[term]
        if start < len(labels):
            for line in (ax.axvline, ax.axhline) if square else (ax.axvline,):
                line(start - 0.5, color=INK, lw=0.6)
    several = len({group for group, _ in terms}) > 1
    names = [f"{term}\n{group}" if several else term for group, term in terms]
    narrowest = min(sizes[term] for term in terms) / len(labels) * SQUARE * (1 if square else 0.55)
    fits = narrowest > 0.085 * max(len(line) for name in names for line in name.split("\n"))
    upright = fits or len(terms) == 1
    names = names if upright else [name.replace("\n", " · ") for name in names]
    ax.set_xticks(middles, names, rotation=0 if upright else 90)
    ax.tick_params(length=0)


def _shades():
    """Brick below zero, white at zero, blue above."""
    return mpl.colors.LinearSegmentedColormap.from_list(
        "signed", [COLOURS["population"], "#FFFFFF", COLOURS["group"]]
    )


def _norm(values: np.ndarray):
    """Square-root steps on both sides of zero, so that small elements beside large ones can be seen."""
    largest = float(np.abs(values).max()) or 1.0
    signed = (lambda x: np.sign(x) * np.sqrt(np.abs(x)), lambda x: np.sign(x) * np.square(x))
    return mpl.colors.FuncNorm(signed, vmin=-largest, vmax=largest)
