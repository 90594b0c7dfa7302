"""All explorations on one page, for a lecture: choose one, and only that one is shown.

The page needs no notebook cells. `python -m mlmkit.widgets` serves it with Voila, which comes with
`pip install "mlmkit[lecture]"`: every visitor gets a kernel of their own, to which a browser may send the
widgets' messages and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from ipywidgets import HTML, Layout, VBox

from .clustering import explore_clustering
from .controls import Choices
from .design_builder import explore_design
from .dropout import explore_dropout
from .explorer import Explorer
from .frame import WIDTH
from .future import explore_future_batch
from .icc import explore_icc
from .likelihood import explore_likelihood
from .loss import explore_loss
from .odds import explore_odds
from .plane import explore_plane
from .planner import explore_plan
from .playground import playground
from .pooling import explore_pooling
from .predictor import explore_predictor
from .prior import explore_prior
from .reveal import explore_reveal
from .room import invitation
from .weight import explore_weight

PAGES: dict[str, Callable[[], Explorer]] = {
    "clustering": explore_clustering,
    "ICC": explore_icc,
    "weight": explore_weight,
    "pooling": explore_pooling,
    "predict": explore_reveal,
    "plane": explore_plane,
    "losses": explore_loss,
    "likelihood": explore_likelihood,
    "future batch": explore_future_batch,
    "prior": explore_prior,
    "nested or crossed": explore_design,
    "group-level predictor": explore_predictor,
    "odds ratios": explore_odds,
    "planning": explore_plan,
    "dropout": explore_dropout,
    "playground": playground,
}


class Lecture(VBox):
    """Every exploration under one row of buttons; each is made when it is first asked for.

    Attributes
    ----------
    pages : dict
        The explorations made so far, by the names on the buttons.
    """

    def __init__(self, first: str = "ICC"):
        self.pages: dict[str, Explorer] = {}
        style = {"button_width": "auto", "description_width": "0"}
        self.choice = Choices(options=list(PAGES), value=first, style=style, tooltip="exploration")
        self.choice.observe(self._turn, "value")
        self.head = [HTML(text), self.choice] if (text := invitation()) else [self.choice]
        super().__init__([], layout=Layout(width="100%", max_width=f"{WIDTH + 320}px", margin="0 auto"))
        self.add_class("mlmkit-lecture")
        self._turn()

    @property
    def page(self) -> Explorer:
        """The exploration that is shown."""
        return self.pages[self.choice.value]

    def _turn(self, _=None) -> None:
        name = self.choice.value
        if name not in self.pages:
            self.children = [*self.head, HTML('<p role="status">One moment …</p>')]
            self.pages[name] = PAGES[name]()
        self.children = [*self.head, self.pages[name]]

    def __repr__(self):
        return "All explorations, to use while the notebook runs"


def lecture(first: str = "ICC") -> Lecture:
    """All explorations on one page, under a row of buttons.

    Parameters
    ----------
    first
        The one to begin with, by the name on its button: `"ICC"`, `"weight"`, … (the keys of `PAGES`).
    """
    return Lecture(first)
