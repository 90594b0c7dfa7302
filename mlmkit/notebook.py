"""What a notebook shows of the kit's warnings: one calm line each, without a path, a red box or the code again."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

from .errors import FitWarning

STYLE = "border-left: 4px solid #E69F00; padding: 0.3em 0.8em; margin: 0.3em 0"


def install() -> None:
    """Show the kit's warnings calmly, if this is IPython; all others, and every filter, stay as they are."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or getattr(warnings.showwarning, "is_calm", False):
        return
    warnings.showwarning = _calmly(warnings.showwarning, shell)
    # Python shows a warning once for each line of code, counted over all cells; whoever runs a cell again sees it again.
    warnings.filterwarnings("always", category=FitWarning, append=True)


def _calmly(before: Callable[..., Any], shell: Any) -> Callable[..., Any]:
    """How warnings are shown from now on: the kit's as notes, once a cell, the others as before."""
    shown: set[tuple[int, str]] = set()

    @wraps(before)
    def showwarning(message, category, filename, lineno, file=None, line=None):
        if file is not None or not issubclass(category, FitWarning):
            before(message, category, filename, lineno, file, line)
        elif (shell.execution_count, str(message)) not in shown:
            shown.add((shell.execution_count, str(message)))
            _show(str(message), shell)

    showwarning.is_calm = True  # type: ignore[attr-defined]
    return showwarning


def _show(sentence: str, shell: Any) -> None:
    if hasattr(shell, "kernel"):
        html = f'<div role="note" class="mlmkit-note" style="{STYLE}"><b>Note.</b> {escape(sentence)}</div>'
        shell.display_pub.publish({"text/plain": f"Note. {sentence}", "text/html": html})
    else:
        print(f"Note. {sentence}", file=sys.stderr)
