"""What tables of estimates say, refuse and draw, beyond R's numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError

from .test_margins import frame, generalized, lmm


@pytest.fixture(scope="module")
def factorial():
    return lmm("y ~ a*b*c + x + (1|plot)", "field")


def test_a_table_prints_as_it_is_and_says_what_was_done(factorial):
    means = factorial.means("a", by="b", ddf="kenward-roger")
    text, html = repr(means), means._repr_html_()
    for words in ("Averaged over c with equal weights; at x = 3.06283.", "Kenward and Roger"):
        assert words in text and words in html
    assert text.splitlines()[0].split() == [
        "a", "b", "estimate", "std.error", "df", "statistic", "p.value", "conf.low", "conf.high",
    ]  # fmt: skip
    assert list(means.table.columns) == text.splitlines()[0].split()
    contrasts = means.contrasts()
    assert "Tukey's method for all pairs of 3 means" in repr(contrasts)
    assert list(contrasts.table["contrast"][:3]) == ["a1 - a2", "a1 - a3", "a2 - a3"]
    assert contrasts.table.loc["a2 - a3 b2", "df"] > 100


def test_z_tables_leave_out_their_infinite_degrees_of_freedom():
    means = generalized("glm.probit").means("size")
    assert " df " not in repr(means) and np.isinf(means.table["df"]).all()


def test_a_number_asked_for_is_shown_at_its_own_values(factorial):
    growth = lmm("weight ~ diet*time + (time|chick)", "chicks")
    assert list(growth.means("time").table["time"]) == [0, 2, 4, 7, 10, 14]
    assert len(factorial.means("x").table) == 5
    one = growth.means(["diet", "time"], at={"time": 7}).table
    assert_allclose(one["estimate"], growth.means("diet", by="time", at={"time": [7]}).table["estimate"])


def test_means_are_predictions_of_the_population(factorial):
    table = factorial.means(["a", "b", "c"], at={"x": 2.5}).table
    new = table[["a", "b", "c"]].assign(x=2.5)
    assert_allclose(table["estimate"], factorial.predict(new, groups="none"))
    interval = factorial.predict(new, interval="mean", ddf="satterthwaite")
    assert_allclose(table[["conf.low", "conf.high"]], interval[["lower", "upper"]])


def test_the_coding_of_a_factor_does_not_matter(factorial):
    """Means, contrasts and tests of every type, whatever the contrasts and their reference."""
    data = frame("field")
    other = mk.lmer("y ~ C(a, Sum)*relevel(b, 'b2')*C(c, Poly) + x + (1|plot)", data)
    for asked in ({"over": "a"}, {"over": "c", "by": "b"}, {"over": ["a", "b"], "weights": "data"}):
        over, rest = asked["over"], {name: value for name, value in asked.items() if name != "over"}
        one, two = (fit.means(over, **rest).table for fit in (factorial, other))
        by = [name for name in ("a", "b", "c") if name in one]
        merged = one.merge(two, on=by)
        assert_allclose(merged["estimate_x"], merged["estimate_y"], rtol=1e-7)
        assert_allclose(merged["df_x"], merged["df_y"], rtol=1e-4)
    for kind in (1, 2, 3):
        for ddf in ("satterthwaite", "kenward-roger"):
            mine, theirs = (mk.anova(fit, type=kind, ddf=ddf) for fit in (factorial, other))
            assert_allclose(mine["statistic"], theirs["statistic"], rtol=1e-5)
            assert_allclose(
                mine["den_df"], theirs["den_df"], rtol=5e-3
            )  # Fai and Cornelius: the basis matters


@pytest.mark.parametrize("formula", ["y ~ a/b + x + (1|plot)", "y ~ x + x:a + (1|plot)"])
def test_type_3_of_a_nested_term_does_not_depend_on_the_reference(formula):
    """An average over the levels of what lies within it, not the effect at one of them."""
    data = frame("field")
    turned = data.assign(
        a=pd.Categorical(data["a"], ["a3", "a1", "a2"]), b=pd.Categorical(data["b"], ["b2", "b1"])
    )
    one, two = (mk.anova(mk.lmer(formula, rows)) for rows in (data, turned))
    assert_allclose(one["statistic"], two["statistic"], rtol=1e-6)


def test_prior_weights_are_kept_by_kenward_and_roger():
    """pbkrtest leaves them out; here the unadjusted covariance is that of the fit, and weights of 2 are σ²/2."""
    weighted = lmm("y ~ a*b + x + (1|plot)", "field", "w")
    doubled = mk.lmer("y ~ a*b + x + (1|plot)", frame("field").assign(w2=lambda d: 2 * d["w"]), weights="w2")
    one, two = (mk.anova(fit, ddf="kenward-roger") for fit in (weighted, doubled))
    assert_allclose(one[["den_df", "statistic"]], two[["den_df", "statistic"]], rtol=1e-5)
    assert one["den_df"].max() < weighted.nobs


def test_scales_are_the_same_estimates():
    fit = generalized("glmer.binomial")
    link, means = (fit.means("arm", scale=scale) for scale in ("link", "response"))
    assert_allclose(fit.family.mean(link.table["estimate"]), means.table["estimate"])
    assert_allclose(link.table["statistic"], means.table["statistic"])
    odds = np.exp(link.contrasts().table["estimate"])
    assert_allclose(means.contrasts().table["estimate"], odds)
    assert "odds ratio" in repr(means.contrasts()) and "logit scale" in repr(means)


def test_a_logarithm_is_taken_back_only_if_asked():
    fit = lmm("log(y + 5) ~ a*log(x + 5) + (1|plot)", "field")
    plain, back = fit.means("a"), fit.means("a", scale="original")
    assert_allclose(np.exp(plain.table["estimate"]), back.table["estimate"])
    assert_allclose(np.exp(plain.table["conf.low"]), back.table["conf.low"])
    assert "median y + 5" in repr(back) and "log" not in back.scale.axis()
    ratio = back.contrasts("reference").table.iloc[0]
    difference = plain.contrasts("reference").table.iloc[0]
    assert ratio["estimate"] == pytest.approx(np.exp(difference["estimate"]))
    root = mk.lm("sqrt(y + 5) ~ a", frame("field")).means("a", scale="original")
    assert root.contrasts().table["contrast"].iloc[0] == "a1 - a2"


def test_slopes_are_derivatives():
    fit = generalized("glm.poisson")
    for scale in ("link", "response"):
        slopes = fit.slopes("beds", by="arm", at={"beds": 30, "week": 1}, scale=scale).table
        up, down = (
            fit.means("arm", at={"beds": 30 + h, "week": 1, "size": "small"}, scale=scale)
            for h in (1e-3, -1e-3)
        )
        one = fit.slopes("beds", by="arm", at={"beds": 30, "week": 1, "size": "small"}, scale=scale).table
        expected = (up.table["estimate"] - down.table["estimate"]) / 2e-3
        assert_allclose(one["estimate"], expected, rtol=1e-5)
    assert_allclose(
        fit.slopes("beds", at={"beds": 30}).table["estimate"], fit.fixef["log(beds)"] / 30, rtol=1e-9
    )
    assert len(slopes) == 2 and slopes["std.error"].gt(0).all()
    along = fit.slopes("beds", at={"beds": [20, 30]})
    assert list(along.table["beds"]) == [20, 30]


def test_slopes_of_splines_and_polynomials():
    data = frame("field")
    for term in ("poly(x, 3)", "ns(x, df=3)", "bs(x, df=5)", "I(x^2) + x"):
        fit = mk.lm(f"y ~ a + {term}", data)
        at = [2.0, 3.1]
        found = fit.slopes("x", at={"x": at}).table["estimate"]
        near = [[fit.predict({"a": "a1", "x": x + h}).iloc[0] for h in (1e-5, -1e-5)] for x in at]
        assert_allclose(found, [(up - down) / 2e-5 for up, down in near], rtol=1e-5)


def test_a_random_slope_widens_the_groups_and_bends_the_mean():
    """The slope of the mean over groups includes that of their spread."""
    fit = generalized("glmer.slope")
    h = 1e-3
    means = [fit.means("arm", at={"week": 2 + s * h}, groups="average").table["estimate"] for s in (1, -1)]
    slopes = fit.slopes("week", by="arm", at={"week": 2}, groups="average").table["estimate"]
    assert_allclose(slopes, (means[0] - means[1]) / (2 * h), rtol=1e-5)


def test_rows_are_averages_over_the_data():
    fit = generalized("glmer.nodes")
    data = frame("ward")
    for groups in ("none", "average"):
        table = fit.means("size", weights="rows", groups=groups).table
        for size, mean in zip(table["size"], table["estimate"], strict=True):
            assert mean == pytest.approx(fit.predict(data.assign(size=size), groups=groups).mean(), rel=1e-9)


def test_means_over_groups_are_those_of_predict_and_of_a_new_group():
    fit = generalized("glmer.nodes")
    new = {"size": ["small", "large"], "week": 2, "arm": "treated"}
    table = fit.means("size", at={"week": 2, "arm": "treated"}, groups="average").table
    predicted = fit.predict(new, groups="average", interval="mean")
    assert_allclose(table[["estimate", "conf.low", "conf.high"]], predicted)
    assert_allclose(predicted["prediction"], fit.new_group().at(pd.DataFrame(new))["mean"], rtol=1e-9)
    assert "integrated out" in repr(predicted)
    flat = lmm("y ~ a + (1|plot)", "field")
    assert_allclose(flat.means("a", groups="average").table["estimate"], flat.means("a").table["estimate"])


def test_offsets_in_the_formula_and_beside_it():
    data = frame("ward")
    inside = mk.glm("falls ~ arm + offset(logdays)", data, "poisson").means("arm")
    beside = mk.glm("falls ~ arm", data, "poisson", offset="logdays").means("arm")
    assert_allclose(inside.table["estimate"], beside.table["estimate"])
    fit = mk.glm("falls ~ arm + offset(log(days))", data, "poisson")
    per_day = fit.means("arm", at={"days": 1}).table["estimate"]
    assert_allclose(per_day, np.exp([fit.fixef.iloc[0], fit.fixef.sum()]))


def test_truth_values_dates_and_labels_of_numbers():
    data = frame("field").assign(
        late=lambda d: d["c"] == "c3", when=pd.Timestamp("2024-01-01"), k=lambda d: d["w"]
    )
    data["when"] += pd.to_timedelta(np.arange(len(data)) % 30, unit="D")
    with pytest.warns(mk.FitWarning, match="days"):
        fit = mk.lm("y ~ a*late + C(k) + when", data)
    assert list(fit.means("late").table["late"]) == [False, True]
    assert list(fit.means("k").table["k"]) == [1, 2, 3, 4]
    same = fit.means("a", at={"when": "2024-01-10", "late": True, "k": 2}).table
    expected = fit.predict(
        data.head(3).assign(a=["a1", "a2", "a3"], when=pd.Timestamp("2024-01-10"), late=True, k=2)
    )
    assert_allclose(same["estimate"], expected)
    dated = fit.means("a", by="when", at={"when": ["2024-01-10", "2024-02-01"]})
    assert list(dated.table["when"].unique()) == ["2024-01-10", "2024-02-01"]
    with pytest.raises(DataError, match="'when' is a date, and at gives it 'soon'"):
        fit.means("a", at={"when": "soon"})


def test_a_mean_alone():
    fit = mk.lm("y ~ 1", frame("field"))
    assert fit.means().table["estimate"].iloc[0] == pytest.approx(frame("field")["y"].mean())


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda f: f.means("z"), "'z' is not a predictor.*There are: a, b, c, x"),
        (lambda f: f.means("plot"), "'plot' is not a predictor"),
        (lambda f: f.means(["a", "a"]), "'a' is asked for twice"),
        (lambda f: f.means("a", by="a"), "'a' is asked for twice"),
        (lambda f: f.means(3), "a column's name or a list of names, not 3"),
        (lambda f: f.means("a", at={"zz": 1}), "'zz' is not a predictor"),
        (lambda f: f.means("a", at={"b": "b9"}), "'b' has no level 'b9'.*There are: b1, b2"),
        (lambda f: f.means("a", at={"x": "much"}), "'x' is a number, and at gives it 'much'"),
        (lambda f: f.means("a", at={"x": []}), "no values for 'x'"),
        (lambda f: f.means("a", at=3), "at gives values by name"),
        (lambda f: f.means("a", scale="odds"), "scale='odds'"),
        (lambda f: f.means("a", scale="original"), "the response is y"),
        (lambda f: f.means("a", weights="cells"), "weights='cells'"),
        (lambda f: f.means("a", groups="all"), "groups='all'"),
        (lambda f: f.means("a", level=95), "level 95"),
        (lambda f: f.means("a").contrasts("all"), "method='all'"),
        (lambda f: f.means("a").contrasts("reference", adjust="tukey"), "all pairs of means"),
        (lambda f: f.means("a").contrasts(adjust="fdr"), "adjust='fdr'.*'bonferroni', 'sidak'"),
        (lambda f: f.means("a").contrasts(ratios=True), "no ratios here"),
        (lambda f: f.means("a").contrasts(by="b"), "'b' does not split this table"),
        (lambda f: f.means("a").contrasts({"d": [1, -1]}), "'d' has 2 weights for 3 rows: a1, a2, a3"),
        (lambda f: f.means("a").contrasts({"d": {"a9": 1}}), "'d' weights 'a9'.*Did you mean"),
        (lambda f: f.means("a").contrasts({"d": "high"}), "not numbers"),
        (lambda f: f.means().contrasts(), "nothing to compare"),
        (lambda f: f.slopes("a"), "'a' is a factor and has no slope"),
        (lambda f: f.slopes("zz"), "'zz' is not a predictor"),
        (lambda f: f.slopes("x", scale="original"), "scale='original'"),
        (lambda f: mk.anova(f, type=4), "type=4"),
        (lambda f: mk.anova(f, ddf="kr"), "ddf='kr'"),
        (lambda f: mk.anova(f, f, ddf="satterthwaite"), "for the terms of one fit"),
        (lambda f: mk.anova(mk.lm("y ~ 1", frame("field"))), "no terms to test"),
        (lambda f: mk.anova(mk.lm("y ~ a", frame("field")), ddf="asymptotic").loc[["zz"]], "zz"),
    ],
)
def test_misuse_names_the_culprit(factorial, ask, words):
    with pytest.raises((DataError, KeyError), match=words):
        ask(factorial)


def test_ratios_need_weights_that_sum_to_nothing():
    means = generalized("glm.binomial").means("arm")
    with pytest.raises(DataError, match="'both' do not sum to 0"):
        means.contrasts({"both": [0.5, 0.5]})
    assert means.contrasts({"both": [0.5, 0.5]}, ratios=False).table["estimate"].iloc[0] < 1
    with pytest.raises(DataError, match="its tests are z"):
        generalized("glm.binomial").means("arm", ddf="satterthwaite")


def test_a_separated_models_terms():
    """A cell without a success: likelihood ratios are finite, Wald's tests say why they are not."""
    data = pd.DataFrame(
        {"a": np.repeat([0, 1], 40), "x": np.tile(np.arange(8.0), 10), "g": np.arange(80) % 10}
    )
    data["y"] = ((data["x"] + data["g"]) % 3 == 0) & (data["a"] == 0)
    data["y"] = data["y"].astype(int)
    with pytest.warns(mk.FitWarning):
        flat, mixed = mk.glm("y ~ a + x", data), mk.glmer("y ~ a + x + (1|g)", data)
    without = mk.glm("y ~ x", data)
    for kind in (1, 2, 3):
        table = mk.anova(flat, type=kind)
        assert np.isfinite(table.to_numpy()).all()
    assert table.loc["a", "statistic"] == pytest.approx(2 * (flat.loglik - without.loglik), rel=1e-4)
    with pytest.raises(DataError, match="coefficient 'a' is infinite"):
        mk.anova(mixed, type=2)
    assert mixed.drop1()["statistic"].loc["a"] > 10
    means = flat.means("a")
    assert means.table["estimate"].iloc[1] == pytest.approx(0, abs=1e-12)
    assert means.table["std.error"].isna().tolist() == [False, True]


