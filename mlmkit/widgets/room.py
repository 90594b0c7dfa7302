"""A room that looks at the explorations together: its address, how many fit in, and what each may use."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec

#: What a visitor's kernel takes once every exploration was opened, in bytes; measured, rounded up.
PER_VISITOR = 350 * 2**20
#: How many visitors a core answers, of whom few move something at the same moment.
PER_CORE = 20
#: What it may take at most, address space included, where the system can hold it to that.
MOST_MEMORY = 2 * 2**30
#: By these names the server tells its visitors' kernels where the room is, and where draws are kept for all.
ADDRESS, DRAWS = "MLMKIT_ADDRESS", "MLMKIT_DRAWS"


@dataclass(frozen=True)
class Room:
    """Where the page is served, and to whom.

    Attributes
    ----------
    ip, port
        What the server listens on; `127.0.0.1` is this machine alone.
    token
        What visitors must know; empty where only this machine is served.
    visitors
        How many there may be at a time.
    names
        Names, besides addresses in numbers and `localhost`, that the page answers to.
    """

    ip: str = "127.0.0.1"
    port: int = 8866
    token: str = ""
    visitors: int = 20
    names: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether other machines can reach it."""
        return self.ip != "localhost" and not ipaddress.ip_address(self.ip).is_loopback

    @property
    def address(self) -> str:
        """What visitors type, or find in the square code."""
        host = (self.names or (lan_address(),))[0] if self.open else "localhost"
        query = f"/?token={self.token}" if self.token else ""
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{query}"

    def answers_to(self, host: str) -> bool:
        """Whether a request that names this host is meant for the page.

        A name of someone else's that was made to lead here would let their pages read this one. An address
        in numbers is nobody's name; from this machine alone it is a loopback's.
        """
        host = host.strip("[]").lower()
        try:
            there = ipaddress.ip_address(host)
        except ValueError:
            return host in {"localhost", *map(str.lower, self.names), *(own_names() if self.open else ())}
        return self.open or there.is_loopback


def lan_address() -> str:
    """This machine's address in its network, by which way a packet would go out; none is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a network that is kept for documentation
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


def own_names() -> tuple[str, ...]:
    """The names this machine calls itself by."""
    name = socket.gethostname().lower()
    return name, f"{name.partition('.')[0]}.local"


def places() -> int:
    """How many visitors this machine's free memory and its cores have room for."""
    import psutil  # comes with the kernel

    by_memory = psutil.virtual_memory().available // PER_VISITOR
    return max(2, min(by_memory, PER_CORE * (os.cpu_count() or 1)))


def limit_memory(most: int = MOST_MEMORY) -> None:
    """Hold this process to so much memory, where the system can: beyond it, Python raises MemoryError."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > most:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def invitation() -> str:
    """The room's address and its square code, for a page that is projected; nothing where there is no room."""
    if not (address := os.environ.get(ADDRESS)):
        return ""
    return (
        '<details class="mlmkit-invitation"><summary>On your own screen</summary>'
        f'<div style="display:flex;gap:1.5em;align-items:center">{_square_code(address)}'
        f'<p style="font-size:1.6em"><b>{escape(address)}</b></p></div></details>'
    )


def _square_code(address: str) -> str:
    if find_spec("segno") is None:
        return ""
    import segno

    code = segno.make(address, micro=False).svg_inline(scale=7, border=4, light="#fff")
    return f'<span role="img" aria-label="The address as a square code">{code}</span>'
