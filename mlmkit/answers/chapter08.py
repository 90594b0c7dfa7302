"""Chapter 8's questions: Bayesian models. Truths by quadrature and from known distributions, without sampling."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import stats

from ..check import Question, Wrong
from ..check.slips import A_SHARE, AN_SD
from ..datasets import load_data
from ..models import glmer, lm, lmer
from ..planning import simulate

B, TAU = np.linspace(-2.9, -1.2, 86), np.linspace(0, 2, 101)
#: The prior of τ that exercises 8.4 and 8.7 ask about: this t's half above 0.
WHOLE_T = stats.t(3, 0, 59.3)
#: The default prior of b, and by its half above 0 of τ, in a binomial model.
DEFAULT = stats.t(3, 0, 2.5)


@cache
def _likelihood() -> np.ndarray:
    """The rats' likelihood at each (b, τ) of the grid."""
    return _likelihood_of(load_data("rats").m, B, TAU)


def _likelihood_of(m, at_b: np.ndarray, at_tau: np.ndarray) -> np.ndarray:
    """A likelihood of b and τ, up to a constant; the batches' log odds averaged out."""
    n = load_data("rats").n
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)

    def log_likelihood(b, tau):
        eta = b + tau * nodes
        log_each = np.outer(m, eta) - np.outer(n, np.log1p(np.exp(eta)))
        return np.log(np.exp(log_each) @ weights).sum()

    values = np.array([[log_likelihood(b, tau) for tau in at_tau] for b in at_b])
    return np.exp(values - values.max())


@cache
def _intervals() -> np.ndarray:
    """(20, 2) the 95% intervals of τ from 20 sets of rats that were made with b = −1.94 and τ = 0.67."""
    rats, b, tau = load_data("rats"), B[::5], TAU[::2]
    formula = "cbind(m, n - m) ~ 1 + (1|batch)"
    made = simulate(formula, rats, fixef=-1.94, sd=0.67, family="binomial", n=20, seed=1)
    intervals = []
    for name in made:
        posterior = _likelihood_of((made[name] * rats.n).round(), b, tau) * np.outer(
            DEFAULT.pdf(b), DEFAULT.pdf(tau)
        )
        p = posterior.sum(axis=0) / posterior.sum()
        intervals.append(np.interp([0.025, 0.975], np.cumsum(p) - p / 2, tau))
    return np.array(intervals)


def _hold(truth: float) -> int:
    return int(((_intervals()[:, 0] < truth) & (truth < _intervals()[:, 1])).sum())


def _posterior(prior_of_tau=DEFAULT) -> np.ndarray:
    unscaled = _likelihood() * np.outer(DEFAULT.pdf(B), prior_of_tau.pdf(TAU))
    return unscaled / unscaled.sum()


def _mean_tau(prior_of_tau=DEFAULT) -> float:
    return _posterior(prior_of_tau).sum(axis=0) @ TAU


def _mode_tau(prior_of_tau) -> float:
    return TAU[_posterior(prior_of_tau).sum(axis=0).argmax()]


def _next_batch_above(probability: float) -> float:
    """P(θ > probability) for a new batch, with the uncertainty of b and τ."""
    logit = np.log(probability / (1 - probability))
    return (_posterior() * stats.norm.sf((logit - B[:, None]) / np.maximum(TAU, 1e-9))).sum()


def _plug_in_above(probability: float) -> float:
    fit = glmer("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats"), family="binomial", n_agq=25)
    logit = np.log(probability / (1 - probability))
    return stats.norm.sf(logit, loc=fit.fixef["Intercept"], scale=fit.varcorr.sdcor[0])


def _mad(column) -> float:
    return (column - column.median()).abs().median()


def _score():
    return load_data("mathachieve").mathach


