"""What a posterior can do, on one page: each method is a function of the record, with a file of its own."""

from __future__ import annotations

from ..habits import methods_answer
from . import checks, exchange, record, report
from . import predictive as predictions
from . import reweight as reweighting


@methods_answer
class Posterior(record.Posterior):
    """Draws from the posterior of a multilevel model. Use `brm` to make one."""

    # -- in print ------------------------------------------------------------------------------------
    summary = report.summary

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    # -- what it says of rows and groups, seen and new -----------------------------------------------
    predictive = predictions.predictive
    predict = predictions.predict
    new_group = predictions.new_group

    # -- whether it may be believed ------------------------------------------------------------------
    pp_check = checks.pp_check
    log_likelihood = checks.log_likelihood
    loo = checks.loo
    reweight = reweighting.reweight

    # -- for other packages --------------------------------------------------------------------------
    to_inference_data = exchange.to_inference_data
