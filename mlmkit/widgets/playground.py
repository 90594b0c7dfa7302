"""The playground: any formula on any data set, with its network, equation, words and fit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache, partial
from html import escape

import numpy as np
import pandas as pd
from ipywidgets import HTML, Box, HTMLMath, Layout, Widget

from ..columns import look
from ..datasets import load_data
from ..errors import DataError, FitWarning, did_you_mean
from ..families import DISTRIBUTIONS
from ..formula import parse_formula
from ..models import glm, glmer, lm, lmer
from ..results import Fit
from ..style import COLOURS, MUTED, RULE
from ..views.describe import describe as model_in_words
from ..views.equation import Equation, equation
from ..views.network import Network, network
from .bounds import check_size, in_time
from .controls import Line, choice, tick
from .drawing import WIDTH
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .markup import WIDE
from .paint import cloud

FAMILIES = tuple(name for name, one in DISTRIBUTIONS.items() if not one.is_sampled_only)
YOURS = "your data"
MOST_POINTS = 2000

#: A first formula for each data set.
FIRST = {
    "sleepstudy": ("Reaction ~ Days + (Days|Subject)", "gaussian"),
    "rats": ("cbind(m, n - m) ~ 1 + (1|batch)", "binomial"),
    "alcohol": ("alcohol ~ 1 + (1|country)", "gaussian"),
    "classroom": ("mathscore ~ ses + (1|schoolid/classid2)", "gaussian"),
    "blp": ("rt ~ 1 + (1|participant) + (1|spelling)", "gaussian"),
    "mathachieve": ("mathach ~ ses * himinty + (ses|school)", "gaussian"),
}
START = "sleepstudy"

#: What to try first with each data set, and then with all of them.
TO_TRY = {
    "sleepstudy": "Turn (Days|Subject) into (Days||Subject), then into (1|Subject): what goes from each view?",
    "rats": "Take the batches out: cbind(m, n - m) ~ 1. What goes from each view, and is b where it was?",
    "alcohol": "Let the years matter, alcohol ~ year + (1|country): which SD becomes smaller, and why that one?",
    "classroom": "Turn (1|schoolid/classid2) into (1|schoolid): which SD goes, and where does its variance go?",
    "blp": "Take out (1|spelling): what becomes of the residual SD, and of the intercept's standard error?",
    "mathachieve": "Turn (ses|school) into (1|school): what goes from each view?",
}
WITH_GROUPS = "Take one term out of the random part: what goes from each view?"
WITHOUT_GROUPS = "Give groups an intercept of their own, (1|group): what comes into each view?"
AND_THEN = (
    "Leave the random part out altogether. What becomes of the standard errors?",
    "Mistype a column's name, or forget a parenthesis: does the help tell you where?",
)


@dataclass(frozen=True, eq=False)
class Played:
    """A formula fitted, with all its views.

    Attributes
    ----------
    fit
        The fit.
    network, equation, words
        The three views.
    notes
        What the fit had to say of itself.
    """

    fit: Fit
    network: Network
    equation: Equation
    words: str
    notes: tuple[str, ...]


def compute(formula: str, data: pd.DataFrame, family: str = "gaussian", numbers: bool = False) -> Played:
    """Fit a formula within this page's bounds, and derive its views.

    Raises
    ------
    MlmkitError
        A formula that does not parse, data it cannot be fitted to, or a model beyond the bounds of
        `mlmkit.widgets.bounds`.
    """
    spec = parse_formula(formula, family)
    check_size(spec, data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FitWarning)
        fit = in_time(partial(_fit, spec, data))
    views = network(fit), equation(fit, estimates=numbers), str(model_in_words(fit))
    notes = (str(warning.message) for warning in caught if issubclass(warning.category, FitWarning))
    return Played(fit, *views, tuple(dict.fromkeys(notes)))


def _fit(spec, data: pd.DataFrame) -> Fit:
    if spec.family.is_linear:
        return (lmer if spec.random else lm)(spec, data)
    return (glmer if spec.random else glm)(spec, data, spec.family)


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """The network on the left, observed against fitted on the right."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.75, 1), left=0.01, right=0.98, bottom=0.15, top=0.9, wspace=0.15
    )
    net, fit = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    net.set_axis_off()
    net.set_position([0.01, 0.02, 0.57, 0.9], which="original")
    fit.locator_params(nbins=5)
    return net, fit


