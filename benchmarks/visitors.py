"""Visitors of the lecture's page, one after another: `python -m benchmarks.visitors`.

Each opens the page as a browser does and closes it as a browser does; printed are the seconds until the page was there,
the memory of the visitor's kernel, and what is left when the visitor has gone: kernels, and the server's own memory.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

VISITORS = 20


def main() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlmkit.widgets", f"--port={port}", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            return watch(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
        finally:
            process.terminate()


def watch(url: str, server: psutil.Process) -> int:
    """Let the visitors come and go; 1 if anything is left of them."""
    while not answers(f"{url}/voila/static/voila.js"):
        time.sleep(0.2)
    print("| visitor | s | kernel, MB | kernels left | server, MB |\n|---|---|---|---|---|")
    for visitor in range(1, VISITORS + 1):
        start = time.perf_counter()
        page = urlopen(url, timeout=300).read().decode()
        seconds = time.perf_counter() - start
        (kernel,) = kernels(server)
        memory = kernel.memory_info().rss / 1e6
        kernel_id = re.search(r'"kernelId":\s*"([^"]+)"', page)[1]
        urlopen(Request(f"{url}/voila/api/shutdown/{kernel_id}", method="POST"), timeout=60).close()
        left, own = len(kernels(server)), server.memory_info().rss / 1e6
        print(f"| {visitor} | {seconds:.1f} | {memory:.0f} | {left} | {own:.0f} |", flush=True)
    return int(bool(kernels(server)))


def kernels(server: psutil.Process) -> list[psutil.Process]:
    """The kernels that are alive."""
    children = [child for child in server.children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in children if "ipykernel_launcher" in " ".join(child.cmdline())]


def answers(url: str) -> bool:
    try:
        urlopen(url, timeout=5).close()
    except (URLError, OSError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
