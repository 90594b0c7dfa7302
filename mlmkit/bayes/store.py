"""A posterior in a file, so that a notebook that is run again need not sample again.

Draws lie in a NumPy archive of plain arrays, with a line of JSON that says what they are draws of: nothing in it is
code, so a file from elsewhere can do no harm. What does not match the model that is asked for is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..design import Design
from ..errors import MlmkitError
from ..words import listed
from .priors import Priors
from .sampling import Chain

#: What a file says of itself; files of another format are not read.
FORMAT = 1


def path_of(file: str | os.PathLike) -> Path:
    """The path of a stored posterior, ending in .npz."""
    path = Path(file)
    return path if path.suffix == ".npz" else path.with_name(path.name + ".npz")


def described(design: Design, priors: Priors, **settings: Any) -> dict[str, Any]:
    """What a posterior is of: model, data, priors and settings, as JSON can hold them."""
    return {
        "format": FORMAT,
        "formula": design.spec.formula,
        "family": str(design.spec.family),
        "priors": [[list(key), str(priors[key])] for key in priors.keys],
        "data": _digest(design),
        **settings,
    }


def _digest(design: Design) -> str:
    """A short name of the data: of every number that enters the likelihood, and of the groups."""
    digest = hashlib.sha256()
    for array in (design.y, design.X, design.weights, design.trials, design.offset):
        digest.update(np.ascontiguousarray(array, dtype=float).tobytes())
    for block in design.blocks:
        digest.update(np.ascontiguousarray(block.Z, dtype=float).tobytes())
        digest.update(np.ascontiguousarray(block.codes, dtype=np.int64).tobytes())
        digest.update(json.dumps([block.group, *block.names, *map(str, block.levels)]).encode())
    return digest.hexdigest()[:16]


def save(path: Path, about: dict[str, Any], chains: list[Chain]) -> None:
    """Write the chains, whole or not at all."""
    arrays: dict[str, np.ndarray] = {"about": np.array(json.dumps(about))}
    for name in ("beta", "own", "diverging", "depth"):
        arrays[name] = np.stack([getattr(chain, name) for chain in chains])
    for name in ("factors", "effects"):
        for k in range(len(chains[0].factors)):
            arrays[f"{name}_{k}"] = np.stack([getattr(chain, name)[k] for chain in chains])
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(suffix=".npz", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def load(path: Path, about: dict[str, Any]) -> list[Chain]:
    """The chains of a file.

    Raises
    ------
    MlmkitError
        If it is no such file, or holds draws of something else than `about` says.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        there = json.loads(str(arrays.pop("about")))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        raise MlmkitError(f"{path} is no posterior that brm stored: give another file.") from None
    _check(path, there, about)
    blocks = sum(name.startswith("factors_") for name in arrays)
    return [
        Chain(
            arrays["beta"][c],
            tuple(arrays[f"factors_{k}"][c] for k in range(blocks)),
            arrays["own"][c],
            tuple(arrays[f"effects_{k}"][c] for k in range(blocks)),
            arrays["diverging"][c],
            arrays["depth"][c],
        )
        for c in range(len(arrays["beta"]))
    ]


def _check(path: Path, there: dict[str, Any], about: dict[str, Any]) -> None:
    other = [name for name in about if there.get(name) != about[name]]
    if about.get("seed") is None and "seed" in other:
        other.remove("seed")  # any draws will do
    if other:
        shown = [f"{name} ({_short(there.get(name))} there, {_short(about[name])} here)" for name in other]
        raise MlmkitError(
            f"{path} holds draws of something else: other {listed(shown)}. Delete it to sample anew, or give another file."
        )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