@cache
def _sleep():
    return lmer("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))


@cache
def _average_slope_above(slope: float) -> float:
    """P(b₁ > slope) under brms's default priors, by quadrature over τ₁ and σ.

    In balanced data b₁ given the two is normal around the mean of the 18 flat slopes, with variance (τ₁² + σ²/Sxx)/18;
    what is known of τ₁ and σ comes from the scatter of the flat slopes and of the residuals. What the intercepts say of
    τ₁, through ρ, is left out: next to nothing.
    """
    lines = lm("Reaction ~ 0 + Subject + Subject:Days", load_data("sleepstudy"))
    slopes, J, Sxx = lines.fixef.to_numpy()[18:], 18, 82.5
    tau, sigma = np.meshgrid(np.linspace(0, 30, 301), np.linspace(18, 38, 101), indexing="ij")
    variance = tau**2 + sigma**2 / Sxx
    residuals = lines.df_resid * (np.log(sigma) + 0.5 * lines.sigma**2 / sigma**2)
    scatter = 0.5 * (J - 1) * (np.log(variance) + slopes.var(ddof=1) / variance)
    log_posterior = WHOLE_T.logpdf(tau) + WHOLE_T.logpdf(sigma) - residuals - scatter
    weight = np.exp(log_posterior - log_posterior.max())
    above = stats.norm.sf(slope, slopes.mean(), np.sqrt(variance / J))
    return (weight * above).sum() / weight.sum()


def _people_above(slope: float) -> float:
    return stats.norm.sf(slope, _sleep().fixef["Days"], _sleep().varcorr.sdcor[1])


INSISTING = stats.expon(scale=1 / 5)

QUESTIONS = (
    Question(
        "08-1",
        "choice",
        "b",
        right="the intercept of centred predictors: the level at the average day.",
        wrong=(
            Wrong("a", "That would be so without centring; the prior is on the level at the mean of Days."),
            Wrong("c", "The slope has a prior of its own, of class b: flat."),
            Wrong("d", "Subjects' intercepts are N(0, Σ) around b: part of the model, not of this prior."),
        ),
    ),
    Question(
        "08-2",
        "number",
        lambda: round(max(2.5, 1.4826 * _mad(_score())), 1),
        slips=(),
        right="1.4826 times the raw MAD, far above the floor of 2.5.",
        wrong=(
            Wrong(lambda: _mad(_score()), "That is the raw MAD: multiply it by 1.4826."),
            Wrong(lambda: _score().std(), "That is the SD; the default uses the median absolute deviation."),
            Wrong(2.5, "That is the floor, for data with a smaller spread."),
            Wrong(59.3, "That is the scale for reaction times; mathach has one of its own."),
        ),
    ),
    Question(
        "08-3",
        "number",
        lambda: 6.84 / np.sqrt(1000),
        slips=(),
        right="the SD over the square root of the effective sample size.",
        wrong=(
            Wrong(lambda: 6.84 / np.sqrt(4000), "You divided by √4000: these draws are worth only 1000."),
            Wrong(6.84, "That is the posterior SD: what the data leave open, whatever the number of draws."),
            Wrong(lambda: 6.84 / 1000, "Divide by the square root of the effective sample size."),
        ),
    ),
    Question(
        "08-4",
        "number",
        lambda: 2 * WHOLE_T.sf(100),
        slips=A_SHARE,
        right="almost one in five: a very broad prior for a slope in ms per day.",
        wrong=(
            Wrong(lambda: WHOLE_T.sf(100), "That is the whole t's tail; the half t has twice as much of it."),
            Wrong(
                lambda: 2 * stats.norm.sf(100, scale=59.3),
                "That is a half normal; a t with 3 degrees of freedom has heavier tails.",
            ),
        ),
    ),
    Question(
        "08-5",
        "number",
        lambda: _average_slope_above(8),
        slips=A_SHARE,
        right="the share of draws in which b₁ is above 8.",
        tolerance=0.015,  # three Monte Carlo errors of 4000 draws
        wrong=(
            Wrong(
                lambda: _people_above(8),
                "That is the share of people with such a slope, by τ₁; asked is the average person's.",
            ),
            Wrong(lambda: 1 - _average_slope_above(8), "That is the share below 8."),
            Wrong(1.0, "That is the share above zero; the question is about 8."),
        ),
    ),
    Question(
        "08-6",
        "number",
        lambda: _mean_tau(INSISTING),
        slips=AN_SD,
        right="pulled down, but far from the prior's 0.2.",
        wrong=(
            Wrong(_mean_tau, "That is with the half t prior."),
            Wrong(lambda: _mode_tau(INSISTING), "That is the mode; the mean is asked for."),
            Wrong(0.2, "That is the prior's mean: multiply the prior by the likelihood."),
        ),
    ),
    Question(
        "08-7",
        "number",
        lambda: WHOLE_T.ppf(0.975),
        slips=(),
        right="from 0 up, with all 5% above.",
        wrong=(
            Wrong(
                lambda: WHOLE_T.ppf(0.9875),
                "That is the upper end of the equal-tailed interval, which leaves 2.5% out at 0.",
            ),
            Wrong(
                lambda: WHOLE_T.ppf(0.95), "That leaves 10% of the half t above it: half of the t is gone."
            ),
        ),
    ),
    Question(
        "08-8",
        "number",
        lambda: _next_batch_above(0.3),
        slips=A_SHARE,
        right="averaged over all b and τ, each by its posterior probability.",
        wrong=(
            Wrong(lambda: _plug_in_above(0.3), "That is the plug-in answer: b and τ taken as known."),
            Wrong(lambda: 1 - _next_batch_above(0.3), "That is the probability of at most 0.3."),
        ),
    ),
    Question(
        "08-9",
        "count",
        lambda: _hold(0.67),
        right="about 19 of 20 are expected, give or take one.",
        wrong=(
            Wrong(lambda: 20 - _hold(0.67), "That is how many miss it."),
            Wrong(19.0, "That is how many are expected; count those that hold it here."),
        ),
    ),
    Question(
        "08-10",
        "choices",
        {"a", "d"},
        right="a probability given model and priors, and the priors.",
        wrong=(
            Wrong(
                {"a", "b", "d"}, "The interval of b₁ is for the average person; people differ by τ₁ on top."
            ),
            Wrong(
                {"a", "c", "d"}, "Rhat judges the sampling; whether the model fits, a predictive check says."
            ),
            Wrong({"a", "d", "e"}, "The mean of 4000 draws is good to about 0.1 ms: 26.9."),
        ),
    ),
)
