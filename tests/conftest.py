"""What every test shares."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("agg")


@pytest.fixture
def small():
    """48 rows in 8 groups: numbers, a truth value, factors, ordered factors, a count, dates; as in formulas.R."""
    i = np.arange(48)
    age, g = 20 + (i * 7) % 45, np.repeat(np.arange(8), 6)
    return pd.DataFrame(
        {
            "y": (age - 40) ** 2 / 1000 + (g % 3) * 0.4 + np.sin(i),
            "age": age,
            "g": g,
            "t": i % 2 == 0,
            "f": np.array(list("abc"))[i % 3],
            "h": np.array(list("uv"))[i // 3 % 2],
            "k": (i * 5) % 4,
            "b": (i * 11 + 3) % 7 % 2,
            "o": pd.Categorical(np.array(list("abc"))[i % 3], ordered=True),
            "k5": pd.Categorical((i * 11) % 5, ordered=True),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(i % 30, "D"),
        }
    )
