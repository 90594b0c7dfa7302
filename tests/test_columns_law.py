"""One law: what the same values came as, how their columns are called and which index they have changes no fit."""

import importlib.util
import unicodedata
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.expression import quote

HAS_ARROW = importlib.util.find_spec("pyarrow") is not None
HAS_POLARS = importlib.util.find_spec("polars") is not None

RNG = np.random.default_rng(5)
N = 72
X, K, G = RNG.integers(0, 100, N), RNG.poisson(3, N), np.repeat(np.arange(9), 8)
F, T = np.array(["a", "b", "c"])[RNG.integers(0, 3, N)], RNG.random(N) < 0.5
# eighths are exact in half precision
Y = np.round(8 * (3 + X / 50 + RNG.normal(size=9)[G] + (F == "b") + 0.5 * T + RNG.normal(size=N))) / 8

NUMBERS = [
    *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "longdouble"),
    *("Int8", "UInt8", "Int64", "Float32", "Float64", "object", "decimal", "sparse"),
    *(["int8[pyarrow]", "double[pyarrow]", "uint64[pyarrow]"] if HAS_ARROW else []),
]
FRACTIONS = [kind for kind in NUMBERS if "int" not in kind.lower()]
LABELS = [
    "object",
    "str",
    "string",
    "category",
    *(["string[pyarrow]", "arrow dictionary"] if HAS_ARROW else []),
]
TRUTHS = ["bool", "boolean", "object", "category", *(["bool[pyarrow]"] if HAS_ARROW else [])]
IDS = [*NUMBERS, "str", "category", "text of numbers"]
NAMES = ["yield", "lambda", "I", "C", "scale", "log", "Intercept", "True", "µ", "\u03bc", "class", "a b", "0", "x:y", "`", "\\", "é", "x__y"]  # fmt: skip


def series(values, kind: str) -> pd.Series:
    values = pd.Series(values)
    if kind == "decimal":
        return pd.Series([Decimal(str(value)) for value in values.tolist()], dtype=object)
    if kind == "sparse":
        return values.astype(pd.SparseDtype(float))
    if kind == "text of numbers":
        return values.astype(str).astype(object)
    if kind == "arrow dictionary":
        import pyarrow

        return values.astype(pd.ArrowDtype(pyarrow.dictionary(pyarrow.int8(), pyarrow.string())))
    return values.astype(kind)


names = st.lists(
    st.one_of(st.sampled_from(NAMES), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)),
    min_size=6, max_size=6, unique_by=lambda name: unicodedata.normalize("NFKC", name),
)  # fmt: skip
kinds = st.tuples(*map(st.sampled_from, (FRACTIONS, NUMBERS, NUMBERS, LABELS, TRUTHS, IDS)))
indices = st.sampled_from(["default", "shuffled", "text", "all the same", "two levels", "dates"])
libraries = st.sampled_from(
    ["pandas", *(["polars"] if HAS_POLARS else []), *(["pyarrow"] if HAS_ARROW else [])]
)


def with_index(data: pd.DataFrame, how: str) -> pd.DataFrame:
    n = len(data)
    index = {
        "default": range(n),
        "shuffled": np.random.default_rng(n).permutation(n),
        "text": [f"row {k}" for k in range(n)],
        "all the same": [7] * n,
        "two levels": pd.MultiIndex.from_arrays([np.arange(n) // 5, np.arange(n) % 5]),
        "dates": pd.date_range("2020", periods=n),
    }
    return data.set_axis(pd.Index(index[how]), axis=0)


def handed_over(data: pd.DataFrame, library: str):
    if library == "pandas":
        return data
    plain = data.reset_index(drop=True)
    for name in data:  # neither library knows these two
        if isinstance(data[name].dtype, pd.SparseDtype) or data[name].dtype == np.longdouble:
            plain[name] = plain[name].astype(float)
    if library == "polars":
        import polars

        return polars.DataFrame({name: plain[name].tolist() for name in plain})
    import pyarrow

    return pyarrow.table({name: plain[name].tolist() for name in plain})


def fits(data, called: list[str]):
    y, x, k, f, t, g = map(quote, called)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        return (
            mk.lmer(f"{y} ~ {x} + I({x}^2) + {f}*{t} + ({t} + {x}|{g})", data),
            mk.lm(f"log({y} + 20) ~ poly({x}, 2) + 0 + {t} + {f}:{k}", data),
            mk.glmer(f"{k} ~ scale({x}) + {f} + ({y} > 4) + (1|{g})", data, "poisson"),
        )


PLAIN = fits(pd.DataFrame({"y": Y, "x": X, "k": K, "f": F, "t": T, "g": G}), list("yxkftg"))
PREDICTED = [fit.predict() for fit in PLAIN]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(names, kinds, indices, libraries)
def test_the_fit_is_the_same(called, types, index, library):
    columns = zip(called, (Y, X, K, F, T, G), types, strict=True)
    data = with_index(pd.DataFrame({name: series(values, kind) for name, values, kind in columns}), index)
    given_data = handed_over(data, library)
    for fit, plain, predicted in zip(fits(given_data, called), PLAIN, PREDICTED, strict=True):
        assert_allclose(fit.fixef.to_numpy(), plain.fixef.to_numpy(), rtol=1e-10, atol=1e-10)
        assert_allclose(fit.loglik, plain.loglik, rtol=1e-10)
        assert_allclose(fit.estimates.theta, plain.estimates.theta, rtol=1e-10, atol=1e-10)
        assert_allclose(fit.predict(given_data), predicted, rtol=1e-9, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(LABELS), st.sampled_from(IDS), st.sampled_from(TRUTHS), st.permutations("cab"))
def test_new_rows_of_any_type_are_the_same_rows(f, g, t, order):
    """Of a categorical the order of the categories sets the reference, not the prediction."""
    data = pd.DataFrame({"y": Y, "x": X, "k": K, "f": pd.Categorical(F, categories=order), "t": T, "g": G})
    fit = fits(data, list("yxkftg"))[0]
    new = pd.DataFrame({"x": X, "f": series(F, f), "t": series(T, t), "g": series(G, g)}).iloc[::-1]
    assert_allclose(fit.predict(new).iloc[::-1], PREDICTED[0], rtol=1e-6)
