"""Thousands of formulas and frames that nobody would write on purpose: whatever happens, it is an answer of the kit's.

    python -m benchmarks.fuzz --n 30000 --seed 1

A case is a frame of columns of all types, a formula from a grammar (with slips of the keyboard now and then), a way
to fit it and, where there is a fit, one of its verbs. An answer is a result, or an error that is an MlmkitError. The
report counts everything else: foreign exceptions, warnings of numpy's, answers slower than two seconds of processor
time, and the peak memory of the process.
"""

from __future__ import annotations

import argparse
import datetime
import resource
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd

import mlmkit as mk

#: Processor seconds that an answer may take, and the most rows of a frame.
SLOW, MOST_ROWS = 2.0, 60

Rng = np.random.Generator


# -- frames -----------------------------------------------------------------------------------------------

ODD_NAMES = (
    "my col", "yield", "lambda", "µg", "Intercept", "True", "I", "log", "scale", "C", "a.b", "1st", "x:z", "class",
    "é", "a__b", "f[T.b]", "offset", "cbind", "poly", "50%", "`", "\\", "None", "_", "T", "c",
)  # fmt: skip


def _numbers(rng: Rng, n: int) -> np.ndarray:
    return rng.choice(
        [rng.normal(size=n), rng.integers(0, 4, n), rng.integers(-9, 100, n), np.arange(n), rng.random(n)]
    )


COLUMNS: dict[str, Callable[[Rng, int], object]] = {
    "float": lambda rng, n: rng.normal(size=n),
    "int": lambda rng, n: rng.integers(0, 10, n),
    "small int": lambda rng, n: rng.integers(0, 120, n).astype(
        rng.choice(["int8", "uint8", "int16", "int32"])
    ),
    "half": lambda rng, n: rng.normal(size=n).astype(rng.choice(["float16", "float32"])),
    "count": lambda rng, n: rng.poisson(2, n),
    "zero one": lambda rng, n: rng.integers(0, 2, n),
    "bool": lambda rng, n: rng.random(n) < 0.5,
    "text": lambda rng, n: np.array(list("abcd"))[rng.integers(0, 4, n)],
    "two texts": lambda rng, n: np.array(["no", "yes"])[rng.integers(0, 2, n)],
    "ids": lambda rng, n: np.array([f"s{k}" for k in range(8)])[rng.integers(0, 8, n)],
    "ids in blocks": lambda rng, n: np.arange(n) // 4,
    "category": lambda rng, n: pd.Categorical(
        np.array(list("uvw"))[rng.integers(0, 3, n)], categories=list("wvux")
    ),
    "ordered": lambda rng, n: pd.Categorical(rng.integers(0, 4, n), ordered=True),
    "objects": lambda rng, n: rng.integers(0, 5, n).astype(object),
    "decimals": lambda rng, n: [Decimal(int(k)) / 4 for k in rng.integers(0, 9, n)],
    "mixed": lambda rng, n: [k if k % 2 else str(k) for k in rng.integers(0, 6, n)],
    "stray": lambda rng, n: ["bad" if k == 0 else str(k) for k in rng.integers(0, 40, n)],
    "nullable": lambda rng, n: pd.array(
        [None if k == 0 else int(k) for k in rng.integers(0, 9, n)], dtype="Int64"
    ),
    "nullable text": lambda rng, n: pd.array(
        [None if k == 0 else "ab"[k % 2] for k in rng.integers(0, 9, n)], dtype="string"
    ),
    "nullable bool": lambda rng, n: pd.array(
        [None if k == 0 else bool(k % 2) for k in rng.integers(0, 9, n)], dtype="boolean"
    ),
    "missing": lambda rng, n: np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
    "nothing": lambda rng, n: np.full(n, np.nan),
    "none": lambda rng, n: [None] * n,
    "constant": lambda rng, n: np.full(n, rng.choice([0.0, 1.0, 7.0])),
    "constant text": lambda rng, n: ["a"] * n,
    "infinite": lambda rng, n: np.where(rng.random(n) < 0.1, np.inf, rng.normal(size=n)),
    "huge": lambda rng, n: rng.normal(size=n) * 10.0 ** rng.choice([-200, -100, 20, 100, 200]),
    "far": lambda rng, n: 1e8 + rng.normal(size=n),
    "dates": lambda rng, n: pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 99, n), "D"),
    "zoned": lambda rng, n: (
        pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 99, n), "h")
    ),
    "days": lambda rng, n: [datetime.date(2020, 1, 1 + int(k)) for k in rng.integers(0, 20, n)],
    "durations": lambda rng, n: pd.to_timedelta(rng.integers(0, 99, n), "h"),
    "periods": lambda rng, n: pd.period_range("2020", periods=max(n, 1), freq="D")[:n],
    "intervals": lambda rng, n: pd.arrays.IntervalArray.from_breaks(np.arange(n + 1)),
    "complex": lambda rng, n: rng.normal(size=n) + 1j,
    "lists": lambda rng, n: [[int(k)] for k in rng.integers(0, 3, n)],
    "tuples": lambda rng, n: [(int(k), 1) for k in rng.integers(0, 3, n)],
    "bytes": lambda rng, n: [b"ab"[k : k + 1] for k in rng.integers(0, 2, n)],
    "sparse": lambda rng, n: pd.arrays.SparseArray(rng.integers(0, 2, n)),
}

