"""The names and order that all tables share."""

import pytest
from numpy.testing import assert_allclose

from mlmkit.inference.parameters import parameters


def test_the_order_is_that_of_tidy(fit):
    for name in ("sleepstudy", "sleep_independent", "penicillin", "rats"):
        assert_allclose(parameters(fit(name)), fit(name).tidy()["estimate"])


def test_labels_say_which_group(fit):
    labels = list(parameters(fit("classroom_singular")).index)
    assert labels[:4] == ["Intercept", "ses", "sd_Intercept|classid", "sd_ses|classid"]
    assert labels[-2:] == ["cor_Intercept.ses|schoolid", "sigma"]


def test_as_ml(fit):
    maximum = fit("sleepstudy").as_ml()
    assert maximum.criterion == pytest.approx(1751.9393444632, abs=1e-6) and not maximum.reml
    assert maximum.refit(maximum.design.y).criterion == pytest.approx(maximum.criterion)
    assert maximum.as_ml() is maximum and fit("rats").as_ml() is fit("rats")
