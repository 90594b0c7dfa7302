"""The same specification as PyMC code, for going on from where `brm` stops.

`brm` covers the models of the course. A model beyond it (other responses, splines, missing values,
measurement error) starts well from a model that works: this file writes the one that a formula means, with
its priors, as a program to read and change. The parameters have the names of `posterior.draws`, except where
a term's coefficients are correlated: PyMC's LKJCholeskyCov names its parts `Subject_stds` and `Subject_corr`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..design import Block, Design, build_design
from ..errors import MlmkitError
from ..families.distribution import Own
from ..formula import parse_formula
from ..habits import answers
from .priors import Prior, Priors, find_priors

#: Each prior as PyMC writes it: on the whole line, and cut off below zero.
REAL = {
    "flat": "pm.Flat({name})",
    "normal": "pm.Normal({name}, mu={0:g}, sigma={1:g})",
    "student_t": "pm.StudentT({name}, nu={0:g}, mu={1:g}, sigma={2:g})",
    "cauchy": "pm.Cauchy({name}, alpha={0:g}, beta={1:g})",
}
HALF = {
    "flat": "pm.HalfFlat({name})",
    "normal": "pm.HalfNormal({name}, sigma={1:g})",
    "student_t": "pm.HalfStudentT({name}, nu={0:g}, sigma={2:g})",
    "cauchy": "pm.HalfCauchy({name}, beta={1:g})",
    "exponential": "pm.Exponential({name}, lam={0:g})",
    "gamma": "pm.Gamma({name}, alpha={0:g}, beta={1:g})",
    "inv_gamma": "pm.InverseGamma({name}, alpha={0:g}, beta={1:g})",
}
LOCATION = {"normal": 0, "student_t": 1, "cauchy": 0}


@dataclass(frozen=True, eq=False)
class PymcModel:
    """A model as PyMC code. Print it to read it; `build()` runs it.

    Attributes
    ----------
    code
        The program. It uses the names in `arrays`.
    arrays
        The model's data: y, X, and for each random-effects term its regressors and the rows' groups.
    """

    code: str
    arrays: dict[str, object] = field(repr=False)

    def __str__(self):
        return self.code

    def __repr__(self):
        return self.code

    def build(self):
        """The `pymc.Model`, to sample with `pymc.sample(model=…)`.

        Raises
        ------
        MlmkitError
            If PyMC is not installed.
        """
        try:
            import pymc  # noqa: F401
        except ImportError:
            raise MlmkitError(
                "PyMC is not installed: `pip install 'mlmkit[pymc]'`. The code can be read without it."
            ) from None
        namespace = dict(self.arrays)
        exec(compile(self.code, "<the model>", "exec"), namespace)  # noqa: S102  (our own text)
        return namespace["model"]


@answers
def pymc_model(
    formula: str, data: pd.DataFrame, family="gaussian", priors=None, weights=None, offset=None
) -> PymcModel:
    """The model that `brm` would sample, as readable PyMC code.

    Parameters
    ----------
    formula, data, family, priors, weights, offset
        As for `brm`.

    Returns
    -------
    PymcModel
        `print` it to read it, `.build()` makes the `pymc.Model` where PyMC is installed.
    """
    design = build_design(parse_formula(formula, family), data, weights, offset)
    terms = [_Term(design, k) for k in range(len(design.blocks))]
    chosen = find_priors(design, priors)
    lines = [
        "import pymc as pm",
        "import pytensor.tensor as pt",
        "",
        f"# {design.spec.formula}",
        "with pm.Model(coords=coords) as model:",
        *_indent(_population(design, chosen)),
        *(line for term in terms for line in _indent(_group_effects(term, chosen))),
        *_indent(_response(design, chosen)),
    ]
    return PymcModel("\n".join(lines), _arrays(design, terms))


@dataclass(frozen=True)
class _Term:
    """One random-effects term, with names that Python can use for its arrays."""

    design: Design
    place: int

    @property
    def block(self) -> Block:
        return self.design.blocks[self.place]

    @property
    def label(self) -> str:
        """The group's name as an identifier; numbered where it has several terms."""
        label = _identifier(self.block.group)
        same = [k for k, other in enumerate(self.design.blocks) if _identifier(other.group) == label]
        return label if len(same) == 1 else f"{label}_{same.index(self.place) + 1}"


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_") or "x"


