"""A posterior in a file, so that a notebook that is run again need not sample again.

Draws lie in a NumPy archive of plain arrays, with a line of JSON that says what they are draws of: nothing in it is
code, so a file from elsewhere can do no harm. What does not match the model that is asked for is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
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
    if not isinstance(file, str | os.PathLike):
        raise MlmkitError(f"file is {file!r}: give a path, such as 'posteriors/sleep.npz'.")
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
    """Write the chains, whole or not at all, for everybody to read whom the folder lets.

    Raises
    ------
    MlmkitError
        If there is no writing there.
    """
    arrays: dict[str, np.ndarray] = {"about": np.array(json.dumps(about))}
    for name in ("beta", "own", "diverging", "depth"):
        arrays[name] = np.stack([getattr(chain, name) for chain in chains])
    for name in ("factors", "effects"):
        for k in range(len(chains[0].factors)):
            arrays[f"{name}_{k}"] = np.stack([getattr(chain, name)[k] for chain in chains])
    unfinished = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with open(unfinished, "wb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        os.replace(unfinished, path)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        unfinished.unlink(missing_ok=True)


def prepare(path: Path) -> None:
    """Make the folder of a file that is to be written; an impossible one is better known before sampling than after."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> MlmkitError:
    return MlmkitError(f"{path} cannot be written ({error.strerror}): give file= a place of your own.")


def load(path: Path, about: dict[str, Any]) -> list[Chain]:
    """The chains of a file.

    Raises
    ------
    MlmkitError
        If it is no such file, a damaged one, or holds draws of something else than `about` says.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        there = dict(json.loads(str(arrays.pop("about"))))
    except _DAMAGED:
        raise MlmkitError(
            f"{path} is no posterior that brm stored, or a damaged one: delete it to sample anew, or give another file."
        ) from None
    _check(path, there, about)
    blocks = range(sum(name.startswith("factors_") for name in arrays))
    return [
        Chain(
            arrays["beta"][c],
            tuple(arrays[f"factors_{k}"][c] for k in blocks),
            arrays["own"][c],
            tuple(arrays[f"effects_{k}"][c] for k in blocks),
            arrays["diverging"][c],
            arrays["depth"][c],
        )
        for c in range(len(arrays["beta"]))
    ]


#: What reading something else than a whole archive of plain arrays ends in.
_DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def _check(path: Path, there: dict[str, Any], about: dict[str, Any]) -> None:
    other = [name for name in about if there.get(name) != about[name]]
    if about.get("seed") is None and "seed" in other:
        other.remove("seed")  # any draws will do
    if other:
        raise MlmkitError(
            f"{path} holds draws of something else, with other {listed([_told(name, there, about) for name in other])}: "
            "delete it to sample anew, or give another file."
        )


def _told(name: str, there: dict[str, Any], about: dict[str, Any]) -> str:
    """One difference in words."""
    if name == "data":
        return name
    if name == "priors":
        was, now = ({tuple(key): prior for key, prior in one[name]} for one in (there, about))
        told = [
            f"{' '.join(key)} {was[key]} there, {now[key]} here"
            for key in now
            if was.get(key, now[key]) != now[key]
        ]
        return f"priors ({'; '.join(told)})" if told else name
    return f"{name} ({there.get(name)} there, {about[name]} here)"
