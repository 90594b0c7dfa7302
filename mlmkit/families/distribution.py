"""A distribution is one object that says everything of itself: what every distribution has in common.

The distributions are exponential dispersion models (Jørgensen 1987, JRSS B 49, 127–162): with the dispersion
given, the derivative of a log density by its mean is weight × (y − μ)/V(μ). A new one is a class with its
own facts in a file of its own, entered in the package's list; nothing else asks which distribution it is.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

Array = np.ndarray


class Own(NamedTuple):
    """A parameter of a distribution's own, beside its mean, as brms calls it.

    Attributes
    ----------
    name
    prior
        brms's default; empty for that of the SDs across groups.
    lower
        Its smallest value.
    """

    name: str
    prior: str = ""
    lower: float = 0.0


class Distribution:
    """A distribution with variance φ V(μ) / weight; its log density is weight × `kernel` + `constants`.

    V and the kernel of dispersion 1 are a subclass's own. A dispersion is what is estimated beside the
    means: φ, unless a subclass says otherwise. It is searched for on a line without ends, as
    `coordinate(dispersion)`; derivatives "by the dispersion" are by log φ.

    Attributes
    ----------
    name, also
        Its name, and what else it is called, in small letters and digits alone.
    links
        Names of the links it is fitted with; the first is the one meant where none is said.
    canonical
        The link with which η is the natural parameter; empty where none of its links is.
    mean_range
        The open interval of its means.
    separable
        Links with which a mean has a limit that only an infinite η reaches.
    has_dispersion
        Whether it has a parameter beside its mean.
    has_sigma
        Whether that parameter is φ, so that its root σ is a residual SD: an SD across groups is then told
        relative to σ by θ, and a table has a row for it.
    counts_trials
        Whether an observation is a proportion of trials.
    discrete
        Whether its values are counts.
    words, response_is
        What it is in words, and what is said of a value that cannot be its response.
    mean_symbol, symbols
        Symbols in LaTeX for the mean, and for the parameters beside it.
    ratio
        What a ratio of two means is called, the exponential of a difference where the link is a log.
    dispersion_name
        What the parameter beside the mean is called in tables.
    own
        The parameters beside the mean, as they are sampled.
    is_sampled_only
        Whether it is for `brm` alone.
    pymc
        Its name in PyMC, and its arguments of `mu`, `trials` and the parameters beside the mean.
    """

    name: ClassVar[str]
    also: ClassVar[tuple[str, ...]] = ()
    links: ClassVar[tuple[str, ...]]
    canonical: ClassVar[str] = ""
    mean_range: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    separable: ClassVar[tuple[str, ...]] = ()
    has_dispersion: ClassVar[bool] = False
    has_sigma: ClassVar[bool] = False
    counts_trials: ClassVar[bool] = False
    discrete: ClassVar[bool] = False
    words: ClassVar[str]
    response_is: ClassVar[str] = ""
    mean_symbol: ClassVar[str] = r"\mu"
    symbols: ClassVar[tuple[str, ...]] = ()
    own: ClassVar[tuple[Own, ...]] = ()
    is_sampled_only: ClassVar[bool] = False
    ratio: ClassVar[str] = "ratio of means"
    dispersion_name: ClassVar[str] = "sigma"
    pymc: ClassVar[tuple[str, str]]
    #: The dispersion of a family for which none has been estimated yet.
    unknown_dispersion: ClassVar[Any] = 1.0
    #: No search for the dispersion starts below this coordinate; closer to 0 than `nothing` it is 0.
    least_coordinate: ClassVar[float] = -np.inf
    nothing: ClassVar[float] = 0.0
    #: Whether a weight of 2 stands for two observations, rather than for one of half the variance.
    weights_repeat: ClassVar[bool] = True

    # -- the response ------------------------------------------------------------------------------
    def refused(self, y: Array) -> Array:
        """Which values cannot be a response, a boolean array."""
        return np.zeros(np.shape(y), dtype=bool)

    def start(self, y: Array, weights: Array) -> Array:
        """Means inside the range, near y, to start a fit from."""
        return y

    # -- dispersion 1 ------------------------------------------------------------------------------
    def unit_variance(self, mu: Array) -> Array:
        """V(μ)."""
        raise NotImplementedError

    def unit_variance_slope(self, mu: Array) -> Array:
        """V′(μ)."""
        raise NotImplementedError

    def unit_variance_curvature(self, mu: Array) -> Array:
        """V″(μ)."""
        raise NotImplementedError

    def unit_kernel(self, y: Array, mu: Array) -> Array:
        """The part of the log density that depends on μ, at φ = 1."""
        raise NotImplementedError

    def unit_saturated(self, y: Array) -> Array:
        """`unit_kernel` at μ = y."""
        raise NotImplementedError

    # -- the dispersion ----------------------------------------------------------------------------
    def coordinate(self, dispersion: float) -> float:
        """Where a dispersion lies on the line on which it is searched for."""
        return float(np.log(dispersion))

    def from_coordinate(self, coordinate: float) -> float:
        """The dispersion at a place on that line."""
        return float(np.exp(coordinate))

    def told(self, dispersion) -> tuple[float, ...]:
        """The dispersion as it is told, a number for each symbol: σ where it is a factor of the variance."""
        if not self.has_dispersion:
            return ()
        return (float(np.sqrt(dispersion)) if self.has_sigma else float(dispersion),)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """What the parameters beside the mean are called, estimated or sampled."""
        estimated = (self.dispersion_name,) if self.has_dispersion else ()
        return (*estimated, *(one.name for one in self.own))

    def from_own(self, *own) -> Any:
        """The dispersion, from the parameters as they are sampled; 1 where there are none."""
        return 1.0

    def by_own(self, y: Array, mu: Array, weights: Array, trials: Array, own) -> list[float]:
        """The derivatives of the log likelihood by the parameters as they are sampled."""
        if not len(own):
            return []
        dispersion = self.from_own(*own)
        by_dispersion = weights @ self.kernel_by_dispersion(y, mu, dispersion)
        by_dispersion += np.sum(self.constants_by_dispersion(y, weights, trials, dispersion))
        return [float(by_dispersion) * self.own_slope(*own)]

    def own_slope(self, *own: float) -> float:
        """What a derivative "by the dispersion" is multiplied with to be one by the parameter that is sampled."""
        raise NotImplementedError

    def own_start(self, y: Array) -> tuple[float, ...]:
        """Somewhere reasonable for the parameters that are sampled."""
        return ()

    def coordinate_slope(self, coordinate: float) -> float:
        """What a derivative "by the dispersion" is multiplied with to be one by the coordinate."""
        return 1.0

    def most_likely(self, y: Array, mu: Array, weights: Array) -> float:
        """The most likely dispersion at these means, for one that is no factor of the variance."""
        raise NotImplementedError

    def variance(self, mu: Array, dispersion) -> Array:
        """The variance of an observation of weight 1."""
        return dispersion * self.unit_variance(mu)

    def variance_slope(self, mu: Array, dispersion) -> Array:
        """Its derivative by μ."""
        return dispersion * self.unit_variance_slope(mu)

    def variance_curvature(self, mu: Array, dispersion) -> Array:
        """Its second derivative by μ."""
        return dispersion * self.unit_variance_curvature(mu)

    def variance_by_dispersion(self, mu: Array, dispersion) -> tuple[Array, Array]:
        """The derivatives of the variance and of its slope by the dispersion."""
        return self.variance(mu, dispersion), self.variance_slope(mu, dispersion)

    def score(self, y: Array, mu: Array, dispersion) -> Array:
        """The derivative of `kernel` by μ."""
        return (y - mu) / self.variance(mu, dispersion)

    def kernel(self, y: Array, mu: Array, dispersion) -> Array:
        """The part of an observation's log density that depends on μ."""
        return self.unit_kernel(y, mu) / dispersion

    def saturated(self, y: Array, dispersion) -> Array:
        """`kernel` at μ = y: the unit deviance is 2 (saturated − kernel)."""
        return self.unit_saturated(y) / dispersion

    def kernel_by_dispersion(self, y: Array, mu: Array, dispersion) -> Array:
        """The derivative of `kernel` by the dispersion."""
        return -self.kernel(y, mu, dispersion)

    def constants(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        """The rest of every row's log density, its weight included."""
        raise NotImplementedError

    def constants_by_dispersion(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        """The derivative of `constants` by the dispersion."""
        return np.zeros(np.shape(y))

    # -- its values --------------------------------------------------------------------------------
    def draw(self, rng: np.random.Generator, mu: Array, weights: Array, dispersion) -> Array:
        """One value for each mean."""
        raise NotImplementedError

    def frozen(self, mu: Array, weights: Array, dispersion) -> Any:
        """scipy's distribution of a value (of the successes, where trials are counted) for each mean."""
        raise NotImplementedError

    def log_variance(self, mean: Array, dispersion) -> Array:
        """About the variance of the logarithm of an observation with this mean: that of a lognormal."""
        return np.log1p(self.variance(mean, dispersion) / mean**2)

    def messages(self, dispersion: float) -> tuple[str, ...]:
        """What a reader should be told of an estimated dispersion, one sentence each."""
        return ()

    # -- in words and symbols ----------------------------------------------------------------------
    def latex(self, mean: str, beside: tuple[str, ...], weight: str) -> str:
        """The distribution in LaTeX, of its mean, the parameters beside it, and "/ w" or ""."""
        raise NotImplementedError

    def spread_in_words(self, dispersion: float) -> str:
        """What the parameter beside the mean says of an observation, as a sentence."""
        return ""