def test_words_of_other_tools_are_answered(factorial):
    with pytest.raises(DataError, match=r"fit.means\(\)"):
        _ = factorial.emmeans
    with pytest.raises(DataError, match="means\\(\\) has no argument 'specs'"):
        factorial.means(specs="a")
    with pytest.raises(DataError, match="contrasts\\(\\) has no argument 'adjusted'.*Did you mean 'adjust'"):
        factorial.means("a").contrasts(adjusted="holm")


def test_a_grid_that_is_too_large_is_not_made():
    rng = np.random.default_rng(1)
    columns = {name: rng.integers(0, 60, 4000) for name in "pqr"}
    fit = mk.lm("y ~ C(p) + C(q) + C(r)", pd.DataFrame(columns).assign(y=rng.normal(size=4000)))
    with pytest.raises(DataError, match="grid would have 216000 rows.*60"):
        fit.means("p")


def test_what_the_data_do_not_tell_is_said():
    with pytest.warns(mk.FitWarning):
        fit = mk.lm("y ~ a*b + x", frame("empty"))
    means = fit.means(["a", "b"])
    assert means.table.index[means.table["estimate"].isna()].tolist() == ["a3 b2"]
    assert "The data do not tell: a3 b2" in repr(means)
    assert fit.means("b").table["estimate"].isna().tolist() == [False, True]


