"""Draw the figures again.

    python -m figures              all of them
    python -m figures 03 06-lines  those whose names begin like this

Each is written as NAME.svg and NAME.png with its words inside; `alt.json` and `README.md` list them all.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from mlmkit.style import RC
from mlmkit.views.draw import figure_to_svg

from .catalogue import CATALOGUE, Entry
from .compose import figure_of

FOLDER = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m figures", description="Draw the course's figures again.")
    parser.add_argument("names", nargs="*", help="beginnings of names, such as 03; all if none")
    parser.add_argument("--into", type=Path, default=FOLDER, help="another folder")
    chosen = parser.parse_args(arguments)
    entries = [one for one in CATALOGUE if not chosen.names or one.name.startswith(tuple(chosen.names))]
    if not entries:
        parser.error(f"no figure begins with {' or '.join(chosen.names)}")
    words = {one.name: write(one, chosen.into) for one in entries}
    listing(words, chosen.into)
    return 0


def write(entry: Entry, folder: Path) -> str:
    """Draw one figure into a folder as SVG and PNG; returns its alt text."""
    picture = entry.picture()
    figure = figure_of(picture.draw())
    alt = picture.alt_text
    (folder / f"{entry.name}.svg").write_text(figure_to_svg(figure, entry.title, alt), encoding="utf-8")
    about = {"Software": None, "Title": entry.title, "Description": alt}
    figure.savefig(folder / f"{entry.name}.png", dpi=RC["savefig.dpi"], metadata=about)
    plt.close(figure)
    print(entry.name)
    return alt


def listing(words: dict[str, str], folder: Path) -> None:
    """`alt.json` and `README.md`: every figure drawn so far with its words, in the catalogue's order."""
    file = folder / "alt.json"
    stored = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    alts = {name: one["alt"] for name, one in stored.items()} | words
    table = {
        one.name: {"figure": one.number, "title": one.title, "alt": alts[one.name]}
        for one in CATALOGUE
        if one.name in alts
    }
    file.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_gallery(table), encoding="utf-8")


def _gallery(table: dict[str, dict]) -> str:
    head = "# Figures\n\nDrawn by `make figures` from the course's fits; each SVG carries its description.\n"
    parts = [_section(name, **one) for name, one in table.items()]
    return "\n".join([head, *parts])


def _section(name: str, figure: int | None, title: str, alt: str) -> str:
    number = f" (figure {figure})" if figure else ""
    return f"## {name}\n\n{title}{number}.\n\n![{alt}]({name}.png)\n"


if __name__ == "__main__":
    sys.exit(main())
