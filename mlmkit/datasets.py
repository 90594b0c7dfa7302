"""The course's data sets, by name. The files and where they come from: `data/README.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd

from .errors import DataError, did_you_mean
from .habits import answers


@dataclass(frozen=True)
class Dataset:
    """What the course says of one data set in a line, which of its numbers are labels, the order of levels where
    it is not the alphabet's (the first is the reference), and the units that axes name."""

    what: str
    source: str
    labels: tuple[str, ...] = ()
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


_DATASETS = {
    "rats": Dataset(
        "rats with a tumour (m) among the control rats (n) of 71 batches",
        "Tarone 1982; Gelman et al., Bayesian Data Analysis, table 5.1",
        labels=("batch",),
    ),
    "alcohol": Dataset(
        "recorded alcohol consumption of adults in 189 countries, litres a head and year, 1985–2008",
        "World Health Organization, through Gapminder",
        units={"alcohol": "litres per adult and year"},
    ),
    "sleepstudy": Dataset(
        "mean reaction time (ms) of 18 people on ten days of a sleep deprivation study",
        "Belenky et al. 2003",
        labels=("Subject",),
        units={"Reaction": "ms", "Days": "day"},
    ),
    "classroom": Dataset(
        "mathematics scores of 1190 first-graders in 312 classes of 107 schools",
        "Hill, Rowan & Ball 2005; West, Welch & Gałecki, Linear Mixed Models",
        labels=("schoolid", "classid", "classid2"),
        units={"mathscore": "points"},
    ),
    "blp": Dataset(
        "lexical decision times (ms) of 78 people for 58 words",
        "Keuleers, Lacey, Rastle & Brysbaert 2012, British Lexicon Project",
        labels=("participant",),
        units={"rt": "ms"},
    ),
    "mathachieve": Dataset(
        "mathematics achievement of 7185 pupils in 160 high schools",
        "High School and Beyond 1982; Raudenbush & Bryk 2002",
        units={"mathach": "points"},
    ),
    "mathachieve_school": Dataset(
        "the 160 schools of mathachieve: sector, size, academic track, climate",
        "High School and Beyond 1982; Raudenbush & Bryk 2002",
    ),
    "toenail": Dataset(
        "severe nail separation (yes or no) at up to 7 visits of 294 patients on one of two drugs",
        "De Backer et al. 1998; HSAUR3",
        labels=("patient",),
        units={"month": "month"},
    ),
    "epilepsy": Dataset(
        "seizures of 59 patients in four fortnights, on progabide or placebo",
        "Thall & Vail 1990; MASS",
        labels=("subject",),
        units={"age": "year"},
    ),
    "culcita": Dataset(
        "whether a starfish attacked each of 80 corals, with symbionts of four kinds, in 10 blocks",
        "McKeon, Stier, McIlroy & Bolker 2012; lme4",
        labels=("block",),
        orders={"symbiont": ("none", "crabs", "shrimp", "both")},
    ),
    "grouseticks": Dataset(
        "ticks on 403 red grouse chicks of 118 broods in 63 locations",
        "Elston et al. 2001; lme4",
        labels=("index", "brood", "location", "year"),
        units={"height": "m"},
    ),
    "beattheblues": Dataset(
        "depression scores of 100 patients before and after computer therapy or usual care; half of them leave",
        "Proudfoot et al. 2003 (a subset); HSAUR3",
        labels=("subject",),
        orders={"treatment": ("TAU", "BtheB")},
        units=dict.fromkeys(("bdi_pre", "bdi_2", "bdi_3", "bdi_5", "bdi_8"), "points"),
    ),
}


@answers
def load_data(name: str) -> pd.DataFrame:
    """A data set of the course.

    Numbers that are labels (subjects, batches, schools) come as categoricals, so that a formula gives
    each its own coefficient rather than a slope; they keep their values, `data.Subject == 350` works.

    Parameters
    ----------
    name
        One of the names that `datasets()` lists.

    Returns
    -------
    DataFrame
        One row per observation, the caller's own copy. Columns and units are in `data/README.md`; the units that
        pictures write on their axes are in `attrs["units"]`, where your own data may have theirs.

    Raises
    ------
    DataError
        If there is no data set of that name; the message lists those there are.
    """
    if name not in _DATASETS:
        raise DataError(f"There is no data set {name!r}.{did_you_mean(name, _DATASETS)}")
    return _read(name).copy()


def datasets() -> pd.DataFrame:
    """Every data set of the course: its name, rows, what it is and its source."""
    rows = [(name, len(_read(name)), it.what, it.source) for name, it in _DATASETS.items()]
    return pd.DataFrame(rows, columns=["name", "rows", "what it is", "source"])


@cache
def _read(name: str) -> pd.DataFrame:
    it = _DATASETS[name]
    kinds = dict.fromkeys(it.labels, "category") | {
        column: pd.CategoricalDtype(levels) for column, levels in it.orders.items()
    }
    table = pd.read_csv(_folder() / f"{name}.csv").astype(kinds)
    table.attrs["units"] = dict(it.units)
    return table


def _folder() -> Path:
    """Where the CSVs are: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "data"
    return inside if inside.is_dir() else package.parent / "data"
