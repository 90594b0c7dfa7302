"""A room: where it is, who is let in, how many, and what each may use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlmkit.widgets import room
from mlmkit.widgets.__main__ import _room, parser
from mlmkit.widgets.room import ADDRESS, Room, invitation, lan_address, places


@pytest.mark.parametrize(
    ("host", "alone", "open_to_all"),
    [("localhost", True, True), ("127.0.0.1", True, True), ("::1", True, True), ("[::1]", True, True),
     ("127.9.9.9", True, True), ("192.168.1.20", False, True), ("10.0.0.7", False, True),
     ("elsewhere.example", False, False), ("localhost.elsewhere.example", False, False),
     ("127.0.0.1.elsewhere.example", False, False), ("", False, False)],
)  # fmt: skip
def test_a_page_answers_to_its_own_names(host, alone, open_to_all):
    assert Room().answers_to(host) is alone
    assert Room("0.0.0.0").answers_to(host) is open_to_all


def test_a_name_may_be_added():
    hall = Room("0.0.0.0", names=("hall.university.example",))
    assert hall.answers_to("Hall.University.example") and not hall.answers_to("university.example")
    assert hall.address == "http://hall.university.example:8866"


def test_the_machines_own_name_leads_to_an_open_room(monkeypatch):
    monkeypatch.setattr(room.socket, "gethostname", lambda: "desk.dept.example")
    assert Room("0.0.0.0").answers_to("desk.local") and Room("0.0.0.0").answers_to("desk.dept.example")
    assert not Room().answers_to("desk.local")


def test_addresses_are_printed_as_they_are_typed(monkeypatch):
    monkeypatch.setattr(room, "lan_address", lambda: "192.168.1.20")
    assert Room().address == "http://localhost:8866"
    assert Room("0.0.0.0", 9000, "abc").address == "http://192.168.1.20:9000/?token=abc"
    monkeypatch.setattr(room, "lan_address", lambda: "fd00::20")
    assert Room("::", token="abc").address == "http://[fd00::20]:8866/?token=abc"


def test_the_address_in_the_network_is_one():
    assert len(lan_address().split(".")) == 4


def test_a_room_that_others_reach_always_has_a_token():
    def asked(*arguments):
        return _room(parser().parse_args(arguments))

    assert asked().token == "" and not asked().open
    assert asked("--ip", "localhost").token == ""
    first, second = asked("--ip", "0.0.0.0"), asked("--ip", "0.0.0.0")
    assert first.open and len(first.token) >= 8 and first.token != second.token
    assert asked("--ip", "0.0.0.0", "--token", "ours").token == "ours"
    assert asked("--visitors", "7").visitors == 7


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--ip", "hall", "'hall' is no address, such as 0.0.0.0"),
        ("--visitors", "0", "'0' is no number of visitors"),
        ("--visitors", "many", "'many' is no number of visitors"),
    ],
)
def test_what_cannot_be_is_said(option, value, message, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args([option, value])
    assert message in capsys.readouterr().err


def test_the_help_says_the_limits():
    said = parser().format_help()
    for part in ("token", "square code", "not encrypted", "350 MB", "2 GB", "mlmkit.widgets.films"):
        assert part in " ".join(said.split())


def test_there_are_as_many_places_as_memory_and_cores_have_room_for(monkeypatch):
    psutil = pytest.importorskip("psutil")
    free = psutil.virtual_memory()._replace(available=10 * room.PER_VISITOR + 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert places() == 10
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free._replace(available=1))
    assert places() == 2
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free._replace(available=10**12))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert places() == 2 * room.PER_CORE


def test_the_invitation_shows_the_address_and_its_square_code(monkeypatch):
    monkeypatch.delenv(ADDRESS, raising=False)
    assert invitation() == ""
    monkeypatch.setenv(ADDRESS, "http://192.168.1.20:8866/?token=a&b")
    assert "http://192.168.1.20:8866/?token=a&amp;b" in invitation() and "<svg" in invitation()
    monkeypatch.setattr(room, "find_spec", lambda name: None)
    assert "http://192.168.1.20:8866" in invitation() and "<svg" not in invitation()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its address space")
def test_a_process_is_held_to_its_memory_and_lives_on():
    code = (
        "from mlmkit.widgets.room import limit_memory; import numpy as np; limit_memory(10**9)\n"
        "try: np.ones(10**9)\n"
        "except MemoryError: print('held')\n"
        "limit_memory(2 * 10**9); print(np.ones(10).sum())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["held", "10.0"]
