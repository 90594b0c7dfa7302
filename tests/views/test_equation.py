"""Equations: what they say, and that they say it in the network's symbols."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.views.equation import equation
from mlmkit.views.model import DiagramError
from mlmkit.views.network import network

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = json.loads((REFERENCE / "lme4.json").read_text())
FORMULAS = [
    ("y ~ x", "gaussian"),
    ("y ~ a + b + c + d + e", "gaussian"),
    ("y ~ x + (x|g)", "binomial"),
    ("y ~ x * w + (x + w|g)", "gaussian"),
    ("y ~ 0 + g + g:x", "gaussian"),
    ("y ~ 0 + C(g)", "poisson"),
    ("y ~ x + (x|a/b)", "gaussian"),
    ("y ~ x + (1|a/b/c)", "poisson"),
    ("y ~ x + (x|p) + (1|q)", "gaussian"),
    ("y ~ 1 + (1|school/class) + (1|rater)", "gaussian"),
    ("y ~ log(x) + I(x**2) + (1|g)", "gamma(log)"),
    ("cbind(m, f) ~ 1", "binomial"),
    ("y ~ 1 + (x|g)", "gaussian"),
    ("y ~ x + a + b + c + d + e + (x||g)", "gaussian"),
]


def course_data(name: str) -> pd.DataFrame:
    if name == "math":
        return mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")
    path = REFERENCE / "data" / f"{name}.csv"
    return pd.read_csv(path) if path.exists() else mk.load_data(name)


def families(case: dict) -> str:
    return case["family"] if isinstance(case["family"], str) else "gaussian"


#: What a letter stands for in a network: everything that is estimated or drawn from a population.
PARAMETER = re.compile(
    r"(?<![A-Za-z])b(?:_\d+|_\{\d+\})?(?![A-Za-z])|\\(?:tau|Sigma|sigma)(?:_[A-Za-z0-9]|_\{[^}]*\})?"
)


def hold_together(net, latex: str) -> None:
    for node in net.nodes:
        for symbol in node.members if node.kind == "parameter" and "," in node.symbol else (node.symbol,):
            assert symbol in latex, f"{node.name} is drawn but {symbol} is not in\n{latex}"
    drawn = {member for node in net.nodes for member in (*node.members, node.symbol)}
    # The elements of Σ are its own, and \vec{b} is named by the nodes.
    body = re.sub(r"&\\Sigma.*", "", latex)
    for symbol in set(PARAMETER.findall(body)) - {"b"}:
        assert symbol in drawn, f"{symbol} is written but not drawn: {sorted(drawn)}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_equation_and_network_use_the_same_symbols(case):
    data, family = course_data(case["data"]), families(case)
    hold_together(network(case["formula"], data, family), str(equation(case["formula"], data, family)))


@pytest.mark.parametrize(("formula", "family"), FORMULAS)
def test_equation_and_network_use_the_same_symbols_without_data(formula, family):
    hold_together(network(formula, family=family), str(equation(formula, family=family)))


def lines(latex: str) -> list[str]:
    return [line.removesuffix(r" \\") for line in latex.splitlines()[1:-1]]


def test_varying_intercepts_and_slopes_by_levels():
    text = lines(str(equation("Reaction ~ Days + (Days|Subject)")))
    assert text == [
        r"y_i &\sim \mathrm{N}\left(\mu_i, \sigma^{2}\right), \quad \text{for } i = 1 \ldots n",
        r"\mu_i &= \beta_{[s_i]0} + \beta_{[s_i]1} x_i",
        r"\vec{\beta}_j &\sim \mathrm{N}\left(\vec{b}, \Sigma\right), \quad \text{for } j = 1 \ldots J",
        r"&\vec{\beta}_j = [\beta_{j0}, \beta_{j1}]^\top, \quad \vec{b} = [b_0, b_1]^\top",
        r"&\Sigma = \begin{bmatrix} \tau_0^{2} & \rho \tau_0 \tau_1 \\ \rho \tau_0 \tau_1 & \tau_1^{2} \end{bmatrix}",
        r"&y_i : \mathrm{Reaction}, \quad x_i : \mathrm{Days}, \quad s_i : \mathrm{Subject}",
    ]


def test_fixed_and_random_effects_under_braces():
    text = lines(str(equation("Reaction ~ Days + (Days|Subject)", style="mixed", where=False)))
    assert text[1] == (
        r"\mu_i &= \underbrace{b_0 + b_1 x_i}_{\text{fixed effects}}"
        r" + \underbrace{\zeta_{[s_i]0} + \zeta_{[s_i]1} x_i}_{\text{random effects}}"
    )
    assert (
        text[2]
        == r"\vec{\zeta}_j &\sim \mathrm{N}\left(\vec{0}, \Sigma\right), \quad \text{for } j = 1 \ldots J"
    )


def test_matrices():
    text = str(equation("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"), style="matrix"))
    assert r"\vec{y} &= X \vec{b} + Z \vec{\gamma} + \vec{\varepsilon}" in text
    assert r"V = Z \Omega Z^\top + \sigma^{2} I_n" in text
    assert r"X \text{ is } 180 \times 2, \quad Z \text{ is } 180 \times 36" in text
    assert r"Z \text{ is } n \times 2 J" in str(equation("y ~ x + (x|g)", style="matrix"))


def test_the_rats_where_each_group_is_a_row():
    text = lines(
        str(equation("cbind(m, n - m) ~ 1 + (1|batch)", mk.load_data("rats"), "binomial", where=False))
    )
    assert text == [
        r"m_j &\sim \mathrm{Binomial}\left(n_j, \theta_j\right), \quad \text{for } j = 1 \ldots J",
        r"\log\left(\frac{\theta_j}{1 - \theta_j}\right) &= \beta_j",
        r"\beta_j &\sim \mathrm{N}\left(b, \tau^{2}\right), \quad \text{for } j = 1 \ldots J",
    ]


def test_coefficients_of_a_flat_model_are_free():
    text = str(
        equation("Reaction ~ 0 + Subject + Subject:Days", mk.load_data("sleepstudy"), sigma="separate")
    )
    assert r"\vec{\beta}_j, \sigma_j \text{ free for } j = 1 \ldots J" in text
    assert r"y_i &\sim \mathrm{N}\left(\mu_i, \sigma_{[s_i]}^{2}\right)" in text


def test_a_nested_level_has_the_outer_coefficients_as_its_mean():
    text = str(equation("mathscore ~ ses + (ses|classid) + (ses|schoolid)", mk.load_data("classroom")))
    assert r"\vec{\gamma}_j &\sim \mathrm{N}\left(\vec{\beta}_{[s_j]}, \Sigma_c\right)" in text
    assert r"\vec{\beta}_k &\sim \mathrm{N}\left(\vec{b}, \Sigma_s\right)" in text


def test_a_slope_that_varies_in_schools_only():
    text = str(equation("mathscore ~ ses + (1|classid) + (ses|schoolid)", mk.load_data("classroom")))
    assert r"\mu_i &= \gamma_{[c_i]0} + \beta_{[s_i]1} x_i" in text
    assert r"\gamma_{j0} &\sim \mathrm{N}\left(\beta_{[s_j]0}, \tau_{c0}^{2}\right)" in text


def test_crossed_groups_add_deviations_with_mean_zero():
    text = str(equation("rt ~ 1 + (1|participant) + (1|spelling)", mk.load_data("blp")))
    assert r"\mu_i &= b + \zeta_{[p_i]} + \xi_{[s_i]}" in text
    assert r"\xi_k &\sim \mathrm{N}\left(0, \tau_s^{2}\right)" in text


def test_predictors_of_groups_are_in_the_mean_of_the_coefficients():
    text = str(equation("mathach ~ ses * himinty + (ses|school)", course_data("math")))
    assert (
        r"\mathrm{N}\left(\begin{bmatrix} b_0 + b_2 z_j \\ b_1 + b_3 z_j \end{bmatrix}, \Sigma\right)" in text
    )
    mixed = str(equation("mathach ~ ses * himinty + (ses|school)", course_data("math"), style="mixed"))
    assert r"b_2 z_{[s_i]} + b_3 x_i \, z_{[s_i]}" in mixed


def test_levels_of_a_factor_are_iverson_brackets():
    text = str(
        equation("cbind(incidence, size - incidence) ~ period + (1|herd)", course_data("cbpp"), "binomial")
    )
    assert r"b_1 [x_i = \mathrm{p2}] + b_2 [x_i = \mathrm{p3}] + b_3 [x_i = \mathrm{p4}]" in text


def test_transformed_predictors_are_written_with_the_predictors_symbol():
    text = str(equation("y ~ log(x) + I(x**2) + sqrt(w) + center(v) + (1|g)"))
    assert r"b_1 \log(x_{i1}) + b_2 x_{i1}^{2} + b_3 \sqrt{x_{i2}} + b_4 (x_{i3} - \bar{x})" in text


@pytest.mark.parametrize(
    ("family", "line"),
    [
        ("binomial", r"\log\left(\frac{\theta_i}{1 - \theta_i}\right) &="),
        ("binomial(probit)", r"\Phi^{-1}(\theta_i) &="),
        ("poisson", r"\log(\lambda_i) &="),
        ("gamma", r"\frac{1}{\mu_i} &="),
        ("gaussian", r"\mu_i &="),
    ],
)
def test_links(family, line):
    assert line in str(equation("y ~ x + (1|g)", family=family))


def test_names_that_tex_would_trip_over():
    text = str(equation("`max dose%` ~ a_b + (1|`the group`)"))
    assert r"\mathrm{max~dose\%}" in text and r"\mathrm{a\_b}" in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(("formula", "family"), FORMULAS)
@pytest.mark.parametrize("style", ["levels", "mixed", "matrix"])
def test_braces_and_environments_balance(formula, family, style):
    try:
        text = str(equation(formula, family=family, style=style))
    except DiagramError as error:
        assert style == "mixed" and "no random effects" in str(error)
        return
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    assert re.findall(r"\\begin\{(\w+)\}", text).count("bmatrix") == text.count(r"\end{bmatrix}")
    assert all(
        line.count("&") == 1
        for line in re.sub(r"\\begin\{bmatrix\}.*?\\end\{bmatrix\}", "", text).splitlines()[1:-1]
    )


# -- estimates ------------------------------------------------------------


def test_a_fits_estimates_stand_in_the_places_of_the_symbols():
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))
    text = str(equation(fit))
    assert r"\begin{bmatrix} 251.4 \\ 10.47 \end{bmatrix}" in text
    assert r"\begin{bmatrix} 612.1 & 9.604 \\ 9.604 & 35.07 \end{bmatrix}" in text
    assert r"25.59^{2}" in text and r"\tau" not in text
    assert r"\tau" in str(equation(fit, estimates=False))
    mixed = str(equation(fit, style="mixed"))
    assert r"\underbrace{251.4 + 10.47 \, x_i}" in mixed


def test_small_estimates_are_added_too():
    seconds = mk.load_data("sleepstudy").assign(Reaction=lambda data: data["Reaction"] / 1000)
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", seconds)
    assert r"{0.251 + 0.010 \, x_i}" in str(equation(fit, style="mixed"))


def test_negative_estimates_are_subtracted():
    fit = mk.lmer("mathach ~ ses * himinty + (ses|school)", course_data("math"))
    assert r"13.15 - 1.859 \, z_j \\ 2.544 - 0.576 \, z_j" in str(equation(fit))


def test_estimates_of_independent_and_crossed_effects():
    diagonal = mk.lmer("Reaction ~ Days + (Days||Subject)", mk.load_data("sleepstudy"))
    assert r"\beta_{j1} &\sim \mathrm{N}\left(10.47, 5.988^{2}\right)" in str(equation(diagonal))
    crossed = mk.lmer("rt ~ 1 + (1|participant) + (1|spelling)", mk.load_data("blp"))
    assert r"\xi_k &\sim \mathrm{N}\left(0, 64.13^{2}\right)" in str(equation(crossed))


def test_estimates_need_a_fit():
    with pytest.raises(DiagramError, match="where a fit is given"):
        equation("y ~ x", estimates=True)


# -- the rest ------------------------------------------------------------


def test_refusals():
    with pytest.raises(DiagramError, match="no style 'level'.*Did you mean 'levels'"):
        equation("y ~ x", style="level")
    with pytest.raises(DiagramError, match="no random effects"):
        equation("y ~ x", style="mixed")
    with pytest.raises(DiagramError, match="not written in matrices"):
        equation("y ~ 0 + g + g:x", style="matrix", sigma="separate")


def test_notebook_form():
    latex = equation("y ~ x")
    assert latex._repr_latex_() == f"$$\n{latex}\n$$"
    assert str(latex).startswith(r"\begin{aligned}")


def test_only_macros_that_mathjax_knows_without_extensions():
    known = [
        "begin",
        "end",
        "sim",
        "mathrm",
        "left",
        "right",
        "mu",
        "sigma",
        "quad",
        "text",
        "ldots",
        "beta",
        "vec",
        "Sigma",
        "tau",
        "rho",
        "top",
        "zeta",
        "xi",
        "psi",
        "gamma",
        "delta",
        "underbrace",
        "frac",
        "log",
        "theta",
        "lambda",
        "Omega",
        "varepsilon",
        "times",
        "Phi",
        "sqrt",
        "bar",
    ]
    for formula, family in FORMULAS:
        for style in ("levels", "matrix"):
            used = set(re.findall(r"\\([A-Za-z]+)", str(equation(formula, family=family, style=style))))
            assert used <= set(known), used - set(known)


#: Macros that GitHub's formulas refuse, since they could redefine others, hide text or load something.
REFUSED = re.compile(
    r"\\(?:operatorname|mbox|[hv]?phantom|color|textcolor|colorbox|href|url|class|style|cssId|require|"
    r"unicode|label|tag|def|let|newcommand|renewcommand|newenvironment|DeclareMathOperator|includegraphics)\b"
)
TEXTS = sorted((Path(__file__).parents[2] / "chapters" / "text").glob("*.md"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_the_chapters_formulas_use_nothing_that_github_refuses(path):
    prose = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", prose, flags=re.DOTALL)
    assert [found for formula in formulas for found in REFUSED.findall(formula)] == []


def test_what_github_refuses_would_be_found():
    assert REFUSED.findall(r"\operatorname{logit} \theta, \color{red}{x}, \define") == [
        r"\operatorname",
        r"\color",
    ]


def test_an_intercept_alone_has_no_vector():
    lines = equation("y ~ 1").latex.splitlines()
    assert lines[1:-1] == [
        r"y_i &\sim \mathrm{N}\left(\mu_i, \sigma^{2}\right), \quad \text{for } i = 1 \ldots n \\",
        r"\mu_i &= \beta \\",
        r"&y_i : \mathrm{y}",
    ]


def test_each_level_of_a_factor_has_a_coefficient_in_each_group():
    sleep = mk.load_data("sleepstudy").assign(third=lambda d: pd.Series(list("abc"))[d.Days % 3].to_numpy())
    latex = equation(mk.lm("Reaction ~ 0 + Subject + Subject:third", sleep)).latex
    for term in (r"\beta_{[s_i]1} [x_i = \mathrm{b}]", r"\beta_{[s_i]2} [x_i = \mathrm{c}]"):
        assert term in latex


def test_a_vector_of_many_predictors_lists_those_of_its_level_and_no_others():
    """Five of the rows and five of the groups: two vectors, each with its own five."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(20), 6), "y": rng.normal(size=120)})
    data = data.assign(**{f"r{k}": rng.normal(size=120) for k in range(5)})
    data = data.assign(**{f"c{k}": rng.normal(size=20)[data["g"]] for k in range(5)})
    latex = equation("y ~ r0 + r1 + r2 + r3 + r4 + c0 + c1 + c2 + c3 + c4 + (1|g)", data).latex
    for letter, index in (("x", "i"), ("z", "j")):
        own = ", ".join(f"{letter}_{{{index}{k}}}" for k in range(1, 6))
        assert rf"\vec{{{letter}}}_{index} = [{own}]^\top" in latex


