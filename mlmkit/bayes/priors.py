"""Prior distributions, and the table that says which parameter has which prior and where it came from.

The defaults are brms's (Bürkner 2017, J. Stat. Softw. 80(1); the rule is that of brms 2.13 and later):

* slopes: flat;
* the intercept at centred predictors: student_t(3, m, s), m the median of y;
* SDs across groups and the residual SD: student_t(3, 0, s), of which only the half above 0 counts;
* correlations across groups: lkj(1), uniform over correlation matrices;
* the shape of a negative binomial: inv_gamma(0.4, 0.3); of a gamma or inverse Gaussian: gamma(0.01, 0.01); the
  degrees of freedom ν of Student's t: gamma(2, 0.1), above 1.

s = max(2.5, MAD), where the MAD is 1.4826 × the median distance of y from its median; m and the MAD are
rounded to one decimal. Where the link is the logarithm y is taken through the link first (0 counting as 0.1). A
binomial response says nothing about the scale of its link: m = 0, s = 2.5. m is lowered by the mean offset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from ..design import Design
from ..errors import MlmkitError, did_you_mean
from ..families import DISTRIBUTIONS as FAMILIES


@dataclass(frozen=True)
class Prior:
    """One prior distribution. Use `Prior.parse("student_t(3, 0, 2.5)")` to make one.

    Attributes
    ----------
    name, args
        A name of `DISTRIBUTIONS` and its parameters: `"student_t"`, `(3.0, 0.0, 2.5)`.
    """

    name: str
    args: tuple[float, ...] = ()

    @classmethod
    def parse(cls, text: str | Prior) -> Prior:
        """A prior from its text in brms's notation.

        Raises
        ------
        MlmkitError
            If the text names no distribution or its parameters are not such a distribution's.
        """
        if isinstance(text, Prior):
            return text
        written = _WRITTEN.match(text) if isinstance(text, str) else None
        if written is None:
            raise MlmkitError(f"Cannot read the prior {text!r}: write it as 'normal(0, 10)' or 'flat'.")
        name = written["name"]
        if name not in DISTRIBUTIONS:
            raise MlmkitError(f"There is no prior distribution {name!r}.{did_you_mean(name, DISTRIBUTIONS)}")
        return cls(name, _arguments(text, name, written["args"]))

    def __str__(self):
        return f"{self.name}({', '.join(f'{a:g}' for a in self.args)})" if self.args else f"({self.name})"

    @property
    def is_flat(self) -> bool:
        return self.name == "flat"

    @cached_property
    def log_density_and_slope(self) -> Callable:
        """x → the log density, up to a constant, and its derivative; x is a number or an array."""
        return DISTRIBUTIONS[self.name].log_density(*self.args)

    def density(self, x, positive: bool = False) -> np.ndarray:
        """The density, with its constant, for drawing; `positive` for the half above zero alone."""
        if self.is_flat:
            return np.full(np.shape(x), np.nan)
        x, frozen = np.asarray(x, dtype=float), DISTRIBUTIONS[self.name].frozen(*self.args)
        if not positive:
            return frozen.pdf(x)
        return np.where(x >= 0, frozen.pdf(x), 0.0) / frozen.sf(0)

    def draw(self, rng: np.random.Generator, size=None, lower: float | None = None) -> np.ndarray:
        """Draws from the prior, from what lies above `lower` alone."""
        if self.is_flat:
            raise MlmkitError(
                "A flat prior is no distribution to draw from: give this parameter a proper prior."
            )
        frozen = DISTRIBUTIONS[self.name].frozen(*self.args)
        return frozen.isf(rng.uniform(size=size) * (1.0 if lower is None else frozen.sf(lower)))


_WRITTEN = re.compile(r"^\s*\(?\s*(?P<name>[a-z_]\w*)\s*(?:\((?P<args>[^()]*)\))?\s*\)?\s*$")


def _arguments(text: str, name: str, written: str | None) -> tuple[float, ...]:
    kind = DISTRIBUTIONS[name]
    try:
        args = tuple(float(part) for part in written.split(",")) if written else ()
    except ValueError:
        raise MlmkitError(f"The parameters of the prior {text!r} are not numbers.") from None
    if len(args) != len(kind.parameters):
        wanted = f"{name}({', '.join(kind.parameters)})" if kind.parameters else name
        raise MlmkitError(f"The prior {text!r} has {len(args)} parameters; it is written {wanted}.")
    for parameter, value in zip(kind.parameters, args, strict=True):
        if not np.isfinite(value) or (parameter != "location" and value <= 0):
            raise MlmkitError(
                f"The prior {text!r} has {parameter} {value:g}, which must be a finite"
                f"{'' if parameter == 'location' else ' positive'} number."
            )
    return args


# -- distributions: the log density with its derivative for the sampler, scipy's object for all else --------


@dataclass(frozen=True)
class _Distribution:
    parameters: tuple[str, ...]
    log_density: Callable[..., Callable[[float], tuple[float, float]]]
    frozen: Callable | None = None


def _flat():
    return lambda x: (0.0, 0.0)


def _normal(location, scale):
    precision = scale**-2
    return lambda x: (-0.5 * precision * (x - location) ** 2, -precision * (x - location))


def _student_t(df, location, scale):
    width = df * scale**2

    def log_density(x):
        distance = x - location
        spread = width + distance**2
        return -0.5 * (df + 1) * np.log(spread / width), -(df + 1) * distance / spread

    return log_density


def _exponential(rate):
    return lambda x: (-rate * x, -rate)


def _gamma(shape, rate):
    return lambda x: ((shape - 1) * np.log(x) - rate * x, (shape - 1) / x - rate)


def _inv_gamma(shape, scale):
    return lambda x: (-(shape + 1) * np.log(x) - scale / x, -(shape + 1) / x + scale / x**2)


DISTRIBUTIONS = {
    "flat": _Distribution((), _flat),
    "normal": _Distribution(("location", "scale"), _normal, stats.norm),
    "student_t": _Distribution(
        ("df", "location", "scale"), _student_t, lambda df, location, scale: stats.t(df, location, scale)
    ),
    "cauchy": _Distribution(
        ("location", "scale"), lambda location, scale: _student_t(1.0, location, scale), stats.cauchy
    ),
    "exponential": _Distribution(("rate",), _exponential, lambda rate: stats.expon(scale=1 / rate)),
    "gamma": _Distribution(("shape", "rate"), _gamma, lambda shape, rate: stats.gamma(shape, scale=1 / rate)),
    "inv_gamma": _Distribution(
        ("shape", "scale"), _inv_gamma, lambda shape, scale: stats.invgamma(shape, scale=scale)
    ),
    "lkj": _Distribution(("eta",), lambda eta: _flat()),
}

#: Which distributions make sense where: those with mass below 0 are cut off there for an SD.
_REAL = ("flat", "normal", "student_t", "cauchy")
_POSITIVE = (*_REAL, "exponential", "gamma", "inv_gamma")
CLASSES = {"Intercept": _REAL, "b": _REAL, "sd": _POSITIVE, "cor": ("lkj",)}
OWN = {one.name: one for family in FAMILIES.values() for one in family.own}
CLASSES |= dict.fromkeys(OWN, _POSITIVE)


# -- the table ----------------------------------------------------------------------------------------------

#: A parameter's place in the table: its class, then the group, the coefficient or both. `("b", "Days")`,
#: `("sd", "Subject", "Days")`, `("cor", "Subject")`; shorter keys stand for everything that begins so.
Key = tuple[str, ...]


@dataclass(frozen=True)
class Priors:
    """The priors of a model: one for each key, from the class as a whole down to the single parameter.

    Attributes
    ----------
    chosen
        What the user set, by key.
    defaults
        The default of each class.
    keys
        Every key that the model has, in the table's order.
    """

    chosen: dict[Key, Prior]
    defaults: dict[str, Prior]
    keys: tuple[Key, ...]

    def __getitem__(self, key: Key) -> Prior:
        """The prior that holds for a key: the most particular one that was set, or the class's default."""
        for stop in range(len(key), 0, -1):
            if key[:stop] in self.chosen:
                return self.chosen[key[:stop]]
        return self.defaults[key[0]]

    def source(self, key: Key) -> str:
        """Where a key's prior came from: "user", "default", or "(vectorized)" for a class's, as in brms."""
        if key in self.chosen:
            return "user"
        return "default" if len(key) == 1 else "(vectorized)"

    def table(self) -> pd.DataFrame:
        """The priors as brms tabulates them: prior, class, coef, group, lb (lower bound), source."""
        rows = [(str(self[key]), *_columns(key), self.source(key)) for key in self.keys]
        return pd.DataFrame(rows, columns=["prior", "class", "coef", "group", "lb", "source"])


