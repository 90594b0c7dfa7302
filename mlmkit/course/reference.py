"""The web book's page of everything public, made from the package itself: a new name appears by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType

import mlmkit

#: The shelves of the page: what stands on each, by the room of the package it comes from.
SHELVES = {
    "Data": {"datasets", "columns"},
    "Fitting": {"models", "families", "formula", "spec"},
    "Comparing, testing, planning": {"inference", "fits", "printing", "planning"},
    "Bayesian fits": {"bayes"},
    "Views of a model": {"views", "showing"},
    "Tables and reports": {"report"},
    "Explorations": {"widgets"},
    "Exercises": {"check"},
    "Errors and warnings": {"errors"},
}
HEAD = """\
# Everything public

`import mlmkit as mk` gives all of this. What a fit or a posterior can do is listed by itself below.
"""


def reference_page() -> str:
    """The page in MyST: tables of names, each with a page of its own made from its docstring."""
    functions = {name: getattr(mlmkit, name) for name in mlmkit.__all__}
    functions = {name: it for name, it in functions.items() if not isinstance(it, ModuleType)}
    parts = [HEAD]
    for title, rooms in SHELVES.items():
        parts.append(_shelf(title, [name for name, it in functions.items() if _room(it) in rooms]))
    parts.append(
        _shelf("Plots", [f"plots.{name}" for name in mlmkit.plots.__all__ if not name.endswith("_data")])
    )
    from ..bayes.posterior import Posterior
    from ..fits import FlatFit, MixedFit

    own = set(_verbs(MixedFit)) - set(_verbs(FlatFit))
    parts.append(_shelf("What every fit can do", [f"fits.FlatFit.{verb}" for verb in _verbs(FlatFit)]))
    parts.append(
        _shelf(
            "What a fit with random effects can do besides", [f"fits.MixedFit.{verb}" for verb in sorted(own)]
        )
    )
    parts.append(
        _shelf("What a posterior can do", [f"bayes.posterior.Posterior.{verb}" for verb in _verbs(Posterior)])
    )
    return "\n".join(filter(None, parts))


def _room(thing: object) -> str:
    return getattr(thing, "__module__", "").split(".")[1]


def _verbs(kind: type) -> Iterator[str]:
    """The public methods of a class, its bases' included; attributes are described with the class."""
    names = {name for base in kind.__mro__ for name, it in vars(base).items() if callable(it)}
    return iter(
        sorted(name for name in names if name[0] != "_" and (getattr(kind, name).__doc__ or "").strip())
    )


def _shelf(title: str, names: Iterable[str]) -> str:
    listed = "\n".join(f"   {name}" for name in names)
    if not listed:
        return ""
    return (
        f"## {title}\n\n```{{eval-rst}}\n.. currentmodule:: mlmkit\n\n"
        f".. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n{listed}\n```\n"
    )
