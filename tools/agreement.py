"""What agrees with what: a pytest plugin that notes how far each comparison with a reference is off.

    python -m pytest -p tools.agreement --agreement docs/agreement.csv tests

It wraps `numpy.testing.assert_allclose`, so the table is made from the tests that are there and nothing is written
twice. A test counts if it says what it compares with (see `EXTERNAL`); its name is the row's words.
"""

from __future__ import annotations

import csv
import inspect
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

#: A test whose source names one of these compares with somebody else's numbers.
EXTERNAL = re.compile(
    r"\breference\b|REFERENCE|\bcase\[|published|printed|"
    r"\b(?:R|lme4|lmerTest|pbkrtest|emmeans|glmmTMB|car|brms|broom|statsmodels|metafor|nlme|MASS)(?:'s|s|_)",
    re.IGNORECASE,
)
#: How the names in a test's name are written.
SPELLED = {
    "lme4s": "lme4's", "lmertests": "lmerTest's", "pbkrtests": "pbkrtest's", "emmeans": "emmeans", "rs": "R's", "r": "R",
    "glmmtmbs": "glmmTMB's", "brmss": "brms's", "kenward": "Kenward", "roger": "Roger", "satterthwaite": "Satterthwaite",
    "sds": "SDs", "sd": "SD", "glmm": "GLMM", "lmm": "LMM", "reml": "REML", "icc": "ICC", "aic": "AIC", "icc_": "ICC",
    "glmmtmb": "glmmTMB", "courses": "course's", "chapters": "chapter's", "students": "Student's", "formulas": "formula's",
    "f": "F",
}  # fmt: skip


@dataclass
class Row:
    """One test: how many numbers it compared, the largest relative difference, the widest limit."""

    where: str
    values: int = 0
    difference: float = 0.0
    limit: float = 0.0
    seen: set[str] = field(default_factory=set)

    def note(self, actual, desired, rtol: float, atol: float) -> None:
        """Take in one comparison."""
        a, b = (np.atleast_1d(np.asarray(values, dtype=float)) for values in (actual, desired))
        a, b = np.broadcast_arrays(a, b)
        usable = np.isfinite(a) & np.isfinite(b)
        if not usable.any():
            return
        size = np.abs(b[usable]).max()
        self.values += int(usable.sum())
        if size > 0:
            self.difference = max(self.difference, float(np.abs(a - b)[usable].max() / size))
            self.limit = max(self.limit, rtol + atol / size)


HEADER = ("what", "test", "numbers", "largest difference", "limit")
ROWS: dict[str, Row] = {}
_now: list[Row] = []


def pytest_addoption(parser) -> None:
    parser.addoption("--agreement", help="write the table of agreements to this CSV file")


def pytest_configure(config) -> None:
    np.testing.assert_allclose = noting(np.testing.assert_allclose)


def noting(compare):
    """`assert_allclose` that notes what it compares for the test that runs."""

    def compared(actual, desired, rtol=1e-7, atol=0, *rest, **options):
        compare(actual, desired, rtol, atol, *rest, **options)
        if _now:
            try:
                _now[0].note(actual, desired, rtol, atol)
            except (TypeError, ValueError):  # dates, say: nothing to measure
                return

    return compared


def pytest_runtest_setup(item) -> None:
    _now.clear()
    if EXTERNAL.search(inspect.getsource(item.function)):
        name = item.originalname or item.name
        _now.append(ROWS.setdefault(f"{item.path}::{name}", Row(name)))


def pytest_sessionfinish(session) -> None:
    target = session.config.getoption("--agreement")
    if not target:
        return
    root = Path(str(session.config.rootpath))
    with open(target, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADER)
        for key, row in sorted(ROWS.items()):
            if row.values:
                path = Path(key.partition("::")[0]).relative_to(root / "tests")
                numbers = [row.values, f"{row.difference:.0e}", f"{row.limit:.0e}"]
                table.writerow([in_words(row.where), f"`{path.as_posix()}`", *numbers])


def in_words(name: str) -> str:
    """`test_satterthwaite_is_lmertests` as a sentence."""
    words = [SPELLED.get(word, word) for word in name.removeprefix("test_").split("_")]
    text = " ".join(words)
    return text if words[0] in SPELLED.values() else text[0].upper() + text[1:]
