"""Σ seen: contours of N(b, Σ) over two coefficients, and each group's way from its flat estimate into them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ..errors import DataError
from ..pictures import Picture
from ..results import FlatFit, MixedFit
from ..style import MARKERS, PAPER, colour, tint
from ..words import count, listed, number
from .canvas import on_axes, term_label, term_unit
from .labels import place_labels
from .pooling import block_of, group_covariance, no_pooling, only_group

#: Shares of the groups that the contours hold.
SHARES = (0.5, 0.8, 0.95)
DASHES = {"-": "-", "--": (0, (3, 1.6))}
SHAPES = {"towards": MARKERS["multilevel"], "away": "s"}


#: More groups than this are drawn without their names.
NAMED = 60


@dataclass(frozen=True, eq=False)
class Ellipse(Picture):
    """Two coefficients of each group, flat and multilevel, and the normal distribution they come from.

    Attributes
    ----------
    group, terms
        The grouping factor and the two coefficients, the horizontal one first.
    centre, covariance
        b (2,) and Σ (2, 2) of the two.
    flat, multilevel
        Groups × the two coefficients; groups without a flat estimate of both are left out of `flat`.
    error
        (2, 2) the covariance of a flat estimate's error, that of one group alone, to be drawn in the corner; None for
        no such ellipse.
    """

    group: str
    terms: tuple[str, str]
    centre: np.ndarray
    covariance: np.ndarray
    flat: pd.DataFrame
    multilevel: pd.DataFrame
    labels: bool = True
    units: tuple[str, str] = ("", "")
    error: np.ndarray | None = None
    size = "tall"

    @cached_property
    def away(self) -> pd.DataFrame:
        """Which coefficients the multilevel model moves away from b: groups × coefficients."""
        moved = (self.multilevel.loc[self.flat.index] - self.centre).abs()
        return moved > (self.flat - self.centre).abs()

    @cached_property
    def distances(self) -> pd.DataFrame:
        """How far from b in Σ's own units, √((β − b)ᵀΣ⁻¹(β − b)): columns flat and multilevel."""
        tables = {"flat": self.flat, "multilevel": self.multilevel.loc[self.flat.index]}
        return pd.DataFrame({name: self._distance(table) for name, table in tables.items()})

    def _distance(self, table: pd.DataFrame) -> pd.Series:
        offsets = (table - self.centre).to_numpy()
        inverse = np.linalg.pinv(self.covariance)
        return pd.Series(np.sqrt(np.einsum("ja,ab,jb->j", offsets, inverse, offsets)), table.index)

    def contour(self, share: float, points: int = 181) -> np.ndarray:
        """The curve around b within which this share of the groups lies, (points, 2)."""
        return self.centre + around_zero(self.covariance, share, points)

    @property
    def alt_text(self) -> str:
        x, y = self.terms
        tau, sd = np.sqrt(np.diag(self.covariance)), self.distances
        rho = self.covariance[0, 1] / np.prod(tau) if np.all(tau > 0) else 0.0
        nearer = (sd["multilevel"] < sd["flat"]).sum()
        parts = [
            (
                f"Contours of the normal distribution of the {term_label(x)} and the {term_label(y)} across "
                f"{count(len(self.multilevel), 'group')} of {self.group}, centred at {number(self.centre[0])} and "
                f"{number(self.centre[1])}, with SDs {number(tau[0])} and {number(tau[1])} and correlation {number(rho, 2)}."
            ),
            (
                "An arrow for each group runs from its flat estimate to its multilevel one: in the distance that the "
                f"contours measure, {nearer} of {len(sd)} move towards the centre."
            ),
        ]
        for term in self.terms:
            away = list(self.away.index[self.away[term]])
            moved = (
                f"away from its mean for {count(len(away), 'group')} ({listed(away, 12)})"
                if away
                else "towards its mean for all"
            )
            parts.append(f"Taken alone, the {term_label(term)} moves {moved}.")
        return " ".join([*parts, *self._error_in_words()])

    def _error_in_words(self) -> Iterator[str]:
        if self.error is not None:
            (x, y), sd = self.terms, np.sqrt(np.diag(self.error))
            rho = self.error[0, 1] / np.prod(sd)
            yield (
                f"Beside them, the error of one {self.group}'s flat estimate: SDs {number(sd[0])} of the {term_label(x)} "
                f"and {number(sd[1])} of the {term_label(y)}, correlation {number(rho, 2)}."
            )

    def paint(self, ax: Axes) -> None:
        self._contours(ax)
        self._marks(ax)
        x, y = map(term_label, self.terms, (r"\beta_{j0}", r"\beta_{j1}"), self.units)
        ax.set(xlabel=x, ylabel=y)
        if self.error is not None:
            self._error(ax)
        ax.margins(0.06)
        ax.autoscale_view()
        self._arrows(ax)
        ax.legend(
            handles=self._key(), loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, columnspacing=1.2
        )
        spots = self._share_labels(ax)
        if self.labels:
            self._group_labels(ax, spots)

    def _contours(self, ax: Axes) -> None:
        red = colour("population")
        for k, share in enumerate(reversed(SHARES)):
            curve = self.contour(share)
            ax.fill(*curve.T, facecolor=tint(red, 0.95 - 0.05 * k), edgecolor=tint(red, 0.35), linewidth=1)
        ax.plot(*self.centre, marker="P", markersize=10, color=red, markeredgecolor=PAPER, zorder=5)

    def _error(self, ax: Axes) -> None:
        """The ellipse that holds half of the errors of one group's flat estimate, below the contours at the left."""
        grey, curve = colour("flat"), around_zero(self.error, 0.5)
        outermost = self.contour(max(SHARES))
        centre = outermost.min(axis=0) + (0.1, -0.1) * np.ptp(curve, axis=0)
        ax.fill(*(curve + centre).T, facecolor=tint(grey, 0.75), edgecolor=grey, linewidth=1, ls=DASHES["--"])
        end = centre + (curve[:, 0].max(), curve[:, 1].min())
        ax.annotate(
            f"the error of one {self.group} alone",
            end,
            (6, 0),
            textcoords="offset points",
            ha="left",
            va="bottom",
            fontsize="small",
            color=grey,
        )

    def _arrows(self, ax: Axes) -> None:
        """Call it when the limits are final: an arrow too short for its head is a line to its mark."""
        place = ax.transData.transform
        for level, start in self.flat.iterrows():
            end = self.multilevel.loc[level]
            room = np.linalg.norm(place(end) - place(start)) * 72 / ax.figure.dpi
            ends = {
                "arrowstyle": "-|>,head_length=0.35,head_width=0.16" if room > 18 else "-",
                "shrinkA": 3,
                "shrinkB": 3.5,
            }
            line = "--" if self.away.loc[level, self.terms[1]] else "-"
            style = {"color": colour("multilevel"), "lw": 1.3, "ls": DASHES[line]}
            ax.annotate("", end, start, arrowprops=ends | style, zorder=3)

    def _marks(self, ax: Axes) -> None:
        ax.plot(*self.flat.to_numpy().T, ls="", **_marker("flat"), zorder=4)
        moves_away = self.away[self.terms[1]].reindex(self.multilevel.index, fill_value=False)
        for kind, rows in (("towards", ~moves_away), ("away", moves_away)):
            ax.plot(*self.multilevel[rows].to_numpy().T, ls="", **_marker(kind), zorder=4)

    def _key(self) -> list[Line2D]:
        key = [Line2D([], [], ls="", label="flat", **_marker("flat"))]
        key += [Line2D([], [], ls="-", lw=1.3, label="multilevel", **_marker("towards"))]
        key += [
            Line2D(
                [], [], ls="", marker="P", markersize=9, color=colour("population"), label="population, $b$"
            )
        ]
        if self.away[self.terms[1]].any():
            words = f"{self.terms[1]} moves away from $b_1$"
            key += [Line2D([], [], ls=DASHES["--"], lw=1.3, label=words, **_marker("away"))]
        return key

    def _share_labels(self, ax: Axes) -> np.ndarray:
        """Name each contour where it runs furthest from every arrow; returns those places."""
        steps = np.linspace(0, 1, 25)[:, None, None]
        flat, multilevel = self.flat.to_numpy(), self.multilevel.loc[self.flat.index].to_numpy()
        busy = ax.transData.transform((flat + (multilevel - flat) * steps).reshape(-1, 2))
        halo = [withStroke(linewidth=3, foreground=tint(colour("population"), 0.9))]
        spots = []
        for share in SHARES:
            curve = self.contour(share, 73)
            pixels = ax.transData.transform(curve)
            free = np.min(np.linalg.norm(pixels[:, None] - busy[None], axis=2), axis=1)
            spots.append(curve[np.argmax(free)])
            ax.text(
                *spots[-1],
                f"{share:.0%}",
                ha="center",
                va="center",
                fontsize="small",
                color=colour("population"),
                path_effects=halo,
            )
        return np.array(spots)

    def _group_labels(self, ax: Axes, spots: np.ndarray) -> None:
        ends = self.multilevel.loc[self.flat.index].to_numpy()
        arrows = np.stack([self.flat.to_numpy(), ends], axis=1)
        contours = [self.contour(share, 61) for share in SHARES]
        faint = np.vstack([np.stack([curve[:-1], curve[1:]], axis=1) for curve in contours])
        names = [str(level) for level in self.flat.index]
        place_labels(
            ax,
            names,
            self.flat.to_numpy(),
            away_from=ends,
            lines=arrows,
            faint_lines=faint,
            keep_clear=np.vstack([ends, spots, self.centre]),
            fontsize="small",
        )