#: Which kinds stand behind the names that formulas use most, so that many cases fit.
USUAL = {
    "y": ("float",) * 6 + ("count", "zero one"), "x": ("float",) * 5 + ("int", "small int"), "z": ("float", "int", "half"),
    "f": ("text", "category", "two texts"), "g": ("ids", "ids in blocks", "ids"), "h": ("ids in blocks", "int", "ids"),
    "t": ("bool",), "k": ("count", "zero one"), "o": ("ordered", "text"), "d": ("dates", "days"),
}  # fmt: skip


def frame(rng: Rng) -> pd.DataFrame:
    """A frame of up to sixty rows: usual columns, a few that are of any type, odd names, any index."""
    n = int(rng.choice([*[MOST_ROWS] * 40, 0, 1, 2, 5, 20, 40]))
    columns = {name: COLUMNS[str(rng.choice(kinds))](rng, n) for name, kinds in USUAL.items()}
    for name in rng.choice([*USUAL, *ODD_NAMES], rng.integers(0, 5), replace=False):
        columns[str(name)] = COLUMNS[str(rng.choice(list(COLUMNS)))](rng, n)
    data = pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
    how = rng.random()
    if how < 0.1:
        data.index = rng.permutation(n)
    elif how < 0.15:
        data.index = np.zeros(n, dtype=int)
    elif how < 0.17:
        data = data.set_index(str(rng.choice([name for name in data if data[name].dtype != "float16"])))
    elif how < 0.19:
        data = pd.concat([data, data[[str(rng.choice(list(data.columns)))]]], axis=1)
    elif how < 0.25:
        data = data.convert_dtypes()
    return data


# -- formulas ---------------------------------------------------------------------------------------------