# -- pictures ------------------------------------------------------------------------------------------------------


def clear_of_the_axes(ax) -> bool:
    """Whether the key lies outside of what the axes show."""
    ax.figure.canvas.draw()
    legend = ax.get_legend()
    return legend is None or not legend.get_window_extent().overlaps(ax.get_window_extent().padded(-2))


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_means_beside_each_other(factorial):
    ax = factorial.means("a", by=["b", "c"]).plot(
        units="kg", labels={"a": "Arm", "a1": "first", "y": "Yield"}
    )
    assert ax.get_xlabel() == "Arm" and ax.get_ylabel() == "mean Yield (kg)"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["first", "a2", "a3"]
    assert len(ax.get_legend().get_texts()) == 6 and clear_of_the_axes(ax)
    assert "18 estimates of the mean Yield (kg) by Arm, b and c" in ax.alt_text


def test_means_along_a_number():
    growth = lmm("weight ~ diet*time + (time|chick)", "chicks")
    means = growth.means("diet", by="time")
    ax = means.plot()
    assert ax.get_xlabel() == "time" and len(ax.collections) == 4 and clear_of_the_axes(ax)
    line = ax.get_lines()[0]
    rows = means.table[means.table["diet"] == "d1"]
    assert_allclose(line.get_xydata(), rows[["time", "estimate"]])
    plt.close("all")
    alone = growth.means("diet").plot()
    assert alone.get_legend() is None and len(alone.get_lines()[0].get_xdata()) == 4


def test_contrasts_row_by_row():
    means = generalized("glmer.binomial").means("arm", by="week", at={"week": [0, 4]})
    ax = means.contrasts("reference").plot(labels={"control": "usual care"})
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "odds ratio"
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        "treated / usual care, week 0",
        "treated / usual care, week 4",
    ]
    plain = means.contrasts("reference", ratios=False).plot(units="points")
    assert plain.get_xlabel().startswith("difference in probability of") and plain.get_xscale() == "linear"
    assert "leave out 0" in plain.alt_text


def test_a_picture_leaves_out_what_is_not_known():
    with pytest.warns(mk.FitWarning):
        fit = mk.lm("y ~ a*b + x", frame("empty"))
    ax = fit.means("a", by="b").plot()
    assert sum(len(line.get_xdata()) for line in ax.get_lines()) == 5
    assert len(fit.means(["a", "b"]).contrasts().plot().get_yticks()) == 10
