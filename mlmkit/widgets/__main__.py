"""Serve the explorations as a page: `python -m mlmkit.widgets [--port 8866] [--no-browser]`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

TEMPLATES = Path(__file__).parent / "page"
CELL = "from mlmkit.widgets import lecture\nlecture()"

#: A visitor may move the widgets: their kernel is sent comm messages only (Voila's default, said here so
#: that it stays), no file is served, and errors of the page show no code.
GUARDED = {
    "MappingKernelManager.allowed_message_types": [
        "comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request", "shutdown_request",
    ],
    "MappingKernelManager.cull_idle_timeout": 1200,
    "VoilaConfiguration.file_allowlist": [],
    "VoilaConfiguration.show_tracebacks": False,
    "VoilaConfiguration.strip_sources": True,
    "VoilaConfiguration.template": "lecture",
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mlmkit.widgets", description="The explorations as a page."
    )
    parser.add_argument("--port", type=int, default=8866)
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    asked = parser.parse_args(arguments)
    if find_spec("voila") is None:
        print(
            'The page is served by Voila, which is not installed: pip install "mlmkit[lecture]"',
            file=sys.stderr,
        )
        return 1
    with TemporaryDirectory() as folder:
        serve(Path(folder), asked.port, not asked.no_browser)
    return 0


def serve(folder: Path, port: int, open_browser: bool) -> None:
    """Write the page's notebook into an empty folder and serve it until stopped."""
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, [str(TEMPLATES), os.environ.get("JUPYTER_PATH")])
    )
    from traitlets.config import Config
    from voila.app import Voila

    page = folder / "explorations.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(notebook, page)
    config = Config()
    for name, value in GUARDED.items():
        owner, trait = name.split(".")
        config[owner][trait] = value
    app = Voila(config=config)
    app.initialize([str(page), f"--port={port}", *([] if open_browser else ["--no-browser"])])
    app.start()


if __name__ == "__main__":
    sys.exit(main())