@dataclass
class Writer:
    """Writes random formulas of a frame's columns, deeper with a lower probability, nonsense now and then."""

    rng: Rng
    names: list[str]

    def pick(self, *options):
        return options[self.rng.integers(len(options))]

    def rarely(self, chance: float = 0.04) -> bool:
        return self.rng.random() < chance

    def name(self) -> str:
        name = (
            "nowhere"
            if self.rarely(0.01)
            else self.pick(*USUAL)
            if self.rng.random() < 0.8
            else self.pick(*self.names)
        )
        plain = name.replace(".", "").isidentifier() or self.rarely(0.02)
        return name if plain else "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"

    def number(self) -> str:
        return (
            self.pick("0", "0.5", "1e3", "-1", "99999999")
            if self.rarely(0.15)
            else self.pick("1", "2", "3", "10")
        )

    def arithmetic(self, depth: int) -> str:
        if depth <= 0 or self.rng.random() < 0.5:
            return self.pick("x", "z", "y", "k", "t", "h") if self.rng.random() < 0.8 else self.name()
        left, right = self.arithmetic(depth - 1), self.pick(self.number(), "x", "z", self.name())
        return self.pick(
            f"{left} + {right}", f"{left}*{right}", f"{left}/{right}", f"({left} - {right})", f"-{left}",
            f"{left}^{self.number()}", self.call(depth - 1),
        )  # fmt: skip

    def call(self, depth: int) -> str:
        inner = self.arithmetic(depth)
        if self.rarely():
            strange = self.pick("lag", "s", "cut", "np.log", "as.factor", "eval", "ifelse")
            return self.pick(
                f"{strange}({inner})",
                f"log({inner}, 2)",
                f"scale({inner}, 3)",
                f"C({inner}, Helmert)",
                f"poly({inner}, {self.number()})",
            )
        function = self.pick(
            "log", "sqrt", "exp", "abs", "log2", "log10", "log1p", "I", "I", "center", "scale", "standardize"
        )
        level = self.pick("'b'", "'b'", "'u'", "1", "TRUE", "'a'")
        factor = self.pick("f", "f", "h", "t", "o", self.name())
        return self.pick(
            f"{function}({inner})", f"{function}({inner})", f"C({factor})", f"factor({factor})", f"poly({inner}, {self.pick('1', '2', '3')})",
            f"bs({inner}, df={self.pick('3', '4', '7')})", f"ns({inner}, df={self.pick('1', '3')})", f"poly({inner}, 2, raw=TRUE)",
            f"C({factor}, {self.pick('Sum', 'Poly', 'Treatment', 'contr.sum')})", f"relevel({factor}, {level})",
            f"C({factor}, Treatment({level}))", f"scale({inner}, {self.pick('TRUE', 'center=FALSE', 'scale=FALSE')})",
        )  # fmt: skip

    def comparison(self, depth: int) -> str:
        if self.rng.random() < 0.2:
            return f"{self.pick('f', 'o', self.name())} {self.pick('==', '!=', '<')} {self.pick(chr(34) + 'b' + chr(34), '1')}"
        return f"{self.arithmetic(depth)} {self.pick('>', '<', '>=', '<=', '==', '!=')} {self.pick(self.number(), 'z', 'x')}"

    def factor(self, depth: int) -> str:
        at = self.rng.random()
        return self.name() if at < 0.7 else self.call(depth) if at < 0.92 else f"({self.comparison(depth)})"

    def term(self, depth: int) -> str:
        if depth <= 0 or self.rng.random() < 0.6:
            return self.factor(depth)
        left, right = self.term(depth - 1), self.factor(depth - 1)
        return self.pick(
            f"{left}:{right}",
            f"{left}*{right}",
            f"{left}/{right}",
            f"({left} + {right})^2",
            f"{left} %in% {right}",
            f"({left} + {right})",
        )

    def bar(self) -> str:
        left = self.pick("1", "1", "1", "x", "z", f"0 + {self.factor(0)}", self.term(1), f"{self.name()} + x")
        group = self.pick("g", "g", "h", "g/h", "h:g", "f", self.name(), f"{self.name()}:g", "factor(h)")
        return f"({left} {self.pick('|', '|', '||')} {group})"

    def response(self, family: str) -> str:
        if self.rarely(0.1):
            return self.pick(self.arithmetic(1), self.comparison(1), self.call(1), self.name())
        if family.startswith("binomial"):
            return self.pick("t", "t", "y > 0", "x < z", "factor(t)", "cbind(k, 10 - k)", "f == 'a'", "k/10")
        if family in ("poisson", "nbinom", "poisson(sqrt)"):
            return self.pick("k", "k", "h", "I(k + 1)")
        if family in ("gamma", "inverse.gaussian", "gaussian(log)"):
            return self.pick("exp(y)", "abs(x)", "k + 1")
        return self.pick("y", "y", "y", "x", "log(abs(y))", "y - z", "y > 0", "scale(y)", "k")

    def formula(self, family: str, random: bool) -> str:
        terms = [self.term(2) for _ in range(self.rng.integers(0, 4))] or ["1"]
        right = terms[0]
        for term in terms[1:]:
            right += f" {self.pick('+', '+', '+', '+', '-')} {term}"
        for _ in range(self.rng.integers(1, 3) if random else self.rarely(0.03)):
            right += f" + {self.bar()}"
        right += f" + offset({self.arithmetic(1)})" if self.rarely(0.08) else ""
        return f"{self.response(family)} ~ {self.pick('', '', '0 + ', '-1 + ')}{right}"

    def slip(self, formula: str) -> str:
        """A letter lost, doubled or exchanged; a bracket opened many times."""
        at = int(self.rng.integers(len(formula)))
        letter = self.pick(*"()|~+:*^,.=<>`'\"0 x\\\n\t", "é", "٣", "((((", "\x00")
        return self.pick(
            formula[:at] + formula[at + 1 :],
            formula[:at] + letter + formula[at:],
            formula[:at] + letter + formula[at + 1 :],
            formula[:at],
            formula + " " + letter,
            "(" * int(self.rng.choice([3, 60, 900])) + formula,
        )


# -- cases ------------------------------------------------------------------------------------------------

FAMILIES = (
    "binomial",
    "poisson",
    "gamma",
    "nbinom",
    "gaussian",
    "inverse.gaussian",
    "binomial(probit)",
    "gaussian(log)",
    "poisson(sqrt)",
    "nonsense",
)