def _columns(key: Key) -> tuple[str, str, str, str]:
    """A key as the table's columns class, coef, group, lb."""
    name = key[0]
    if name == "b":
        return name, "".join(key[1:]), "", ""
    group, coef = (*key[1:], "", "")[:2]
    lower = "0" if name == "sd" else f"{OWN[name].lower:g}" if name in OWN else ""
    return name, coef, group, lower


def find_priors(design: Design, chosen: Mapping | None = None) -> Priors:
    """The priors of a design's parameters: the user's where given, brms's defaults elsewhere.

    Parameters
    ----------
    design
    chosen
        Priors in brms's notation by class, or by (class, coef) for a slope, (class, group) or (class,
        group, coef) for an SD, (class, group) for correlations:
        `{"b": "normal(0, 10)", ("sd", "Subject", "Days"): "exponential(0.1)", "cor": "lkj(2)"}`.

    Raises
    ------
    MlmkitError
        For a key that the model does not have, or a distribution that does not fit its class.
    """
    keys = tuple(model_keys(design))
    parsed = {}
    for key, text in (chosen or {}).items():
        key = (key,) if isinstance(key, str) else tuple(key)
        if key not in keys:
            raise MlmkitError(
                f"This model has no parameters {(key if len(key) > 1 else key[0])!r}.{did_you_mean(_written(key), map(_written, keys))}"
            )
        prior = Prior.parse(text)
        if prior.name not in CLASSES[key[0]]:
            raise MlmkitError(
                f"{prior} is no prior for the class {key[0]!r}, which takes {', '.join(CLASSES[key[0]])}."
            )
        parsed[key] = prior
    return Priors(parsed, default_priors(design), keys)


