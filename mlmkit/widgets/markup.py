"""What an exploration looks like on a page: its pieces of HTML, and the style sheet they share."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
from ipywidgets import HTML, Box, Button, GridBox, Layout, VBox, Widget

from ..style import COLOURS, RULE
from .drawing import WIDTH, png

#: Below, a phone: the picture is moved sideways under the finger. Above, controls stand beside the picture.
PHONE, WIDE = 560, 1180
#: What holds an exploration: it is laid out by the room that it has, not by the screen's.
HOLDERS = ".mlmkit-lecture, .jp-OutputArea-output:has(.mlmkit-explorer)"
#: One for all explorations on a page. A picture is never taller than what a projector of 720 lines leaves it; colours
#: of text are the page's own, light or dark. ipywidgets marks widgets whose kernel is gone.
SHEET = f"""<style>
.mlmkit-explorer {{ width: 100%; max-width: {WIDTH + 20}px; }}
.mlmkit-explorer img[role=img] {{ display: block; width: 100%; max-width: {WIDTH}px; height: auto;
  max-height: max(48vh, 240px); object-fit: contain; object-position: left top; background: #fff; }}
.mlmkit-picture {{ overflow-x: auto; overflow-y: hidden; }}
.mlmkit-explorer h3 {{ margin: .2em 0; font-size: 1.1em; }}
.mlmkit-words {{ line-height: 1.45; min-height: 2.9em; margin: .3em 0; font-size: 1.05em; max-width: 60em; }}
.mlmkit-problem {{ white-space: pre-wrap; border-left: 4px solid {COLOURS["population"]};
  padding: .3em .8em; margin: .3em 0; line-height: 1.45; }}
.mlmkit-tasks {{ border-top: 1px solid {RULE}; margin-top: .3em; line-height: 1.45; max-width: 60em; }}
.mlmkit-tasks summary {{ color: var(--jp-ui-font-color2, inherit); cursor: pointer; }}
.mlmkit-tasks ol {{ margin: .2em 0; padding-left: 1.6em; }}
.mlmkit-on {{ font-weight: bold; box-shadow: inset 0 -3px 0 {COLOURS["group"]}; }}
:is(.mlmkit-at-work, .mlmkit-behind) :is(img[role=img], p.mlmkit-words[aria-live]) {{ opacity: .35; }}
.mlmkit-explorer.jupyter-widgets-disconnected img[role=img] {{ opacity: .3; filter: grayscale(1); }}
.mlmkit-explorer .jupyter-widgets-disconnected::before {{ display: none; }}
.mlmkit-explorer.jupyter-widgets-disconnected::before {{ font: inherit; font-weight: bold; color: inherit; padding: .3em .8em;
  border-left: 4px solid {COLOURS["population"]};
  content: "The kernel was restarted or has ended: this picture no longer follows its controls. Run its cell again, or reload the page."; }}
:is({HOLDERS}) {{ container-type: inline-size; }}
@container (max-width: {PHONE}px) {{ .mlmkit-explorer img[role=img] {{ min-width: 640px; max-height: none; }} }}
@container (min-width: {WIDE}px) {{
  .mlmkit-explorer {{ display: grid; max-width: {WIDTH + 320}px; column-gap: 24px; align-items: start;
    grid-template: "title title" auto "presets picture" auto "controls picture" 1fr "controls words" auto
      "controls help" auto "controls tasks" auto / 280px minmax(0, {WIDTH}px); }}
  .mlmkit-explorer.jupyter-widgets-disconnected::before {{ grid-column: 1 / 3; }}
  .mlmkit-explorer img[role=img] {{ max-height: max(62vh, 240px); }}
  .mlmkit-title {{ grid-area: title; }} .mlmkit-presets {{ grid-area: presets; }} .mlmkit-controls {{ grid-area: controls; }}
  .mlmkit-picture {{ grid-area: picture; }} .mlmkit-said {{ grid-area: words; }} .mlmkit-help {{ grid-area: help; }}
  .mlmkit-to-try {{ grid-area: tasks; }}
  .mlmkit-controls > *, .mlmkit-controls .widget-vbox > * {{ width: 100% !important; margin-right: 0 !important; }}
  .mlmkit-controls > button, .mlmkit-controls > .mlmkit-grid {{ width: auto !important; }}
}}
</style>"""


def title(text: str) -> str:
    """The heading, with the style sheet."""
    return f"{SHEET}<h3>{escape(text)}</h3>"


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


def row(children: Iterable[Widget], kind: str) -> Box:
    """Side by side, and on into the next line."""
    layout = Layout(flex_flow="row wrap", align_items="center", overflow="visible")
    box = Box(list(children), layout=layout)
    box.add_class(kind)
    return box


def arranged(controls: list[Widget]) -> Box:
    """Controls in rows; beside a grid, if there is one, in a column."""
    grids = [control for control in controls if isinstance(control, GridBox)]
    others = [control for control in controls if control not in grids]
    return row([*grids, VBox(others)] if grids else others, "mlmkit-controls")


def marked(html: HTML, kind: str) -> HTML:
    """With the name by which the style sheet knows it."""
    html.add_class(kind)
    return html


def button(label: str, **traits) -> Button:
    """A button as wide as its label."""
    return Button(description=label, layout=Layout(width="auto"), **traits)