def draw(axes, it: Played) -> None:
    """Paint the network, and how the fitted values agree with the observed ones."""
    net, ax = axes
    net.reset_position()  # an earlier network left the Axes in its own proportions
    it.network.draw(net)
    y, fitted = it.fit.design.y, it.fit.estimates.fitted
    rows = np.unique(np.linspace(0, len(y) - 1, MOST_POINTS).astype(int))
    ax.plot(fitted[rows], y[rows], **cloud(3.5, 0.45))
    low, high = min(y.min(), fitted.min()), max(y.max(), fitted.max())
    margin = 0.05 * (high - low) or 1.0
    ax.axline((low, low), slope=1, color=RULE, lw=1.2, zorder=0)
    reach = (low - margin, high + margin)
    ax.set(xlim=reach, ylim=reach, xlabel="fitted", ylabel="observed")
    ax.set_title(_response(it))


def _response(it: Played) -> str:
    text = str(it.fit.spec.response)
    return text if len(text) < 30 else text[:29] + "…"


def describe(it: Played) -> str:
    """The model and its estimates in words."""
    return " ".join([it.words, *(f"Note: {note}" for note in it.notes)])


# ---- the page ----------------------------------------------------------------------------------------------


class Playground(Explorer):
    """The playground live: besides picture and words, the equation and the fit's summary.

    Attributes
    ----------
    frames : dict
        The data frames that may be chosen, by name.
    """

    def __init__(self, frames: dict[str, pd.DataFrame], **values):
        self.frames = frames
        self.equation, self.summary, self.columns = HTMLMath(), HTML(), HTML()
        super().__init__(_exploration(frames), **values)

    def _rows(self) -> list:
        title, presets, controls, picture, sentence, problem, tasks = super()._rows()
        side = _box("mlmkit-side", presets, controls, self.columns, problem, tasks)
        views = _box("mlmkit-views", picture, self.equation)
        self.add_class("mlmkit-playground")
        return [title, side, _box("mlmkit-main", views, sentence, self.summary)]

    def redraw(self) -> None:
        self.columns.value = _columns(self.frames[self.values["data"]])
        super().redraw()
        if self.problem and self.result is not None:
            note = "Below is the last formula that could be fitted."
            self.help.value += f'<p style="color:{MUTED};margin:0">{note}</p>'

    def _show(self, result: Played) -> None:
        super()._show(result)
        latex = escape(result.equation.latex)
        self.equation.value = f'<div role="math" aria-label="equations of the model">$${latex}$$</div>'
        summary = result.fit.summary()._repr_html_()
        self.summary.value = _STYLE + summary.replace(
            "<th></th>", "<td></td>"
        )  # an empty heading is no heading


def _box(kind: str, *children: Widget) -> Box:
    box = Box(children)
    box.add_class(kind)
    return box


#: For the summary in the playground alone, not for those that the notebook shows above and below it; and what stands
#: beside what, where there is room for it: controls and tasks beside the views.
_IN = ".jupyter-widgets .mlmkit-summary"
_STYLE = f"""<style>{_IN} table {{border-collapse: collapse; margin: 0.3em 0; break-inside: avoid}}
{_IN} th, {_IN} td {{padding: 0 0.7em 0 0; text-align: right; line-height: 1.3}}
{_IN} caption {{text-align: left; color: {COLOURS["population"]}}}
{_IN} p {{margin: 0.2em 0}} {_IN} {{columns: 2 22em; column-gap: 2em; line-height: 1.35}}
.mlmkit-playground {{display: flex; flex-direction: column}}
.mlmkit-side, .mlmkit-main {{display: contents}}
.mlmkit-views {{display: flex; flex-flow: row wrap; align-items: center; overflow: hidden}}
.mlmkit-views > .mlmkit-picture {{flex: 1 1 560px}}
.mlmkit-views > :not(.mlmkit-picture) {{flex: 1 1 300px; overflow-x: auto}}
.mlmkit-playground .mlmkit-to-try {{order: 9}}
@container (min-width: {WIDE}px) {{
  .mlmkit-playground {{display: grid; grid-template: "title title" auto "side main" auto / 280px minmax(0, {WIDTH}px)}}
  .mlmkit-side, .mlmkit-main {{display: flex; flex-direction: column; min-width: 0}}
  .mlmkit-playground img[role=img] {{max-height: 300px}}
}}</style>"""


def _columns(frame: pd.DataFrame) -> str:
    """The columns there are, with what is in each."""
    parts = []
    for name in frame.columns[:20]:
        column = frame[name]
        numeric = look(str(name), column).is_number
        what = f"{column.min():g} to {column.max():g}" if numeric else f"{column.nunique()} different"
        parts.append(f"<b>{escape(str(name))}</b> ({what})")
    more = " …" if len(frame.columns) > 20 else ""
    return f'<div style="line-height:1.5">{len(frame)} rows. Columns: {", ".join(parts)}{more}</div>'


