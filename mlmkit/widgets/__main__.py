"""Serve the explorations as a page: `python -m mlmkit.widgets`, for a projector or for a whole room."""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from .room import MOST_MEMORY, PER_VISITOR, Room, places

LIMITS = f"""\
Without --ip only this machine sees the page. With it the machines of its network do, too: the page shows the address
and a square code to be read by phones, and whoever comes must bring the token that is part of it. The connection is
not encrypted: do not serve a page across the internet in this way.

Every visitor gets a kernel of their own, about {PER_VISITOR // 2**20} MB of memory, at most {MOST_MEMORY // 2**30} GB where the system can hold it to
that (Linux); it ends when the page is closed, or three minutes after the connection is lost. A step of a slider takes
a core about 30 ms, so two cores answer half a dozen people who drag at the same moment; for more it becomes slower.
For a larger class, or for home, hand out films: mlmkit.widgets.films.
"""


def main(arguments: list[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    if find_spec("voila") is None:
        print(
            'The page is served by Voila, which is not installed: pip install "mlmkit[lecture]"',
            file=sys.stderr,
        )
        return 1
    room = _room(asked)
    print(
        f"The explorations are at {room.address} for {room.visitors} visitors at a time. Ctrl-C stops.",
        flush=True,
    )
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # visitors share the cores
    from .server import serve

    with TemporaryDirectory() as folder:
        serve(Path(folder), room, not asked.no_browser)
    return 0


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    it = argparse.ArgumentParser(
        prog="python -m mlmkit.widgets",
        description="The explorations as a page, for a projector or for a whole room.",
        epilog=LIMITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    it.add_argument("--port", type=int, default=8866, help="default: 8866")
    it.add_argument("--no-browser", action="store_true", help="do not open a browser")
    it.add_argument(
        "--ip",
        type=_ip,
        default="127.0.0.1",
        help="serve a room: 0.0.0.0, or one of this machine's addresses",
    )
    it.add_argument("--token", help="what visitors must know; by default a new one each time")
    it.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which visitors reach this machine",
    )
    it.add_argument(
        "--visitors", type=_count, help="how many at a time; by default what free memory has room for"
    )
    return it


def _room(asked: argparse.Namespace) -> Room:
    token = asked.token or ""
    if Room(asked.ip).open and not token:
        token = secrets.token_urlsafe(6)
    return Room(asked.ip, asked.port, token, asked.visitors or places(), tuple(asked.host))


def _ip(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no address, such as 0.0.0.0 or 192.168.1.20") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of visitors")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
