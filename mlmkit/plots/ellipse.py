"""Σ seen: contours of N(b, Σ) over two coefficients, and each group's way from its flat estimate into them."""

from __future__ import annotations

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
from .canvas import on_axes, term_label
from .labels import place_labels
from .pooling import group_covariance, no_pooling, only_group

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
    """

    group: str
    terms: tuple[str, str]
    centre: np.ndarray
    covariance: np.ndarray
    flat: pd.DataFrame
    multilevel: pd.DataFrame
    labels: bool = True
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
        values, vectors = np.linalg.eigh(self.covariance)
        angles = np.linspace(0, 2 * np.pi, points)
        circle = np.sqrt(-2 * np.log(1 - share)) * np.column_stack([np.cos(angles), np.sin(angles)])
        return self.centre + circle * np.sqrt(np.clip(values, 0, None)) @ vectors.T

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
        return " ".join(parts)

    def paint(self, ax: Axes) -> None:
        self._contours(ax)
        self._marks(ax)
        ax.set(
            xlabel=term_label(self.terms[0], r"\beta_{j0}"), ylabel=term_label(self.terms[1], r"\beta_{j1}")
        )
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
            ax.text(*spots[-1], f"{share:.0%}", ha="center", va="center", fontsize="small",
                    color=colour("population"), path_effects=halo)  # fmt: skip
        return np.array(spots)

    def _group_labels(self, ax: Axes, spots: np.ndarray) -> None:
        ends = self.multilevel.loc[self.flat.index].to_numpy()
        arrows = np.stack([self.flat.to_numpy(), ends], axis=1)
        contours = [self.contour(share, 61) for share in SHARES]
        faint = np.vstack([np.stack([curve[:-1], curve[1:]], axis=1) for curve in contours])
        names = [str(level) for level in self.flat.index]
        place_labels(ax, names, self.flat.to_numpy(), away_from=ends, lines=arrows, faint_lines=faint,
                     keep_clear=np.vstack([ends, spots, self.centre]), fontsize="small")  # fmt: skip


@on_axes
def ellipse(
    fit: MixedFit,
    flat: FlatFit | pd.DataFrame | None = None,
    group: str | None = None,
    terms: tuple[str, str] | None = None,
    labels: bool | None = None,
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
    terms = tuple(Sigma.index[:2]) if terms is None else tuple(terms)
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
    )


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
