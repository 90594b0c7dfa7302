"""What an exploration looks like on a page: its pieces of HTML, and the style sheet they share."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
from ipywidgets import Box, Button, GridBox, Layout, VBox, Widget

from ..style import COLOURS, RULE
from .drawing import WIDTH, png

#: One for all explorations on a page. A picture is never taller than what a projector of 720 lines leaves it;
#: colours of text are the page's own, light or dark. A page whose kernel is gone says so where a slider is moved.
SHEET = f"""<style>
.mlmkit-explorer {{ width: 100%; max-width: {WIDTH + 20}px; }}
.mlmkit-explorer img[role=img] {{ display: block; width: 100%; max-width: {WIDTH}px; height: auto;
  background: #fff; }}
.mlmkit-explorer h4 {{ margin: .2em 0; }}
.mlmkit-at-work img[role=img] {{ opacity: .35; }}
.mlmkit-on {{ font-weight: bold; box-shadow: inset 0 -3px 0 {COLOURS["group"]}; }}
.mlmkit-words {{ line-height: 1.45; min-height: 2.9em; margin: .3em 0; font-size: 1.05em; max-width: 60em; }}
.mlmkit-problem {{ white-space: pre-wrap; border-left: 4px solid {COLOURS["population"]};
  padding: .3em .8em; margin: .3em 0; line-height: 1.45; }}
.mlmkit-tasks {{ border-top: 1px solid {RULE}; margin-top: .3em; line-height: 1.45; max-width: 60em; }}
.mlmkit-tasks summary {{ color: var(--jp-ui-font-color2, inherit); cursor: pointer; }}
.mlmkit-tasks ol {{ margin: .2em 0; }}
</style>"""


def title(text: str) -> str:
    """The heading, with the style sheet."""
    return f"{SHEET}<h4>{escape(text)}</h4>"


def picture(pixels: np.ndarray, alt: str) -> str:
    """A picture of fixed size with its words."""
    rows, columns, _ = pixels.shape
    size = f'width="{WIDTH}" height="{round(WIDTH * rows / columns)}"'
    alt = escape(alt, quote=True)
    return (
        f'<img role="img" {size} decoding="sync" aria-label="{alt}" alt="{alt}" '
        f'src="data:image/png;base64,{png(pixels)}">'
    )


def sentence(words: str) -> str:
    """The picture in words, read out when it changes."""
    return f'<p class="mlmkit-words" role="status" aria-live="polite">{escape(words)}</p>'


def problem(text: str) -> str:
    """What went wrong, or nothing."""
    return f'<div class="mlmkit-problem" role="alert">{escape(text)}</div>' if text else ""


def at_work(text: str) -> str:
    """What takes so long."""
    return f'<p class="mlmkit-words" role="status"><b>{escape(text)}</b></p>'


def tasks(texts: Iterable[str]) -> str:
    """What to try."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<details open class="mlmkit-tasks"><summary>What to try</summary><ol>{items}</ol></details>'


def row(children: Iterable[Widget]) -> Box:
    """Side by side, and on into the next line."""
    return Box(list(children), layout=Layout(flex_flow="row wrap", align_items="center", overflow="visible"))


def arranged(controls: list[Widget]) -> Box:
    """Controls in rows; beside a grid, if there is one, in a column."""
    grids = [control for control in controls if isinstance(control, GridBox)]
    others = [control for control in controls if control not in grids]
    return row([*grids, VBox(others)]) if grids else row(others)


def button(label: str, **traits) -> Button:
    """A button as wide as its label."""
    return Button(description=label, layout=Layout(width="auto"), **traits)