def _exploration(frames: dict[str, pd.DataFrame]) -> Exploration:
    return Exploration(
        title="Playground: any formula, every view",
        shows="Left: the model as a Bayesian network. Right: observed against fitted values.",
        compute=partial(_compute_named, frames),
        draw=draw,
        describe=describe,
        panels=panels,
        controls=partial(_controls, frames),
        presets=partial(_presets, frames),
        follow={"data": _when_data},
        to_try=(TO_TRY[START], *AND_THEN),
        to_try_with=_to_try,
        height=4.2,
    )


def _compute_named(frames, formula: str, data: str, family: str, numbers: bool) -> Played:
    return compute(formula, frames[data], family, numbers)


def _controls(frames) -> dict:
    first = next(iter(frames))
    formula, family = FIRST.get(first, ("", "gaussian"))
    wide = Layout(width="620px", margin="2px 14px 2px 2px")
    return {
        "data": choice("data", list(frames), first, width="220px"),
        "family": choice("family", list(FAMILIES), family, width="200px"),
        "formula": Line(
            formula,
            description="formula",
            layout=wide,
            style={"description_width": "auto"},
            placeholder="response ~ predictors + (what varies | group)",
        ),
        "numbers": tick("estimates in the equations"),
    }


def _to_try(values: dict) -> tuple[str, str, str]:
    """What to try with a data set: the course's, or someone's own."""
    of_ones_own = WITH_GROUPS if "|" in values["formula"] else WITHOUT_GROUPS
    return (TO_TRY.get(values["data"], of_ones_own), *AND_THEN)


def _when_data(values: dict) -> dict:
    if values["data"] not in FIRST:
        return {}
    formula, family = FIRST[values["data"]]
    return {"family": {"value": family}, "formula": {"value": formula}}


def _presets(frames) -> dict[str, Preset]:
    """The course's own models."""
    courses = {
        "chapter 1": ("rats", *FIRST["rats"]),
        "chapter 2": ("alcohol", *FIRST["alcohol"]),
        "chapter 3": ("sleepstudy", *FIRST["sleepstudy"]),
        "chapter 5": ("sleepstudy", "Reaction ~ Days + (Days||Subject)", "gaussian"),
        "chapter 6, nested": ("classroom", *FIRST["classroom"]),
        "chapter 6, crossed": ("blp", *FIRST["blp"]),
        "chapter 7": ("mathachieve", *FIRST["mathachieve"]),
    }
    return {
        name: Preset({"data": data, "family": family, "formula": formula})
        for name, (data, formula, family) in courses.items()
        if data in frames
    }


@cache
def _course() -> dict[str, pd.DataFrame]:
    """The course's data; the pupils of mathachieve with their school's columns beside them."""
    frames = {name: load_data(name) for name in FIRST}
    schools = load_data("mathachieve_school")
    frames["mathachieve"] = frames["mathachieve"].merge(schools, on="school")
    return frames


def playground(
    formula: str | None = None, data: str | pd.DataFrame = START, family: str | None = None
) -> Playground:
    """Type a formula; see its network, its equations, what it says in words, and its fit.

    Parameters
    ----------
    formula
        In lme4's notation; by default one that suits the data set.
    data
        The name of one of the course's data sets, or a data frame of your own.
    family
        `"gaussian"`, `"binomial"`, `"poisson"` or `"gamma"`.

    Raises
    ------
    DataError
        If there is no data set of that name, or a data frame of your own comes without a formula.
    """
    frames = _course()
    if isinstance(data, pd.DataFrame):
        if formula is None:
            raise DataError(
                f"Give a formula for your data; their columns are {', '.join(map(str, data.columns))}."
            )
        frames, data = {YOURS: data, **frames}, YOURS
    elif data not in frames:
        raise DataError(f"There is no data set {data!r} to play with.{did_you_mean(str(data), frames)}")
    values = {"data": data, "formula": formula, "family": family}
    return Playground(frames, **{name: value for name, value in values.items() if value is not None})


def show_playground() -> Stills:
    """The playground on paper: four models of the sleep study, network and fit."""
    random = ("", " + (1|Subject)", " + (Days||Subject)", " + (Days|Subject)")
    formulas = [f"Reaction ~ Days{part}" for part in random]
    exploration = _exploration(_course())
    return stills(exploration, {formula: {"data": START, "formula": formula} for formula in formulas})
