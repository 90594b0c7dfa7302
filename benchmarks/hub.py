"""A class on a hub: `python -m benchmarks.hub --users 10 --chapter 03`.

Starts JupyterHub on this machine (127.0.0.1, nowhere else), lets so many students log in at once, has each open a
chapter and run it from top to bottom, and prints what it took: seconds, processor seconds and memory for each student,
and the hub's own. It needs the extra `hub` and the proxy that JupyterHub works with:

    pip install "mlmkit[course,hub]"        npm install --global configurable-http-proxy

Memory is the proportional set size, in which pages that processes share are counted once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen
from uuid import uuid4

import nbformat
import psutil
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from mlmkit.course.folder import chapters, copy_course
from mlmkit.course.lab import environment

TOKEN = uuid4().hex
PATIENCE = 300  # seconds: the most that any step may take
CONFIGURATION = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--ServerApp.ip=127.0.0.1"]
c.Spawner.environment = {{"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}}
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
c.JupyterHub.concurrent_spawn_limit = 64
c.JupyterHub.services = [{{"name": "benchmark", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [{{"name": "benchmark", "services": ["benchmark"],
    "scopes": ["admin:users", "admin:servers", "access:servers"]}}]
"""


@dataclass
class Student:
    """One student's afternoon: how long each step took, and what the cells said that failed."""

    name: str
    spawned: float = 0.0
    ran: float = 0.0
    server_mb: float = 0.0
    kernel_mb: float = 0.0
    cpu: float = 0.0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Hub:
    """A running hub: its address and its process."""

    url: str
    process: subprocess.Popen

    def ask(self, path: str, method: str = "GET", content: Any = None) -> Any:
        """Ask the hub, or a student's server behind it."""
        body = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        with urlopen(Request(self.url + path, body, headers, method=method), timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"null")


