"""Words of other tools are answered with the kit's own, as errors of the kit."""

import copy
import pickle
import warnings
from typing import Any

import pytest

import mlmkit
from mlmkit.habits import ARGUMENTS, ATTRIBUTES, OF_TABLES, _Value, answers, attribute

mk: Any = mlmkit  # called wrongly on purpose


@pytest.fixture(scope="module")
def sleep():
    return mk.load_data("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return mk.lmer("Reaction ~ Days + (Days|Subject)", sleep)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, d: mk.lmer("Reaction ~ Days", d, groups="Subject", re_formula="~Days"), "(1|Subject)"),
        (lambda f, d: mk.lmer("Reaction ~ Days + (1|Subject)", d, REML=False), "it is reml=False here"),
        (lambda f, d: mk.lmer("Reaction ~ Days + (1|Subject)", d, reml="ML"), "False for maximum likelihood"),
        (lambda f, d: mk.lmer("Reaction ~ Days + (1|Subject)", d, family="poisson"), "glmer()"),
        (lambda f, d: mk.glmer("Reaction ~ Days + (1|Subject)", d, nAGQ=9), "n_agq=9"),
        (lambda f, d: mk.lmer("Reaction ~ Days + (1|Subject)", data=d, wieghts=1), "Did you mean 'weights'"),
        (lambda f, d: mk.lmer("Reaction ~ Days + (1|Subject)"), "missing a required argument: 'data'"),
        (lambda f, d: mk.lm("Reaction ~ Days", d, offset="Days"), "offset(z)"),
        (lambda f, d: f.predict(d, re_form=None), 'groups="none"'),
        (lambda f, d: f.predict(exog=d), "newdata="),
        (lambda f, d: f.predict(d, allow_new_levels=True), 'new_levels="population"'),
        (lambda f, d: f.simulate(nsim=3), "n=3"),
        (lambda f, d: f.simulate(1, random_seed=3), "seed=3"),
        (lambda f, d: f.confint(alpha=0.1), "level="),
        (lambda f, d: f.resid(type="pearson"), "kind='pearson'"),
        (lambda f, d: mk.brm("Reaction ~ Days + (1|Subject)", d, random_seed=1), "seed=1"),
        (lambda f, d: mk.brm("Reaction ~ Days + (1|Subject)", d, target_accept=0.9), "tune="),
        (lambda f, d: mk.anova(f, test="Chisq"), "it can be 'chisq', 'bootstrap'"),
        (lambda f, d: mk.plots.check(f, progress=False), "check() has no argument 'progress'"),
        (lambda f, d: mk.plots.caterpillar(f, groups="Subject"), "Did you mean 'group'"),
        (lambda f, d: mk.plan("y ~ x", d, [1, 2], sims=9), "plan() has no argument 'sims'"),
        (lambda f, d: mk.describe(f, stile="results"), "Did you mean 'style'"),
        (lambda f, d: f.params, "fit.fixef"),
        (lambda f, d: f.llf, "fit.loglik"),
        (lambda f, d: f.conf_int(), "fit.confint()"),
        (lambda f, d: f.cov_re, "fit.varcorr"),
        (lambda f, d: f.random_effects, "fit.ranef"),
        (lambda f, d: f.t_test("Days"), "fit.tests()"),
        (lambda f, d: f.fixeff, "Did you mean 'fixef'"),
    ],
)
def test_each_is_told_the_kits_word(fit, sleep, call, words):
    with pytest.raises(mk.MlmkitError) as caught:
        call(fit, sleep)
    assert words in str(caught.value)


def test_what_is_not_there_is_still_not_there(fit):
    assert not hasattr(fit, "params")
    assert getattr(fit, "llf", None) is None
    with pytest.raises(AttributeError):
        _ = fit._repr_markdown_


def test_a_fit_can_be_copied_and_sent(fit):
    for again in (copy.copy(fit), copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):
        assert again.loglik == fit.loglik


def test_no_answer_is_for_a_word_of_the_kits_own(fit):
    """What a fit has must not be listed as another tool's word."""
    flat = mk.lm("Reaction ~ Days", mk.load_data("sleepstudy"))
    assert not [name for name in ATTRIBUTES if hasattr(fit, name) or hasattr(flat, name)]


def test_every_answer_can_be_written():
    for answer in ARGUMENTS.values():
        assert answer.format(value="x")


def test_a_warning_points_to_the_callers_line():
    rats = mk.load_data("rats")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mk.glm("cbind(m, n - m) ~ 0 + batch", rats)
    assert caught and all(one.filename == __file__ for one in caught)


