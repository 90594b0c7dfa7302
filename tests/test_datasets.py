"""The data sets: every file is the one whose source is given, and reads as its README says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from mlmkit.datasets import datasets, load_data
from mlmkit.errors import DataError

DATA = Path(__file__).resolve().parents[1] / "data"
README = (DATA / "README.md").read_text(encoding="utf-8")
ROWS = {
    "rats": 71,
    "alcohol": 411,
    "sleepstudy": 180,
    "classroom": 1190,
    "blp": 662,
    "mathachieve": 7185,
    "mathachieve_school": 160,
    "toenail": 1908,
    "epilepsy": 236,
    "culcita": 80,
    "grouseticks": 403,
    "beattheblues": 100,
}
MISSING = {"blp": {"rt": 11}, "beattheblues": {"bdi_2": 3, "bdi_3": 27, "bdi_5": 42, "bdi_8": 48}}


def test_every_file_is_listed_and_every_listed_name_loads():
    assert {p.stem for p in DATA.glob("*.csv")} == set(ROWS) == set(datasets()["name"])
    assert datasets().set_index("name")["rows"].to_dict() == ROWS


@pytest.mark.parametrize("name", ROWS)
def test_files_are_the_published_ones(name):
    sums = dict(reversed(line.split()) for line in README.splitlines() if re.match(r"[0-9a-f]{64} ", line))
    assert sha256((DATA / f"{name}.csv").read_bytes()).hexdigest() == sums[f"{name}.csv"]


@pytest.mark.parametrize("name", ROWS)
def test_the_readme_has_every_column_in_order(name):
    section = README.partition(f"**{name}.csv**")[2].partition("\n**")[0].partition("\n## ")[0]
    columns = re.findall(r"^\| (\w+) \|", section, flags=re.MULTILINE)
    assert columns[1:] == list(load_data(name).columns)


@pytest.mark.parametrize("name", ROWS)
def test_units_are_of_columns_and_the_caller_owns_them(name):
    table = load_data(name)
    assert set(table.attrs["units"]) <= set(table.columns)
    table.attrs["units"]["x"] = "furlong"
    assert "x" not in load_data(name).attrs["units"]


@pytest.mark.parametrize("name", ROWS)
def test_values_are_missing_where_the_readme_says_so(name):
    missing = load_data(name).isna().sum()
    assert missing[missing > 0].to_dict() == MISSING.get(name, {})


@pytest.mark.parametrize(
    ("name", "column", "groups"),
    [
        ("rats", "batch", 71),
        ("alcohol", "country", 189),
        ("sleepstudy", "Subject", 18),
        ("toenail", "patient", 294),
        ("epilepsy", "subject", 59),
        ("culcita", "block", 10),
        ("grouseticks", "brood", 118),
        ("grouseticks", "location", 63),
        ("classroom", "classid", 312),
        ("classroom", "schoolid", 107),
        ("blp", "participant", 78),
        ("blp", "spelling", 58),
        ("mathachieve", "school", 160),
    ],
)
def test_groups_are_labels_not_numbers(name, column, groups):
    values = load_data(name)[column]
    assert values.nunique() == groups
    assert values.dtype.kind not in "iuf"


def test_labels_keep_their_values():
    sleepstudy = load_data("sleepstudy")
    assert (sleepstudy.Subject == 350).sum() == 10


def test_the_schools_of_mathachieve_join():
    schools = load_data("mathachieve_school")
    joined = load_data("mathachieve").merge(schools, on="school", validate="many_to_one")
    assert len(joined) == 7185


def test_callers_get_copies():
    mine = load_data("rats")
    mine["m"] = -1
    assert load_data("rats")["m"].min() == 0


def test_an_unknown_name_offers_the_nearest_and_lists_all():
    with pytest.raises(DataError, match="'sleep_study'.*Did you mean 'sleepstudy'.*rats, alcohol"):
        load_data("sleep_study")


@pytest.mark.slow
def test_the_data_travel_in_the_wheel(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=DATA.parent, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {n for n in archive.namelist() if n.startswith("mlmkit/data/")}
        archive.extractall(tmp_path / "installed")
    assert {f"mlmkit/data/{name}.csv" for name in ROWS} < inside
    code = "import mlmkit; print(len(mlmkit.load_data('rats')), mlmkit.__file__)"
    run = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.split()[0] == "71" and str(tmp_path) in run.stdout


def test_the_first_level_is_the_reference():
    assert list(load_data("culcita")["symbiont"].cat.categories) == ["none", "crabs", "shrimp", "both"]
    assert list(load_data("beattheblues")["treatment"].cat.categories) == ["TAU", "BtheB"]
