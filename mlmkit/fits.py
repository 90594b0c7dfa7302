"""What a fit can do, on one page.

Every method of a fit is a function of the records in `mlmkit.results`, written in a file of its own with its
formula and its source; here each gets its name. `lm` and `glm` give a `FlatFit`, `lmer` and `glmer` a `MixedFit`.
"""

from __future__ import annotations

from . import inference, printing, report, results
from .errors import DataError
from .habits import answers, methods_answer


@methods_answer
class Fit(results.Fit):
    """What every fit can do."""

    # -- in print ------------------------------------------------------------------------------------
    summary = printing.summary
    tidy = printing.tidy
    glance = inference.glance.glance
    __repr__ = printing.in_a_few_lines

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    # -- for maketables, which lays several fits out in one table; see `report.table` --
    __maketables_coef_table__ = property(report.coefficients)
    __maketables_stat__ = report.statistic
    __maketables_depvar__ = property(report.response)

    # -- how well it is known ------------------------------------------------------------------------
    confint = inference.intervals.confint
    profile = inference.profile.profile
    bootstrap = inference.bootstrap.bootstrap
    as_ml = inference.parameters.as_ml
    refit_many = inference.refits.refit_many
    tests = inference.tests.tests
    f_test = inference.tests.f_test

    # -- what it says of rows, seen and new ----------------------------------------------------------
    predict = inference.predict.predict
    simulate = inference.simulate.simulate
    power = inference.power.power
    r2 = inference.r2.r2

    # -- what it says of the levels of a factor, and of one unit more of a number ---------------------
    means = inference.margins.means
    slopes = inference.margins.slopes

    # -- the same with less, or otherwise -------------------------------------------------------------
    drop1 = inference.drop.drop1
    update = inference.update.update
    model_matrix = inference.update.model_matrix

    # -- whether it may be believed ------------------------------------------------------------------
    diagnostics = inference.diagnostics.diagnostics
    influence = inference.influence.influence
    check = inference.checks.check


@methods_answer
class FlatFit(Fit, results.FlatFit):
    """A fit without random effects: `lm` or `glm`."""


@methods_answer
class MixedFit(Fit, results.MixedFit):
    """A fit with random effects: `lmer` or `glmer`."""

    # -- what it says of groups, seen and new --------------------------------------------------------
    icc = inference.icc.icc
    design_effect = inference.icc.design_effect
    shrinkage = inference.icc.shrinkage
    new_group = inference.newgroup.new_group

    # -- whether it may be believed ------------------------------------------------------------------
    group_diagnostics = inference.diagnostics.group_diagnostics
    nodes = inference.nodes.nodes


@answers
def summary(fit, **options):
    """What a fit or a posterior says of itself, as `fit.summary(**options)`: for readers who know R.

    Parameters
    ----------
    fit
        What `lm`, `glm`, `lmer`, `glmer` or `brm` gave.
    **options
        As for `fit.summary`, such as `ddf="satterthwaite"`.
    """
    if not callable(getattr(fit, "summary", None)):
        raise DataError(f"summary() takes a fit or a posterior, not {type(fit).__name__}.")
    return fit.summary(**options)
