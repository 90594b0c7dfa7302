"""The stored figures: each with its words inside, none missing, none left over, the same each time they are drawn."""

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "figures"
sys.path.insert(0, str(ROOT))

from figures import moving  # noqa: E402  (the path comes first)
from figures.catalogue import CATALOGUE  # noqa: E402

NAMES = [entry.name for entry in CATALOGUE]
#: Every numbered figure of the course.
NUMBERED = set(range(1, 18))
PNG_TEXT = re.compile(rb"(?:iTXt|tEXt)Description\0")


def stored_words() -> dict:
    return json.loads((FOLDER / "alt.json").read_text(encoding="utf-8"))


def test_every_figure_of_the_course_is_in_the_catalogue():
    assert {entry.number for entry in CATALOGUE if entry.number} == NUMBERED
    assert len(NAMES) == len(set(NAMES))


def test_nothing_is_missing_and_nothing_is_left_over():
    for ending in ("svg", "png"):
        assert {path.stem for path in FOLDER.glob(f"*.{ending}")} == set(NAMES)
    assert list(stored_words()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_has_its_words_inside(name):
    words = stored_words()[name]
    svg = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    title = re.search(r"<title>(.*?)</title>", svg)
    description = re.search(r"<desc>(.*?)</desc>", svg, re.DOTALL)
    assert title and unescape(title[1]) == words["title"]
    assert description and unescape(description[1]) == words["alt"]
    assert len(words["alt"]) > 60 and not re.search(r"\bnan\b|[$\\]|\d{7}", words["alt"])
    assert PNG_TEXT.search((FOLDER / f"{name}.png").read_bytes())
    assert words["alt"] in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)
def test_the_stored_words_are_those_of_the_fits_now(entry):
    assert entry.picture().alt_text == stored_words()[entry.name]["alt"]


def test_the_same_bytes_each_time(tmp_path):
    chosen = ["01-shrinkage", "03-ellipse", "03-network-flat", "05-fitted-lines", "06-structure-crossed"]
    for again in ("a", "b"):
        (tmp_path / again).mkdir()
        command = [sys.executable, "-m", "figures", "--into", str(tmp_path / again), *chosen]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    first = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert len(first) == 2 * len(chosen) + 2
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}


def test_the_moving_picture_moves_and_is_small():
    with Image.open(moving.FILE) as picture:
        assert picture.n_frames == 2 * len(moving.TAU) - 2 and picture.size[0] == 9.6 * moving.DPI
        first = picture.convert("RGB").tobytes()
        picture.seek(len(moving.TAU) - 1)
        assert picture.convert("RGB").tobytes() != first
    assert moving.FILE.stat().st_size < 400e3