def test_a_single_grouping_is_s_whatever_its_name_and_several_have_their_own_letters():
    assert (
        "[s_i]" in equation("y ~ x + (1|g)").latex and r"s_i : \mathrm{g}" in equation("y ~ x + (1|g)").latex
    )
    both = equation("y ~ x + (1|person) + (1|word)").latex
    assert "[p_i]" in both and r"p_i : \mathrm{person}" in both and "s_i" not in both


@pytest.mark.parametrize(
    ("term", "written"),
    [
        ("I(x + w)", "(x_{i1} + x_{i2})"),
        ("I(x - 2 * w)", r"(x_{i1} - 2 \, x_{i2})"),
        ("I((x + w) * z)", r"(x_{i1} + x_{i2}) \, x_{i3}"),
        ("I((x + w)**2)", "(x_{i1} + x_{i2})^{2}"),
        ("I((x + w)**2 - z)", "((x_{i1} + x_{i2})^{2} - x_{i3})"),
        ("I((x + w) + (z - x))", "(x_{i1} + x_{i2} + x_{i3} - x_{i1})"),
        ("I(-x)", "(-x_i)"),
        ("log(x + w)", r"(\log(x_{i1} + x_{i2}))"),
    ],
)
def test_a_coefficient_is_that_of_the_whole_expression(term, written):
    """b (x + w)² − z would be a term of its own without a coefficient, and b −x a difference."""
    assert f"b_1 {written}" in str(equation(f"y ~ {term} + (1|g)"))


def test_columns_that_a_coding_makes_are_told_by_number_or_level():
    """A polynomial's columns are counted, those of a sum coding have their level's name, upright."""
    data = pd.DataFrame({"y": np.arange(12.0), "w": np.arange(12.0) ** 1.5, "f": list("abc") * 4})
    by_number, by_level = (str(equation(f"y ~ {term}", data)) for term in ("poly(w, 2)", "C(f, Sum)"))
    assert r"\mathrm{poly}_{1}(x_i)" in by_number and r"\mathrm{poly}_{2}(x_i)" in by_number
    assert r"\mathrm{sum}_{\mathrm{a}}(x_i)" in by_level and r"\mathrm{sum}_{\mathrm{b}}(x_i)" in by_level