@on_axes
def ellipse(
    fit: MixedFit,
    flat: FlatFit | pd.DataFrame | None = None,
    group: str | None = None,
    terms: tuple[str, str] | None = None,
    labels: bool | None = None,
    error: bool = False,
) -> Ellipse:
    """Contours of N(b, Σ) with an arrow for each group, from its flat estimate to its multilevel one.

    Parameters
    ----------
    fit
        A multilevel fit with two or more coefficients that vary across a group: `(Days|Subject)`.
    flat
        The flat fit to start from, or a table of groups × coefficients; by default the fixed part fitted to
        each group alone.
    group, terms
        The grouping factor and the two coefficients; by default the first ones.
    labels
        Whether each arrow is labelled with its group; by default where there are at most 60 groups.
    error
        Whether to draw, below the contours, the ellipse that holds half of the errors of one group's flat estimate,
        σ²(XⱼᵀXⱼ)⁻¹ of the group with the most rows: along its long axis a flat estimate can be trusted least.

    Raises
    ------
    DataError
        If fewer than two coefficients vary across the group.
    """
    group = only_group(fit, group)
    Sigma = group_covariance(fit, group)
    if len(Sigma) < 2:
        raise DataError(
            f"Only {Sigma.index[0]} varies across {group}: an ellipse needs two varying coefficients."
        )
    first, second = Sigma.index[:2] if terms is None else terms
    terms = (first, second)
    alone = no_pooling(fit, group, list(terms), flat)
    finite = alone[np.isfinite(alone).all(axis=1)]
    return Ellipse(
        group=group,
        terms=terms,
        centre=fit.fixef.reindex(list(terms), fill_value=0.0).to_numpy(),
        covariance=Sigma.loc[list(terms), list(terms)].to_numpy(),
        flat=finite,
        multilevel=fit.coef[group][list(terms)],
        labels=len(finite) <= NAMED if labels is None else labels,
        units=(term_unit(fit, terms[0]), term_unit(fit, terms[1])),
        error=_error_covariance(fit, group, terms) if error else None,
    )


