"""Which figures there are: chapter, name, number in the course's text, title, and the picture itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlmkit as mk
from mlmkit import plots
from mlmkit.views.structure import structure

from .compose import Several
from .fits import countries, data, lm, lmer, rats, rats_flat, sleep, sleep_flat

SIX_SCHOOLS = (31, 33, 71, 76, 77, 93)


@dataclass(frozen=True)
class Entry:
    """One figure: `name` begins with its chapter; `picture()` has `draw` and `alt_text`."""

    name: str
    title: str
    picture: Callable[[], Any]
    number: int | None = None


def _one_batch():
    return mk.network("cbind(m, n - m) ~ 1", data("rats").query("batch == 42"), "binomial")


def _likelihoods():
    return Several(tuple(plots.likelihoods_data(rats(), level) for level in (1, 71)), (6.8, 3.9))


def _countries(formula: str):
    """With the rows of a country beside each other, so that the first two are numbered 1 and 2."""
    return mk.network(formula, data("alcohol").sort_values(["country", "year"]), style="unrolled")


def _one_subject():
    one = data("sleepstudy").query("Subject == 350")
    networks = tuple(mk.network("Reaction ~ Days", one, style=style) for style in ("unrolled", "plate"))
    return Several(networks, (7.4, 3.6), ("unrolled", "with a plate"), widths=(11, 10))


def _subjects_apart():
    formula = "Reaction ~ 0 + Subject + Subject:Days"
    networks = tuple(mk.network(formula, data("sleepstudy"), sigma=sigma) for sigma in ("separate", "shared"))
    return Several(networks, (4.8, 7.2), ("a regression for each subject", "the same with one σ"), columns=1)


def _matrices():
    fit = sleep()
    block, Sigma, J = fit.design.blocks[0], fit.covariances[0], len(fit.design.blocks[0].levels)
    indicators = np.eye(J)[block.codes]
    Z = np.hstack([indicators * column[:, None] for column in block.Z.T])
    Omega = np.kron(Sigma, np.eye(J))
    V = Z @ Omega @ Z.T + fit.sigma**2 * np.eye(len(Z))
    named = {"$X$": fit.design.X, "$Z$": Z, r"$\Omega$": Omega, r"$V = Z\Omega Z^T + \sigma^2 I$": V}
    pictures = tuple(plots.matrix_data(values, name) for name, values in named.items())
    return Several(pictures, (6.8, 6.8))


def _two_kinds_of_lines():
    formulas = ("Reaction ~ Days + (1|Subject)", "Reaction ~ Days + (0 + Days|Subject)")
    pictures = tuple(plots.fitted_lines_data(lmer(formula, "sleepstudy")) for formula in formulas)
    return Several(pictures, (6.8, 4.0), ("varying intercepts only", "varying slopes only"), one_scale=True)


def _checks():
    pictures = (plots.residuals_data(sleep()), plots.qq_data(sleep()))
    return Several(pictures, (6.8, 3.7), ("residuals by fitted value", "residuals by normal quantile"))


def _schools(line: str | None = None):
    return plots.lines_by_group_data(
        data("classroom"), "ses", "mathscore", "schoolid", line, groups=SIX_SCHOOLS
    )


def _twenty_schools():
    """Fourteen and six schools, about the proportion of all 160, evenly spaced by name within each kind."""
    schools = data("mathachieve_school").sort_values("school")
    names = []
    for kind, n in ((0, 14), (1, 6)):
        rows = schools.loc[schools["himinty"] == kind, "school"]
        names += list(rows.iloc[np.linspace(0, len(rows) - 1, n).round().astype(int)])
    return plots.lines_by_group_data(
        data("pupils"), "ses", "mathach", "school", kind="himinty", groups=names, n_columns=5
    )


def _crossed():
    fit = lmer("rt ~ 1 + (1|participant) + (1|spelling)", "blp")
    pictures = tuple(plots.caterpillar_data(fit, group) for group in ("participant", "spelling"))
    return Several(pictures, (7.4, 5.6), ("people", "words"))


CATALOGUE = (
    Entry("01-network-one-batch", "Network of one binomial", _one_batch),
    Entry("01-network-flat", "Network of J separate binomials",
          lambda: mk.network(rats_flat(), style="unrolled"), 1),
    Entry("01-network-multilevel", "Network of the multilevel binomial model",
          lambda: mk.network(rats(), style="unrolled"), 2),
    Entry("01-density", "Tumour probabilities across the population of batches", lambda: plots.density_data(rats()), 3),
    Entry("01-shrinkage", "Tumour probabilities, flat and multilevel",
          lambda: plots.shrinkage_data(rats(), rats_flat()), 4),
    Entry("01-likelihoods", "Two batches’ likelihoods beside the population", _likelihoods),
    Entry("02-network-flat", "Network of a flat model of countries",
          lambda: _countries("alcohol ~ 0 + country"), 5),
    Entry("02-network-multilevel", "Network of the multilevel model of countries",
          lambda: _countries("alcohol ~ 1 + (1|country)"), 6),
    Entry("02-shrinkage", "Mean consumption by country, flat and multilevel",
          lambda: plots.shrinkage_data(countries(), lm("alcohol ~ 0 + country", "alcohol")), 7),
    Entry("03-panels", "Reaction time of 18 subjects over ten days", lambda: plots.panels_data(sleep()), 8),
    Entry("03-network-one-subject", "Network of one regression", _one_subject, 9),
    Entry("03-network-flat", "Networks of separate regressions", _subjects_apart, 10),
    Entry("03-network-multilevel", "Network of the multilevel regression", lambda: mk.network(sleep()), 11),
    Entry("03-ellipse", "Intercepts and slopes drawn into N(b, Σ)",
          lambda: plots.ellipse_data(sleep(), sleep_flat(), error=True), 12),
    Entry("03-shrinkage", "Slopes of Days, flat and multilevel",
          lambda: plots.shrinkage_data(sleep(), sleep_flat(), term="Days", label=(308, 309, 335, 352))),
    Entry("03-pooling-path", "From complete pooling to none",
          lambda: plots.pooling_path_data(sleep(), term="Days")),
    Entry("03-checks", "What the model missed", _checks),
    Entry("04-matrices", "X, Z, Ω and V of the sleep study", _matrices),
    Entry("04-criterion", "REML and likelihood against τ/σ",
          lambda: plots.criterion_curve_data(lmer("Reaction ~ Days + (1|Subject)", "sleepstudy"))),
    Entry("04-profiles", "Profile likelihood of the sleep study's parameters",
          lambda: plots.profiles_data(sleep().profile())),
    Entry("05-fitted-lines", "Lines of all subjects", _two_kinds_of_lines, 13),
    Entry("06-structure-nested", "Children in classes in schools",
          lambda: structure(data("classroom"), ["schoolid", "classid"]), 14),
    Entry("06-lines-schools", "A line for each of six schools", _schools, 15),
    Entry("06-lines-classes", "A line for each class of six schools", lambda: _schools("classid"), 15),
    Entry("06-structure-crossed", "Responses crossed by person and word",
          lambda: structure(data("blp"), ["participant", "spelling"]), 16),
    Entry("06-caterpillar", "Effects of people and of words", _crossed),
    Entry("07-schools", "Achievement and background in twenty schools", _twenty_schools, 17),
)  # fmt: skip
