"""Films: explorations that play in a web page, without a kernel, a server or a network.

    from mlmkit.widgets import films
    films.write("site/_static")                 # site/_static/course-film.js and site/_static/films/icc.js …
    mk.explore_icc().save("icc.html")           # one page, to hand out

A website places a film where it wants it, and loads one script once, anywhere on the page:

    <course-film name="icc"></course-film>
    <script src="_static/course-film.js" defer></script>

`name` is the exploration's function without `explore_`; `films.names()` lists them. The element draws its title,
controls, picture, sentence and tasks itself, takes its colours from the page, reserves its room as soon as the script
is there, and fetches its pictures (`films/NAME.js` beside the script, by a `<script>`, so that it works from a folder,
too) when it comes near the screen. What stands inside the element, a still or a link, is for readers without
JavaScript. A film begins where the exploration does, shows the settings that the exploration's `film` lists, and one
picture for each of its presets.

A film is filmed again only when the kit, its data, or what draws it has changed: the file says from what it was made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from ...datasets import datasets, load_data
from ...errors import DataError, did_you_mean
from ..explorer import Explorer
from ..lecture import PAGES
from .film import Film, shoot
from .store import PLAYER, card_of, card_script, made_from, page, reel_script

__all__ = ["Film", "names", "page", "shoot", "write"]

#: The sources of everything that is computed or drawn.
KIT = Path(__file__).parents[2]
#: What else decides how a picture comes out.
BESIDES = ("numpy", "scipy", "pandas", "matplotlib")


def names() -> list[str]:
    """The explorations that have a film."""
    return list(_explorations())


def write(folder: str | Path, only: Iterable[str] | None = None) -> list[Path]:
    """Film explorations, and write what a website needs to show them.

    Parameters
    ----------
    folder
        Gets `course-film.js`, the player with what it shows at first, and `films/NAME.js`, a film each.
    only
        Names of some of the films; all by default.

    Returns
    -------
    list of Path
        The files written or found up to date, the player first.

    Raises
    ------
    DataError
        If there is no film of that name.
    """
    folder, wanted = Path(folder), list(names() if only is None else only)
    (folder / "films").mkdir(parents=True, exist_ok=True)
    found = [_film(folder / "films" / f"{name}.js", name) for name in wanted]
    cards = {name: card_of(path) for name, path in zip(wanted, found, strict=True)}
    player = folder / "course-film.js"
    player.write_text(PLAYER.read_text("utf-8") + card_script(cards), "utf-8")
    return [player, *found]


@cache
def _explorations() -> dict[str, Callable[[], Explorer]]:
    """What makes each exploration that has a film, by its film's name."""
    found = {}
    for make in PAGES.values():
        exploration = getattr(sys.modules[make.__module__], "EXPLORATION", None)
        if exploration is not None and exploration.film is not None:
            found[make.__name__.removeprefix("explore_")] = make
    return found


def _film(path: Path, name: str) -> Path:
    """The film's file, recorded unless it is there and made from the same sources."""
    if name not in _explorations():
        raise DataError(f"There is no film {name!r}.{did_you_mean(name, names())}")
    if not (path.exists() and made_from(path) == sources()):
        path.write_text(reel_script(name, shoot(_explorations()[name]()), sources()), "utf-8")
    return path


@cache
def sources() -> str:
    """A fingerprint of all that films are made from."""
    fingerprint = sha256(" ".join(f"{name} {version(name)}" for name in BESIDES).encode())
    for path in sorted(KIT.rglob("*.py")):
        fingerprint.update(path.relative_to(KIT).as_posix().encode() + path.read_bytes())
    for name in datasets()["name"]:
        fingerprint.update(load_data(name).to_csv().encode())
    return fingerprint.hexdigest()[:32]
