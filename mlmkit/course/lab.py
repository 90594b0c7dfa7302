"""JupyterLab as the course wants it: quiet, opening chapter 0, and on this machine only."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from .folder import CourseError

#: JupyterLab without news, updates and extension catalogue: it asks nothing of the network.
CONFIGURATION = Path(__file__).parent / "jupyter"
FIRST = "/lab/tree/chapters/00-start-here.ipynb"
#: One thread for linear algebra: the course's matrices are small, and a class shares its machine.
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
AS_ROOT = (
    "You are root, as in a container: JupyterLab is started all the same, for this machine only (127.0.0.1).\n"
    "From another machine, forward the port: ssh -L 8888:127.0.0.1:8888 THIS-MACHINE"
)


def open_lab(folder: Path, options: list[str]) -> int:
    """Open JupyterLab on a folder that holds the course; returns when it is stopped.

    Parameters
    ----------
    folder
        The folder with `chapters` in it.
    options
        Handed to JupyterLab as they are, after the course's own, so that they win.

    Raises
    ------
    CourseError
        If JupyterLab is not installed.
    """
    if find_spec("jupyterlab") is None:
        raise CourseError('JupyterLab is not installed. Add it with: pip install "mlmkit[course]"')
    if is_root():
        print(AS_ROOT, flush=True)
    return _run(command(folder, options), environment())


def is_root() -> bool:
    """Whether this user is root, whom JupyterLab refuses unless told otherwise."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def command(folder: Path, options: list[str]) -> list[str]:
    """The command that starts JupyterLab."""
    ours = [f"--ServerApp.root_dir={folder}", f"--LabApp.default_url={FIRST}"]
    if is_root():
        ours += ["--ServerApp.allow_root=True", "--ServerApp.ip=127.0.0.1"]
    return [sys.executable, "-m", "jupyterlab", *ours, *options]


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
