"""Films on disk: a script a film and the player for a website, or one page with everything in it."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from .film import Film

PLAYER = Path(__file__).with_name("player.js")


def reel_script(name: str, film: Film, made_of: str = "") -> str:
    """A script that brings a film's pictures; it works where nothing is served, as from a folder or a stick.

    Its first two lines say, as comments, what it was made from and what is shown before the pictures are there.
    """
    return (
        f"// {made_of}\n// {_json(film.card)}\ncourseFilm.reel({_json(name)}, {_json(_packed(film.reel))});\n"
    )


def made_from(path: Path) -> str:
    """What a film's file says it was made from."""
    return _comments(path)[0]


def card_of(path: Path) -> dict[str, Any]:
    """What a film shows before its pictures are there, from its file."""
    return json.loads(_comments(path)[1])


def _comments(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return [file.readline().removeprefix("//").strip() for _ in range(2)]


def card_script(cards: Mapping[str, Mapping[str, Any]]) -> str:
    """A script that brings what is shown of films before their pictures are there."""
    return f"courseFilm.cards({_json(cards)});\n"


def _packed(thing: Any) -> str:
    """As compressed text: JSON, deflate, base64."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b64encode(squeezer.compress(_json(thing).encode()) + squeezer.flush()).decode()


def _json(thing: Any) -> str:
    return json.dumps(thing, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def page(name: str, film: Film) -> str:
    """One page that needs nothing else: no network, no server, no Python."""
    title = escape(film.card["title"])
    scripts = "\n".join(
        f"<script>{_within_html(script)}</script>"
        for script in (
            PLAYER.read_text(encoding="utf-8"),
            card_script({name: film.card}),
            reel_script(name, film),
        )
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 62rem; color: #2f2d2a;
  background: #fff; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e9e6df; background: #1b1a18; }} }}
</style>
</head>
<body>
<main>
<course-film name="{escape(name)}"></course-film>
<noscript>This page shows pictures that move; it needs JavaScript.</noscript>
</main>
{scripts}
</body>
</html>
"""


def _within_html(script: str) -> str:
    """A script that a page may hold: nothing in it ends it."""
    return re.sub(r"</(script)", r"<\\/\1", script, flags=re.IGNORECASE)
