"""JupyterLab as the course wants it: quiet, opening chapter 0, and on this machine only."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from .folder import CourseError

#: JupyterLab without news, updates and extension catalogue: it asks nothing of the network.
CONFIGURATION = Path(__file__).parent / "jupyter"
FIRST = "/lab/tree/chapters/00-start-here.ipynb"
#: One thread for linear algebra: the course's matrices are small, and a class shares its machine.
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
#: What JupyterLab's short options set: who gives one means the same as by the long one.
SHORT = {
    "ip": "ServerApp.ip",
    "port": "ServerApp.port",
    "notebook-dir": "ServerApp.root_dir",
    "allow-root": "ServerApp.allow_root",
}
HERE = "127.0.0.1"
AS_ROOT = "You are root, as in a container: JupyterLab is started all the same, "
FOR_HERE = f"""\
for this machine only ({HERE}).
From another machine, forward the port: ssh -L {{port}}:{HERE}:{{port}} THIS-MACHINE"""
FOR_OTHERS = """\
at the address you chose ({ip}).
Whoever reaches it and has the token in JupyterLab's address can do on this machine what root can."""


def open_lab(folder: Path, options: list[str]) -> int:
    """Open JupyterLab on a folder that holds the course; returns when it is stopped.

    Parameters
    ----------
    folder
        The folder with `chapters` in it.
    options
        Handed to JupyterLab as they are; the course's own settings give way to them.

    Raises
    ------
    CourseError
        If JupyterLab is not installed.
    """
    if find_spec("jupyterlab") is None:
        raise CourseError('JupyterLab is not installed. Add it with: pip install "mlmkit[course]"')
    if is_root():
        print(as_root(settings(options)), flush=True)
    return _run(command(folder, options), environment())


def is_root() -> bool:
    """Whether this user is root, whom JupyterLab refuses unless told otherwise."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def as_root(chosen: dict[str, str]) -> str:
    """What root is told: who reaches this server."""
    ip, port = chosen.get("ServerApp.ip", HERE), chosen.get("ServerApp.port", "8888")
    return AS_ROOT + (FOR_HERE if ip in (HERE, "localhost", "::1") else FOR_OTHERS).format(ip=ip, port=port)


def command(folder: Path, options: list[str]) -> list[str]:
    """The command that starts JupyterLab: the course's settings where the reader chose nothing else."""
    ours = {"ServerApp.root_dir": str(folder), "LabApp.default_url": FIRST}
    if is_root():
        ours |= {"ServerApp.allow_root": "True", "ServerApp.ip": HERE}
    chosen = settings(options)
    given = [f"--{name}={value}" for name, value in ours.items() if name not in chosen]
    return [sys.executable, "-m", "jupyterlab", *given, *options]


def settings(options: list[str]) -> dict[str, str]:
    """What options set, by its long name: `{"ServerApp.ip": "0.0.0.0"}` of `["--ip", "0.0.0.0"]`."""
    found = {}
    for option, after in pairwise([*options, ""]):
        if option.startswith("--"):
            name, equals, value = option.removeprefix("--").partition("=")
            found[SHORT.get(name, name)] = value if equals else after
    return found


def environment() -> dict[str, str]:
    """This process's environment with the course's configuration first and one thread a kernel."""
    mine = dict(os.environ)
    paths = [str(CONFIGURATION), mine.get("JUPYTER_CONFIG_PATH")]
    mine["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    return {**dict.fromkeys(ONE_THREAD, "1"), **mine}


def _run(arguments: list[str], variables: dict[str, str]) -> int:
    """Become the command where the system can, so that one process is left; else wait for it."""
    if os.name == "posix":
        sys.stdout.flush()
        os.execve(arguments[0], arguments, variables)
    try:
        return subprocess.run(arguments, env=variables, check=False).returncode
    except KeyboardInterrupt:  # Ctrl-C is how JupyterLab is stopped
        return 0
