"""Pictures in a notebook bring their words along: for screen readers, and for who cannot see the picture.

Neither JupyterLab nor GitHub shows an output's alt text (its image carries it nevertheless, for those programs
that do). So the words follow the picture as a folded line of their own, which JupyterLab hides from sight only.
"""

from __future__ import annotations

import sys
from html import escape

from .describe import alt_text
from .symbols import plain

#: What is shown with its words, as module and class.
KINDS = (
    ("matplotlib.figure", "Figure"),
    ("mlmkit.views.picture", "Network"),
    ("mlmkit.views.structure", "Structure"),
    ("mlmkit.widgets.frame", "Stills"),
)
#: What is shown as a widget, and leaves a picture in the notebook for where widgets are not alive.
LIVE = ("mlmkit.widgets.frame", "Explorer")


def install() -> None:
    """Show pictures with their words, if this is a notebook; elsewhere nothing happens."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        formatter = shell.display_formatter.ipython_display_formatter
        for module, name in KINDS:
            formatter.for_type_by_name(module, name, lambda picture: show(picture, shell))
        shell.display_formatter.mimebundle_formatter.for_type_by_name(*LIVE, with_words)


def show(picture, shell) -> None:
    """Send a picture to the notebook, then its words."""
    data, about = _bundle(picture, shell.display_formatter)
    images = [mime for mime in data if mime.startswith("image/")]
    if not images:
        return  # an empty figure
    words = words_of(picture)
    shell.display_pub.publish(data, {mime: {**about.get(mime, {}), "alt": words} for mime in images})
    shell.display_pub.publish({"text/html": folded(words)})


def with_words(live) -> tuple[dict, dict]:
    """A widget's forms by MIME type, and the words of the picture that it leaves behind."""
    return live._repr_mimebundle_(), {"image/png": {"alt": live.alt_text, "width": live.width}}


def _bundle(picture, formatter) -> tuple[dict, dict]:
    """What the notebook would have shown by itself: a picture's forms by MIME type, and what is said of each."""
    made_by: tuple[dict, dict] = formatter.mimebundle_formatter(picture) or ({}, {})
    data, about = (dict(part) for part in made_by)
    for mime, form in formatter.formatters.items():
        made = None if mime in data else form(picture)
        if made is not None:
            data[mime], about[mime] = made if isinstance(made, tuple) else (made, {})
    return data, about


def folded(words: str) -> str:
    """Words as a folded line: hidden from sight in JupyterLab, not from screen readers; a line elsewhere."""
    summary = '<summary tabindex="-1">The picture in words</summary>'
    return f'<details class="jp-sr-only">{summary}{escape(words)}</details>'


def words_of(picture) -> str:
    """What a picture shows: what its maker left with it or its Axes, else what is seen to be drawn there."""
    words = getattr(picture, "alt_text", "")
    if words or not hasattr(picture, "subfigs"):
        return words
    parts = [_titled(part.get_suptitle(), words_of(part)) for part in picture.subfigs]
    inside = {ax for part in picture.subfigs for ax in part.axes}
    axes = [
        ax for ax in picture.axes if ax not in inside and ax.get_visible() and ax.get_label() != "<colorbar>"
    ]
    if not parts and not any(hasattr(ax, "alt_text") for ax in axes):
        return alt_text(picture)
    for ax in axes:
        title = ax.get_title(loc="left") or ax.get_title()
        words = getattr(ax, "alt_text", "") or (alt_text(ax) if ax.has_data() else "")
        parts.append(_titled(title if len(axes) > 1 and hasattr(ax, "alt_text") else "", words))
    return " ".join(filter(None, parts))


def _titled(title: str, words: str) -> str:
    return f"{plain(title.replace('$', ''))}: {words}" if title and words else words