def _written(key: Key) -> str:
    """A key as one writes it."""
    return str(key[0] if len(key) == 1 else key)


def model_keys(design: Design):
    """Every key of a model, in the order of brms's table."""
    slopes = [name for name in design.fixed_names if name != "Intercept"]
    if slopes:
        yield ("b",)
        yield from (("b", name) for name in slopes)
    if "Intercept" in design.fixed_names:
        yield ("Intercept",)
    correlated = [block.group for block in design.blocks if len(block.names) > 1]
    if correlated:
        yield ("cor",)
        yield from (("cor", group) for group in dict.fromkeys(correlated))
    if design.blocks:
        yield ("sd",)
    for group in dict.fromkeys(block.group for block in design.blocks):
        yield ("sd", group)
        for block in design.blocks:
            if block.group == group:
                yield from (("sd", group, name) for name in block.names)
    yield from ((one.name,) for one in design.spec.family.distribution.own)


def default_priors(design: Design) -> dict[str, Prior]:
    """brms's default for each class of parameters."""
    location, scale = _location_and_scale(design)
    location = round(location - float(design.offset.mean()), 10)
    spread = Prior("student_t", (3.0, 0.0, scale))
    return {
        "b": Prior("flat"),
        "Intercept": Prior("student_t", (3.0, location, scale)),
        "sd": spread,
        "cor": Prior("lkj", (1.0,)),
    } | {one.name: Prior.parse(one.prior or spread) for one in design.spec.family.distribution.own}


def _location_and_scale(design: Design) -> tuple[float, float]:
    """m and s of the module's docstring."""
    family, y = design.spec.family, design.y
    if family.counts_trials:
        return 0.0, 2.5
    with np.errstate(invalid="ignore", divide="ignore"):
        on_link = family.eta(np.where(y == 0, 0.1, y)) if family.link == "log" else family.eta(y)
    on_link = on_link[np.isfinite(on_link)]
    median = float(np.median(on_link))
    mad = 1.4826 * float(np.median(np.abs(on_link - median)))
    return round(median, 1), max(2.5, round(mad, 1))