@contextmanager
def running(folder: Path):
    """A hub that works in a folder; ended with all that it started."""
    proxy = shutil.which("configurable-http-proxy")
    if proxy is None:
        sys.exit("JupyterHub needs its proxy: npm install --global configurable-http-proxy")
    ports = dict(zip(("port", "hub_port", "api_port"), free_ports(3), strict=True))
    text = CONFIGURATION.format(
        **ports, proxy=proxy, python=sys.executable, homes=str(folder / "homes"), token=TOKEN
    )
    (folder / "config.py").write_text(text)
    log = open(folder / "hub.log", "w")  # noqa: SIM115  (closed with the hub)
    command = [sys.executable, "-m", "jupyterhub", "-f", "config.py"]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=subprocess.STDOUT)
    hub = Hub(f"http://127.0.0.1:{ports['port']}", process)
    try:
        wait_for(lambda: hub.ask("/hub/api/"), process, folder / "hub.log")
        yield hub
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.terminate()
        process.terminate()
        process.wait(30)
        log.close()


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def wait_for(answers, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            answers()
            return
        except (URLError, OSError):
            time.sleep(0.3)
    sys.exit(f"The hub did not start:\n{log.read_text()[-3000:]}")


# ---- what a student does ---------------------------------------------------------------------------------


async def afternoon(hub: Hub, name: str, cells: list[str], homes: Path) -> Student:
    """Log in, open a chapter, run it."""
    student, start = Student(name), time.perf_counter()
    copy_course(homes / name)
    await asyncio.to_thread(hub.ask, f"/hub/api/users/{name}", "POST")
    await asyncio.to_thread(hub.ask, f"/hub/api/users/{name}/server", "POST", {})
    while (
        not (await asyncio.to_thread(hub.ask, f"/hub/api/users/{name}"))["servers"].get("", {}).get("ready")
    ):
        await asyncio.sleep(0.5)
    student.spawned, start = time.perf_counter() - start, time.perf_counter()
    kernel = await asyncio.to_thread(hub.ask, f"/user/{name}/api/kernels", "POST", {"name": "python3"})
    address = hub.url.replace("http", "ws", 1) + f"/user/{name}/api/kernels/{kernel['id']}/channels"
    socket_ = await websocket_connect(HTTPRequest(address, headers={"Authorization": f"token {TOKEN}"}))
    for source in cells:
        await run(socket_, source, student.failures)
    student.ran = time.perf_counter() - start
    return student


async def run(socket_, source: str, failures: list[str]) -> None:
    """Run one cell and wait until the kernel is done with it."""
    header = {
        "msg_id": uuid4().hex,
        "msg_type": "execute_request",
        "username": "",
        "session": "a",
        "version": "5.3",
    }
    content = {
        "code": source,
        "silent": False,
        "store_history": True,
        "allow_stdin": False,
        "stop_on_error": False,
    }
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await socket_.write_message(json.dumps({**message, "buffers": []}))
    while True:
        answer = await asyncio.wait_for(socket_.read_message(), PATIENCE)
        if isinstance(answer, bytes):
            continue  # a widget's picture
        said = json.loads(answer)
        if said["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        if said["msg_type"] == "error":
            failures.append(f"{said['content']['ename']}: {said['content']['evalue']}")
        if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
            return


def code_cells(chapter: str) -> list[str]:
    """What a student runs of a chapter: every cell but the answers that are asked for."""
    (path,) = chapters().glob(f"{chapter}*.ipynb")
    cells = nbformat.read(path, 4).cells
    leave = {"attempt", "solution", "instructor", "raises-exception"}
    return [
        cell.source
        for cell in cells
        if cell.cell_type == "code" and not leave & set(cell.metadata.get("tags", []))
    ]


# ---- what it took ----------------------------------------------------------------------------------------


def measure(hub: Hub, students: list[Student]) -> dict[str, float]:
    """Fill in each student's memory and processor time; returns the hub's and its proxy's memory."""
    processes = psutil.Process(hub.process.pid).children(recursive=True)
    own = {"hub": megabytes(psutil.Process(hub.process.pid))}
    by_home = {student.name: student for student in students}
    for process in processes:
        words = " ".join(process.cmdline())
        owner = by_home.get(process.environ().get("JUPYTERHUB_USER", ""))
        if owner is None:
            own["proxy"] = own.get("proxy", 0) + megabytes(process)
            continue
        times = process.cpu_times()
        owner.cpu += times.user + times.system
        if "ipykernel" in words:
            owner.kernel_mb += megabytes(process)
        else:
            owner.server_mb += megabytes(process)
    return own


def megabytes(process: psutil.Process) -> float:
    return process.memory_full_info().pss / 1e6


def report(students: list[Student], own: dict[str, float], chapter: str) -> str:
    """The table that stands in the book."""
    rows = [
        ("from log-in to an open server, s", [student.spawned for student in students]),
        (f"running chapter {chapter}, s", [student.ran for student in students]),
        ("processor, s", [student.cpu for student in students]),
        ("memory of the server, MB", [student.server_mb for student in students]),
        ("memory of the kernel, MB", [student.kernel_mb for student in students]),
    ]
    lines = [f"| {len(students)} students at once | median | most |", "|---|---|---|"]
    lines += [f"| {what} | {statistics.median(values):.0f} | {max(values):.0f} |" for what, values in rows]
    lines += [f"| the {what} itself, MB | {size:.0f} | |" for what, size in own.items()]
    failed = sum(bool(student.failures) for student in students)
    lines += [f"| students with a cell that failed | {failed} | |"]
    return "\n".join(lines)


async def class_of(hub: Hub, users: int, cells: list[str], homes: Path) -> list[Student]:
    return await asyncio.gather(*(afternoon(hub, f"student{k:02}", cells, homes) for k in range(users)))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hub", description="A class on a hub, measured."
    )
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--chapter", default="03")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder, running(Path(folder)) as hub:
        students = asyncio.run(class_of(hub, asked.users, code_cells(asked.chapter), Path(folder) / "homes"))
        own = measure(hub, students)
    print(report(students, own, asked.chapter))
    for student in students:
        for failure in student.failures:
            print(f"{student.name}: {failure}", file=sys.stderr)
    return int(any(student.failures for student in students))


if __name__ == "__main__":
    sys.exit(main())