VERBS: dict[str, Callable] = {
    "predict": lambda fit, new: fit.predict(new),
    "predict mean": lambda fit, new: fit.predict(new, interval="mean"),
    "predict population": lambda fit, new: fit.predict(new, groups="none"),
    "summary": lambda fit, new: str(fit.summary()),
    "repr": lambda fit, new: repr(fit),
    "tidy": lambda fit, new: fit.tidy(conf_int=True),
    "confint": lambda fit, new: fit.confint(),
    "simulate": lambda fit, new: fit.simulate(2, seed=1),
    "refit": lambda fit, new: fit.refit(fit.simulate(1, seed=1)["sim_1"]),
    "r2": lambda fit, new: fit.r2(),
    "icc": lambda fit, new: fit.icc() if hasattr(fit, "icc") else None,
    "equation": lambda fit, new: str(mk.equation(fit)),
    "network": lambda fit, new: mk.network(fit).alt_text,
    "describe": lambda fit, new: str(mk.describe(fit)),
    "resid": lambda fit, new: fit.resid(),
    "fitted": lambda fit, new: fit.fitted,
    "diagnostics": lambda fit, new: fit.diagnostics(),
    "coef": lambda fit, new: (fit.coef, getattr(fit, "ranef", None), getattr(fit, "varcorr", None)),
    "new group": lambda fit, new: fit.new_group().at(new) if hasattr(fit, "new_group") else None,
    "model": lambda fit, new: mk.structure(fit.data, list(fit.spec.grouping)) if fit.spec.random else None,
}


@dataclass(frozen=True)
class Case:
    """One thing to try: what was asked, in words, and how to ask it."""

    words: str
    ask: Callable[[], object]


def cases(rng: Rng, most: int) -> Iterator[Case]:
    """Fits, and what is asked of those that are there."""
    made = 0
    while made < most:
        if made == 0 or rng.random() < 0.3:
            data = frame(rng)
        fits: list = []
        case = _a_fit(rng, Writer(rng, [str(name) for name in data.columns]), data, fits)
        made += 1
        yield case
        if fits and made < most:
            name = str(rng.choice(list(VERBS)))
            new = data.sample(min(len(data), 5), random_state=int(rng.integers(1_000_000)))
            new = new.convert_dtypes() if rng.random() < 0.1 else new
            made += 1
            yield Case(f"{case.words}  .{name}", partial(VERBS[name], fits[0], new))


def _a_fit(rng: Rng, writer: Writer, data: pd.DataFrame, fits: list) -> Case:
    function = str(rng.choice(["lm", "glm", "lmer", "lmer", "glmer"]))
    options: dict[str, object] = {}
    if function.startswith("g"):
        options["family"] = str(rng.choice(FAMILIES, p=[0.35, 0.35, *[0.29 / 7] * 7, 0.01]))
    formula = writer.formula(str(options.get("family", "gaussian")), function.endswith("mer"))
    formula = writer.slip(formula) if writer.rarely() else formula
    for name in ("weights", "offset"):
        if rng.random() < 0.06 and not (function == "lm" and name == "offset"):
            options[name] = writer.pick("x", "k", "nowhere", 2.0, [1, 2], "f", data.get("x"))
    shown = ", ".join([repr(formula), *(f"{k}={str(v)[:20]!r}" for k, v in options.items())])
    return Case(f"{function}({shown})", lambda: fits.append(getattr(mk, function)(formula, data, **options)))


# -- what happened ----------------------------------------------------------------------------------------


@dataclass
class Report:
    """Counts of what happened, and the cases that should not have."""

    counts: Counter = field(default_factory=Counter)
    foreign: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    noisy: list[str] = field(default_factory=list)

    def __str__(self):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.counts.most_common())
        lines = [f"{self.counts.total()} answers: {kinds}; peak memory {peak:.2f} GB."]
        for what, cases in (
            ("foreign exceptions", self.foreign),
            ("slow answers", self.slow),
            ("warnings", self.noisy),
        ):
            lines += [f"{len(cases)} {what}", *(f"    {case}" for case in cases[:20])]
        return "\n".join(lines)


def run(n: int, seed: int) -> Report:
    """Try n cases.

    Parameters
    ----------
    n, seed
        How many, and which.
    """
    report = Report()
    for case in cases(np.random.default_rng(seed), n):
        start = time.process_time()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kind = _answer(case, report)
        took = time.process_time() - start
        report.counts[kind] += 1
        if took > SLOW:
            report.slow.append(f"{took:.1f} s  {case.words}")
        report.noisy += [
            f"{w.category.__name__}: {w.message}  {case.words}"
            for w in caught
            if w.category is not mk.FitWarning
        ]
    return report


def _answer(case: Case, report: Report) -> str:
    try:
        case.ask()
    except mk.MlmkitError as error:
        return "refusals" if "  ." not in case.words else f"refusals of verbs ({type(error).__name__})"
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        report.foreign.append(f"{type(error).__name__}: {str(error)[:100]!r}  {case.words}")
        return "foreign exceptions"
    return "results"


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Formulas and frames at random: every answer must be the kit's."
    )
    parser.add_argument("--n", type=int, default=3000, help="how many")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = run(options.n, options.seed)
    print(report)
    raise SystemExit(bool(report.foreign or report.slow))


if __name__ == "__main__":
    main()
