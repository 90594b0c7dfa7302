"""The lecture's page, served by Voila: who may come in, how many, and what they leave behind (nothing)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from inspect import isawaitable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado import web
from traitlets import Integer
from traitlets.config import Config
from voila.app import Voila

from .room import ADDRESS, DRAWS, Room

PAGE = Path(__file__).parent / "page"
#: What JupyterLab has for explorations, too: inside an installed package, or beside it in a clone.
SCRIPT = "explorations.js"
SHARED = Path(__file__).parents[2] / "tools" / "labextension" / "static"
CELL = """\
from mlmkit.widgets.room import limit_memory
limit_memory()
from mlmkit.widgets import lecture
lecture()"""

#: A visitor may move the widgets: their kernel is sent comm messages only (Voila's default, said here so
#: that it stays), no file is served, errors of the page show no code, and an address chooses no other template.
#: A kernel that nobody is connected to any more ends after three minutes.
GUARDED = {
    "MappingKernelManager.allowed_message_types": [
        "comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request", "shutdown_request",
    ],
    "MappingKernelManager.cull_idle_timeout": 180,
    "MappingKernelManager.cull_interval": 30,
    "VoilaConfiguration.file_allowlist": [],
    "VoilaConfiguration.show_tracebacks": False,
    "VoilaConfiguration.strip_sources": True,
    "VoilaConfiguration.template": "lecture",
    "VoilaConfiguration.allow_template_override": "NO",
    "VoilaConfiguration.allow_theme_override": "NO",
    "VoilaConfiguration.extension_allowlist": [
        "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager7",
        "@voila-dashboards/widgets-manager8",
    ],
    "VoilaConfiguration.multi_kernel_manager_class": "mlmkit.widgets.server.Places",
    # A page that is closed asks for the end of its kernel by a plain POST, which carries no XSRF cookie and was
    # refused, so that every visitor left a kernel behind. All that a POST can do here is end a kernel, and whoever
    # sends it must know the kernel's random id; a page of someone else's does not.
    "Voila.tornado_settings": {"disable_check_xsrf": True},
    "Voila.log_level": 30,
    **({"KernelManager.transport": "ipc"} if os.name == "posix" else {}),  # not readable by others on this machine
}  # fmt: skip

FULL = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>The page is full</title>
<meta http-equiv="refresh" content="20"></head>
<body style="font: 1.2em/1.5 sans-serif; max-width: 34em; margin: 4em auto; padding: 0 1em"><main>
<h1>The page is full</h1><p>{visitors} people are looking at it, as many as this machine has room for. It tries again
every twenty seconds; whoever closes the page makes room.</p></main></body></html>"""


class Places(AsyncMappingKernelManager):
    """As many kernels as there is room for, those that are just starting included."""

    most = Integer(20, help="How many kernels at a time.").tag(config=True)
    _starting = 0

    async def start_kernel(self, **options: Any) -> str:  # type: ignore[override]  # async above too, but not told so
        if len(self.list_kernel_ids()) + self._starting >= self.most:
            raise web.HTTPError(503, "full")
        self._starting += 1
        try:
            return await super().start_kernel(**options)
        finally:
            self._starting -= 1


class Door(web.RequestHandler):
    """For each of the server's handlers: lets in who asks for this page by a name that is its own."""

    async def prepare(self) -> None:
        if not self.settings["room"].answers_to(self.request.host_name):
            self.set_status(403)
            await self.finish("This page does not answer to that name.")
        elif isawaitable(waiting := super().prepare()):
            await waiting

    def write_error(self, status_code: int, **options: Any) -> None:
        if status_code == 503:
            self.finish(FULL.format(visitors=self.settings["room"].visitors))
        else:
            super().write_error(status_code, **options)


class Page(Voila):
    """Voila with a door."""

    room: Room

    def init_settings(self) -> dict:
        return {**super().init_settings(), "room": self.room}

    def init_handlers(self) -> list:
        return [
            (pattern, type(handler.__name__, (Door, handler), {}), *options)
            for pattern, handler, *options in super().init_handlers()
        ]


def serve(folder: Path, room: Room, open_browser: bool) -> None:
    """Write the page's notebook into an empty folder and serve it until stopped."""
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, [str(_templates(folder)), os.environ.get("JUPYTER_PATH")])
    )
    os.environ[DRAWS] = str(folder / "draws")
    os.environ |= {ADDRESS: room.address} if room.open else {}
    app = Page(config=_configured(room))
    app.room = room
    browser = [] if open_browser else ["--no-browser"]
    app.initialize([str(_page(folder)), f"--port={room.port}", *browser])
    with subprocess.Popen(
        [sys.executable, "-c", "from mlmkit.widgets.prior import prepare; prepare()"]
    ) as sampling:
        try:
            app.start()
        finally:
            sampling.terminate()


def _templates(folder: Path) -> Path:
    """The page's template, with its script, as Voila looks for them."""
    copy = shutil.copytree(PAGE, folder / "page")
    script = next(place / SCRIPT for place in (PAGE, SHARED) if (place / SCRIPT).exists())
    static = copy / "voila" / "templates" / "lecture" / "static"
    static.mkdir(exist_ok=True)
    shutil.copy(script, static)
    return copy


def _page(folder: Path) -> Path:
    page = folder / "explorations.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(notebook, page)
    return page


def _configured(room: Room) -> Config:
    config = Config()
    more = {"Places.most": room.visitors, "Voila.ip": room.ip, "Voila.token": room.token}
    for name, value in {**GUARDED, **more}.items():
        owner, trait = name.split(".")
        config[owner][trait] = value
    return config