def test_a_function_keeps_its_name_and_signature():
    @answers
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    assert double(2) == 4 and double.__name__ == "double" and double.__doc__ == "Twice."
    with pytest.raises(mk.DataError, match="double"):
        double(y=1)


def test_a_private_attribute_is_never_offered(fit):
    with pytest.raises(AttributeError) as caught:
        _ = fit.repr_html
    assert "_repr_html_" not in str(caught.value)
    assert "Did you mean 'fitted'" in str(attribute(type(fit), "fittedd"))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda f: f.predict(interval="confidence"), "interval='confidence'.*Here it is 'mean'"),
        (lambda f: f.predict(interval="prediction"), "Here it is 'observation'"),
        (lambda f: f.predict(groups="population"), "groups='population'.*Here it is 'none'"),
        (lambda f: f.predict(level="95%"), "level '95%' is not a probability"),
        (lambda f: f.means(ddf="Kenward-Roger"), "Here it is 'kenward-roger'"),
        (lambda f: f.means(ddf="KR"), "Here it is 'kenward-roger'"),
        (lambda f: f.means(weights="proportional"), "Here it is 'data'"),
        (lambda f: f.confint(method="boot"), "Here it is 'bootstrap'"),
        (lambda f: f.means("Days", adjust="tukey"), "contrasts"),
        (lambda f: f.means("Days").contrasts("trt.vs.ctrl"), "Here it is 'reference'"),
        (lambda f: f.means("Days").contrasts(ref="0"), "'ref'.*write the contrasts yourself"),
        (lambda f: f.means("Days").pairs(), "'pairs': here it is means.*contrasts"),
        (lambda f: f.means("Days").contrasts().summary_frame(), "'summary_frame': here it is .table"),
        (lambda f: mk.table(f).to_latex(), "'to_latex': here it is .table"),
        (
            lambda f: f.ranef["Sbject"],
            "'Sbject' is not a grouping factor of this model. Did you mean 'Subject'",
        ),
        (lambda f: f.rsquared, "fit.r2"),
        (lambda f: mk.lmer("y ~ x", f.data, groups=f.data["Subject"]), r"\(1\|Subject\)"),
        (lambda f: f.power("Days", effect="big", n=2), "effect='big'"),
        (lambda f: mk.table(f, digits="two"), "digits='two'"),
    ],
)
def test_values_and_tables_of_other_tools_are_answered(fit, ask, words):
    with pytest.raises(mk.MlmkitError, match=words):
        ask(fit)


@pytest.mark.parametrize("seed", ["x", -1, 1.5, [1, "a"]])
def test_a_seed_that_is_none_is_refused_by_every_verb(fit, seed):
    verbs = (fit.simulate, fit.bootstrap, fit.check, lambda seed: fit.power("Days", seed=seed))
    for verb in verbs:
        with pytest.raises(mk.DataError, match="a seed is a whole number, 0 or more"):
            verb(seed=seed)


def test_no_answer_about_a_table_is_for_a_word_of_its_own(fit):
    means = fit.means("Days")
    tables = (means, means.contrasts(), mk.table(fit), mk.overview(fit.data, "Reaction", groups="Subject"))
    assert not [name for name in OF_TABLES for table in tables if hasattr(table, name)]


def test_too_little_memory_is_an_error_of_the_kit():
    @answers
    def refit_all(Y):
        raise MemoryError("Unable to allocate 29.0 GiB")

    @answers
    def bootstrap(Y):
        return refit_all(Y)

    with pytest.raises(
        mk.MlmkitError, match=r"refit_all\(\) needs more memory .*29\.0 GiB.*fewer rows"
    ) as told:
        bootstrap(1)
    assert isinstance(told.value, MemoryError), "whoever waits for Python's own finds it, too"
    assert str(told.value).count("needs more memory") == 1


def test_memory_that_runs_out_without_a_word_is_told_in_whole_sentences():
    @answers
    def refit_all(Y):
        raise MemoryError

    with pytest.raises(mk.MlmkitError, match=r"more memory than there is: use fewer rows"):
        refit_all(1)


def test_a_value_in_a_message_is_no_longer_than_a_line():
    for text in ("x" * 60, "x" * 61, "x" * 120):
        shown = str(_Value(text))
        assert len(shown) <= 60 and (shown == text or (shown.endswith("…") and text.startswith(shown[:-1])))
        assert (shown == text) is (len(text) <= 60) and len(repr(_Value(text))) <= 60
    assert repr(_Value("x" * 58)) == repr("x" * 58)