def _indent(lines: list[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def _distribution(prior: Prior, name: str, positive: bool = False) -> str:
    """A prior as a PyMC expression."""
    text = repr(name)
    location = prior.args[LOCATION[prior.name]] if prior.name in LOCATION else 0.0
    if positive and location != 0:
        inner = REAL[prior.name].replace("({name}, ", ".dist(").format(*prior.args)
        return f"pm.Truncated({text}, {inner}, lower=0)"
    return (HALF if positive else REAL)[prior.name].format(*prior.args, name=text)


def _population(design: Design, priors: Priors) -> list[str]:
    """The coefficients b; the intercept from its value at the predictors' means."""
    names, means = design.fixed_names, design.X.mean(axis=0)
    lines = ["# The population coefficients b."]
    lines += [
        f"b_{_identifier(name)} = {_distribution(priors['b', name], f'b_{name}')}"
        for name in names
        if name != "Intercept"
    ]
    if "Intercept" in names:
        shift = "".join(
            f" - {mean:.10g} * b_{_identifier(name)}"
            for name, mean in zip(names, means, strict=True)
            if name != "Intercept"
        )
        lines += [
            "# The intercept's prior is on its value where the predictors are at their means.",
            f"at_means = {_distribution(priors['Intercept',], 'Intercept_at_means')}",
            f"b_Intercept = pm.Deterministic('b_Intercept', at_means{shift})",
        ]
    terms = ", ".join(f"b_{_identifier(name)}" for name in names)
    return [*lines, f"eta = offset + X @ pt.stack([{terms}])" if names else "eta = offset", ""]


def _group_effects(term: _Term, priors: Priors) -> list[str]:
    """One random-effects term, non-centred: ζ = z Lᵀ with z ~ N(0, 1)."""
    block, label = term.block, term.label
    group, names = block.group, block.names
    dims = f"dims=({f'{label}_level'!r}, {f'{label}_term'!r})"
    return [
        f"# Across {group}: the covariance LLᵀ of {' and '.join(names)}, and the group effects.",
        *(_correlated_factor(term, priors) if len(names) > 1 else _single_factor(term, priors)),
        f"z_{label} = pm.Normal({f'z_{label}'!r}, {dims})",
        f"zeta_{label} = pm.Deterministic({f'r_{label}'!r}, z_{label} @ L_{label}.T, {dims})",
        f"eta = eta + (Z_{label} * zeta_{label}[group_{label}]).sum(axis=1)",
        "",
    ]


def _single_factor(term: _Term, priors: Priors) -> list[str]:
    group, (name,) = term.block.group, term.block.names
    sd = _distribution(priors["sd", group, name], f"sd_{group}__{name}", positive=True)
    return [f"sd_{term.label} = {sd}", f"L_{term.label} = pt.reshape(sd_{term.label}, (1, 1))"]


def _correlated_factor(term: _Term, priors: Priors) -> list[str]:
    group, label, s = term.block.group, term.label, len(term.block.names)
    chosen = [priors["sd", group, name] for name in term.block.names]
    kinds = {prior.name for prior in chosen}
    centred = all(prior.name not in LOCATION or prior.args[LOCATION[prior.name]] == 0 for prior in chosen)
    if len(kinds) > 1 or not centred or kinds == {"flat"}:
        raise MlmkitError(
            f"PyMC's covariance of {' and '.join(term.block.names)} across {group} takes one kind of prior "
            f"for all SDs, with its location at 0; here they are {', '.join(map(str, chosen))}."
        )
    columns = [
        column[0] if len(set(column)) == 1 else list(column)
        for column in zip(*(p.args for p in chosen), strict=True)
    ]
    sd = re.sub(r":g}", "}", HALF[kinds.pop()]).replace("({name}, ", ".dist(").format(*columns)
    eta = priors["cor", group].args[0]
    return [
        f"sd_{label} = {sd[:-1]}, shape={s})",
        f"L_{label}, _, _ = pm.LKJCholeskyCov({label!r}, n={s}, eta={eta:g}, sd_dist=sd_{label})",
    ]


def _response(design: Design, priors: Priors) -> list[str]:
    family, lines = design.spec.family, ["# The response."]
    lines += [_own(one, priors[one.name,]) for one in family.distribution.own]
    lines.append(f"mu = {family.link_function.pymc}")
    name, arguments = family.distribution.pymc
    if family.counts_trials or np.all(design.weights == 1):
        return [*lines, f"pm.{name}('y', {arguments}, observed=y)"]
    if not family.distribution.weights_repeat:
        arguments = arguments.replace("sigma=sigma", "sigma=sigma / weights**0.5")
        return [*lines, f"pm.{name}('y', {arguments}, observed=y)"]
    return [*lines, f"pm.Potential('y', (weights * pm.logp(pm.{name}.dist({arguments}), y)).sum())"]


def _own(one: Own, prior: Prior) -> str:
    """A parameter of the distribution's own; cut off below where it has a least value."""
    if one.lower == 0:
        return f"{one.name} = {_distribution(prior, one.name, positive=True)}"
    inner = {**REAL, **HALF}[prior.name].replace("({name}, ", ".dist(").format(*prior.args)
    return f"{one.name} = pm.Truncated({one.name!r}, {inner}, lower={one.lower:g})"


def _arrays(design: Design, terms: list[_Term]) -> dict[str, object]:
    """What the code calls by name."""
    coords: dict[str, list] = {}
    arrays: dict[str, object] = {"X": design.X, "offset": design.offset, "coords": coords}
    y = design.y
    if design.spec.family.counts_trials:
        arrays["trials"] = np.round(design.weights).astype(int)
        y = np.round(design.y * design.weights).astype(int)
    elif not np.all(design.weights == 1):
        arrays["weights"] = design.weights
    for term in terms:
        arrays[f"Z_{term.label}"], arrays[f"group_{term.label}"] = term.block.Z, term.block.codes
        coords[f"{term.label}_level"] = [str(level) for level in term.block.levels]
        coords[f"{term.label}_term"] = list(term.block.names)
    return arrays | {"y": y}
