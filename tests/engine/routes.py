"""Small designs sent through the engine's routes for large ones."""

import numpy as np

from mlmkit.engine.random import arrange, tail
from mlmkit.engine.random import route as routes

ROUTES = ("whole", "cells, pairs kept", "cells", "cells, some dense", "sparse tail")


def take(route, monkeypatch):
    """Make every design that has crossed terms take one of the `ROUTES`."""
    if route == "sparse tail":
        monkeypatch.setattr(routes, "DENSE_SPEED", 1e-9)
        monkeypatch.setattr(routes, "ALWAYS_DENSE", -1)
        monkeypatch.setattr(routes, "FEW_PAIRS", np.inf)
        monkeypatch.setattr(routes, "FEW_LINKS", np.inf)
    elif route != "whole":
        monkeypatch.setattr(arrange, "SMALL_BORDER", -1)
        monkeypatch.setattr(tail, "DENSE_ROW", 0.45 if route == "cells, some dense" else 2.0)
        monkeypatch.setattr(arrange, "PAIRS_KEPT", 10**7 if "pairs" in route else -1)
