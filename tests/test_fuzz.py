"""A short seeded run of the fuzzer: whatever is asked, the answer is the kit's, soon, and without numpy's warnings."""

import numpy as np
import pytest

from benchmarks import fuzz


@pytest.mark.parametrize("seed", [1, 2])
def test_every_answer_is_the_kits(seed, monkeypatch):
    monkeypatch.setattr(fuzz, "SLOW", 15.0)  # a machine that is busy is slow
    report = fuzz.run(200, seed)
    assert report.foreign == []
    assert report.noisy == []
    assert report.counts["results"] > 60 and report.counts["refusals"] > 30
    assert report.slow == []


def test_a_foreign_exception_is_seen():
    report = fuzz.Report()
    assert fuzz._answer(fuzz.Case("a fault", lambda: {}["x"]), report) == "foreign exceptions"
    assert report.foreign == ["KeyError: \"'x'\"  a fault"]


def test_a_seed_says_the_cases():
    words = [[case.words for case in fuzz.cases(np.random.default_rng(5), 30)] for _ in range(2)]
    assert words[0] == words[1]
