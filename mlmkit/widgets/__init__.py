"""Explorations: pictures with sliders, each computed afresh and refitted as the sliders move.

`explore_…()` is live, in a notebook or on a page of its own (`python -m mlmkit.widgets`); `show_…()` is the
same drawing for a few settings side by side, for print and for readers without a kernel.
"""

from .clustering import explore_clustering, show_clustering
from .design_builder import explore_design, show_design
from .dropout import explore_dropout, show_dropout
from .future import explore_future_batch, show_future_batch
from .icc import explore_icc, show_icc
from .lecture import lecture
from .likelihood import explore_likelihood, show_likelihood
from .loss import explore_loss, show_loss
from .odds import explore_odds, show_odds
from .plane import explore_plane, show_plane
from .planner import explore_plan, show_plan
from .playground import playground, show_playground
from .pooling import explore_pooling, show_pooling
from .predictor import explore_predictor, show_predictor
from .prior import explore_prior, show_prior
from .reveal import explore_reveal, show_reveal
from .weight import explore_weight, show_weight

__all__ = [
    "explore_clustering",
    "explore_design",
    "explore_dropout",
    "explore_future_batch",
    "explore_icc",
    "explore_likelihood",
    "explore_loss",
    "explore_odds",
    "explore_plan",
    "explore_plane",
    "explore_pooling",
    "explore_predictor",
    "explore_prior",
    "explore_reveal",
    "explore_weight",
    "lecture",
    "playground",
    "show_clustering",
    "show_design",
    "show_dropout",
    "show_future_batch",
    "show_icc",
    "show_likelihood",
    "show_loss",
    "show_odds",
    "show_plan",
    "show_plane",
    "show_playground",
    "show_pooling",
    "show_predictor",
    "show_prior",
    "show_reveal",
    "show_weight",
]