def _error_covariance(fit: MixedFit, group: str, terms: tuple[str, str]) -> np.ndarray:
    """σ²(XⱼᵀXⱼ)⁻¹ of the group with the most rows, (2, 2)."""
    if not fit.family.is_linear or not set(terms) <= set(fit.design.fixed_names):
        raise DataError(
            "The error of one group's flat estimate is drawn for coefficients of a linear mixed model."
        )
    block = block_of(fit, group)
    rows = block.codes == np.bincount(block.codes).argmax()
    columns = [fit.design.fixed_names.index(term) for term in terms]
    X = fit.design.X[rows][:, columns]
    if np.linalg.matrix_rank(X) < 2:
        raise DataError(
            f"The group of {group} with the most rows cannot tell {terms[0]} and {terms[1]} apart by itself, so there "
            "is no error of its flat estimate to draw: use error=False."
        )
    return fit.sigma**2 * np.linalg.inv(X.T @ (fit.design.weights[rows][:, None] * X))


def around_zero(covariance: np.ndarray, share: float, points: int = 181) -> np.ndarray:
    """The curve around 0 within which N(0, covariance) has this share, (points, 2)."""
    values, vectors = np.linalg.eigh(covariance)
    angles = np.linspace(0, 2 * np.pi, points)
    circle = np.sqrt(-2 * np.log(1 - share)) * np.column_stack([np.cos(angles), np.sin(angles)])
    return circle * np.sqrt(np.clip(values, 0, None)) @ vectors.T


def _marker(kind: str) -> dict:
    if kind == "flat":
        return {"marker": MARKERS["flat"], "markersize": 5, "color": colour("flat"), "markerfacecolor": PAPER}
    size = 6.5 if kind == "towards" else 7.0
    return {
        "marker": SHAPES[kind],
        "markersize": size,
        "color": colour("multilevel"),
        "markeredgecolor": PAPER,
        "markeredgewidth": 0.7,
    }
