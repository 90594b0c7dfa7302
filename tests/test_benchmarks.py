"""The benchmarks' tables: what a row says, and the data behind it."""

import re
from pathlib import Path

import numpy as np

from benchmarks import __main__ as table
from benchmarks import cases, jobs


def test_a_row_holds_seconds_ratio_and_what_a_tool_cannot_do():
    results = {
        "mlmkit": {"seconds": 0.5, "criterion": 10.0, "peak_mb": 200.2},
        "lme4": {"seconds": 2.0, "criterion": 10.5, "peak_mb": 300.0},
        "glmm": {"error": "fails"},
    }
    cells = table.row(cases.RATS, list(results), results).strip("| ").split(" | ")
    assert cells == ["rats", "0.5", "2", "fails", "0.250", "-5.0e-01", "200", "300"]
    assert table.header(list(results)).splitlines()[0].count(" | ") == len(cells) - 1


def test_cases_are_named_once():
    names = [case.name for case in cases.CASES]
    assert len(set(names)) == len(names)


def test_the_maximal_experiment_is_a_latin_square():
    data = cases.maximal(16, 8)
    cells = data[["a", "b", "c"]].astype(int).astype(str).agg(" ".join, axis=1)
    for group in ("person", "item"):
        counts = data.groupby([data[group], cells]).size().unstack()
        assert counts.shape[1] == 8
        assert (counts.to_numpy() == counts.to_numpy()[0, 0]).all()
    np.testing.assert_array_equal(data["abc"], data["a"] * data["b"] * data["c"])


def test_ratings_are_whole_and_uneven():
    data = cases.ratings(5000, 60, 40)
    assert set(data["y"]) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    counts = data["g"].value_counts()
    assert counts.iloc[0] > 5 * counts.iloc[-1]


def test_every_job_has_its_function_here_and_its_script_in_r():
    told = Path(jobs.__file__).with_name("jobs.R").read_text()
    in_r = set(re.findall(r"^  (\w+) = function", told, re.MULTILINE))
    keys = {job.key for job in jobs.JOBS}
    assert keys <= set(jobs.ASKED)
    assert keys - in_r == {"posterior"}, "samplers are Python's"
    assert {peer for job in jobs.JOBS for peer in job.peers} <= set(jobs.ASKED)


def test_work_that_r_does_in_part_is_counted_whole_and_said():
    job = next(job for job in jobs.JOBS if job.share < 1)
    results = {
        "mlmkit": {"seconds": 1.5, "value": 0.25},
        "R": {"seconds": 3.0, "value": 0.3, "package": "lmerTest"},
    }
    cells = jobs.row(job, results).strip("| ").split(" | ")
    assert cells[1:3] == ["1.5", f"{3.0 / job.share:.3g} (lmerTest, {job.share:.0%} of it measured)"]
    assert cells[4:] == ["0.25", "0.3"]
