"""The recipes of docs/ run as they are printed, where what they are for is installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def recipe():
    pytest.importorskip("marginaleffects")
    names: dict = {}
    for block in blocks("marginaleffects.md"):
        exec(compile(block, "marginaleffects.md", "exec"), names)  # noqa: S102  (our own page)
    return names


def test_marginaleffects_takes_a_fit(recipe):
    fit = recipe["fit"]
    mine = fit.means("Days", at={"Days": [0, 9]}, ddf="asymptotic")
    theirs = recipe["means"].to_pandas()
    assert_allclose(theirs["estimate"], mine.table["estimate"], rtol=1e-8)
    assert_allclose(theirs["std_error"], mine.table["std.error"], rtol=1e-4)
    difference = recipe["difference"].to_pandas().iloc[0]
    expected = mine.contrasts("reference").table.iloc[0]
    assert_allclose(difference["estimate"], expected["estimate"], rtol=1e-6)
    assert_allclose(difference["std_error"], expected["std.error"], rtol=1e-4)


def test_the_means_over_groups_are_ours(recipe):
    """The risk difference over the observed rows, both programs on their own."""
    import mlmkit as mk

    rats = mk.load_data("rats")
    rats = rats.assign(even=["yes" if k % 2 else "no" for k in range(len(rats))])
    fit = mk.glmer("cbind(m, n - m) ~ even + (1|batch)", rats)
    theirs = (
        recipe["avg_comparisons"](recipe["Fit"](fit, groups="average"), variables="even").to_pandas().iloc[0]
    )
    mine = fit.means("even", weights="rows", groups="average").contrasts("reference").table.iloc[0]
    assert_allclose(theirs["estimate"], mine["estimate"], rtol=1e-5)
    assert_allclose(theirs["std_error"], mine["std.error"], rtol=1e-3)
