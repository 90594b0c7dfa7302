"""From a log posterior to draws: mici's NUTS, one chain a process.

The sampler is the multinomial variant of the no-U-turn sampler (Hoffman & Gelman 2014, JMLR 15; Betancourt
2017, arXiv:1701.02434) with dual averaging of the step size and windowed adaptation of the metric, as in
Stan. The metric starts from the sizes that theory gives the parameters' posterior SDs; it adapts as a full
matrix where there are few parameters, as a diagonal where the group effects are sampled too.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import joblib
import mici
import numpy as np
from tqdm.auto import tqdm

from ..errors import MlmkitError
from .density import GaussianDensity, JointDensity, centred_where_known
from .effects import draw_effects

#: The acceptance that dual averaging aims at: a little above Stan's 0.8, for fewer divergences.
TARGET_ACCEPTANCE = 0.85
#: Trees deeper than this are cut (2¹⁰ steps), as in Stan.
MAX_DEPTH = 10


@dataclass(frozen=True, eq=False)
class Chain:
    """One chain's draws after tuning.

    Attributes
    ----------
    beta : (draws, p) array
        Population coefficients b.
    factors : tuple of (draws, s, s) arrays
        L of each block: the covariance across groups is LLᵀ.
    own : (draws, k) array
        The distribution's own parameters: σ, or others, or none.
    effects : tuple of (draws, J, s) arrays
        Group effects ζ of each block.
    diverging : (draws,) array of bool
        Whether the trajectory to this draw diverged.
    depth : (draws,) array of int
        Its tree depth.
    """

    beta: np.ndarray
    factors: tuple[np.ndarray, ...]
    own: np.ndarray
    effects: tuple[np.ndarray, ...]
    diverging: np.ndarray
    depth: np.ndarray


def sample(
    density: GaussianDensity | JointDensity,
    chains: int,
    draws: int,
    tune: int,
    seed: int | None,
    cores: int | None = None,
    progress: bool = True,
) -> list[Chain]:
    """Run the chains, over several processes where there are several cores.

    Parameters
    ----------
    density
    chains, draws, tune
        How many chains, and each one's draws kept and draws before those, to tune.
    seed
        Of everything random; None for a new one.
    cores
        Processes to use; None for one per chain, at most the machine's cores.
    progress
        Whether to show a progress bar.

    Raises
    ------
    MlmkitError
        If a number is not a whole one, or too small.
    """
    check_numbers(chains=(chains, 1), draws=(draws, 4), tune=(tune, 20))
    seeds = np.random.SeedSequence(seed).spawn(chains)
    cores = min(chains, cores or joblib.cpu_count())
    with _progress(chains, chains * (draws + tune)) if progress else nullcontext() as ticks:
        run = joblib.delayed(run_chain)
        jobs = [run(density, one, draws, tune, ticks, place) for place, one in enumerate(seeds)]
        return joblib.Parallel(n_jobs=cores)(jobs)


def check_numbers(**numbers: tuple[int, int]) -> None:
    """Refuse a number that is not whole, or below the least: name=(value, least)."""
    for name, (value, least) in numbers.items():
        if not isinstance(value, int | np.integer) or value < least:
            raise MlmkitError(f"{name} is {value!r}: give a whole number, at least {least}.")


def run_chain(
    density, seed: np.random.SeedSequence, draws: int, tune: int, ticks=None, place: int = 0
) -> Chain:
    """One chain from its own random start: tuned, drawn, and brought back to the model's parameters.

    Where the group effects are sampled, a part of the tuning finds out which are better centred.
    """
    rng = np.random.default_rng(seed)
    count = np.memmap(ticks, dtype=np.int64, mode="r+") if ticks else np.zeros(place + 1, dtype=np.int64)

    def trace(state):
        count[place] += 1
        return {"q": state.pos}

    with np.errstate(all="ignore"):  # a far point overflows; `_Guarded` calls it impossible
        start, scales, pilot = density.start(rng), posterior_scales(density), 0
        if isinstance(density, JointDensity) and density.parameters.scores:
            pilot = tune // 4
            drawn = _run(density, rng, start, scales, pilot, 0, trace).traces["q"][0]
            density, known = centred_where_known(density, np.asarray(drawn)[pilot // 2 :])
            start, scales = known[-1], _learnt(scales, known)
        result = _run(density, rng, start, scales, tune - pilot, draws, trace)
    kept = slice(tune - pilot, None)
    q = np.asarray(result.traces["q"][0])[kept]
    diverging = np.asarray(result.statistics["diverging"][0])[kept]
    depth = np.asarray(result.statistics["tree_depth"][0])[kept]
    beta, factors, own, effects = model_draws(density, q, rng)
    return Chain(beta, factors, own, effects, diverging, depth)


def _learnt(scales: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The posterior SDs after some draws q, (draws, size): theirs, and a little of what was thought before."""
    share = len(q) / (len(q) + 5)
    return np.sqrt(share * q.var(axis=0) + (1 - share) * scales**2)


def _run(density, rng: np.random.Generator, start, scales, tune: int, draws: int, trace):
    return _sampler(density, rng, scales).sample_chains(
        tune,
        draws,
        [start],
        trace_funcs=[trace],
        trace_warm_up=True,
        adapters=[mici.adapters.DualAveragingStepSizeAdapter(TARGET_ACCEPTANCE), _metric(density)()],
        display_progress=False,
    )


def _metric(density):
    few = isinstance(density, GaussianDensity)
    return mici.adapters.OnlineCovarianceMetricAdapter if few else mici.adapters.OnlineVarianceMetricAdapter


def _sampler(density, rng: np.random.Generator, scales) -> mici.samplers.DynamicMultinomialHMC:
    guarded, precision = _Guarded(density), scales**-2.0
    metric = (
        mici.matrices.DensePositiveDefiniteMatrix(np.diag(precision))
        if isinstance(density, GaussianDensity)
        else mici.matrices.PositiveDiagonalMatrix(precision)
    )
    system = mici.systems.EuclideanMetricSystem(
        guarded.value, metric=metric, grad_neg_log_dens=guarded.gradient
    )
    leapfrog = mici.integrators.LeapfrogIntegrator(system)
    return mici.samplers.DynamicMultinomialHMC(system, leapfrog, rng, max_tree_depth=MAX_DEPTH)


@dataclass(frozen=True, eq=False)
class _Guarded:
    """−log posterior as mici wants it; ∞ where the model cannot be computed to working precision."""

    density: GaussianDensity | JointDensity

    def value(self, q: np.ndarray) -> float:
        return self.gradient(q)[1]

    def gradient(self, q: np.ndarray) -> tuple[np.ndarray, float]:
        try:
            value, gradient = self.density.value_and_gradient(q)
        except (FloatingPointError, np.linalg.LinAlgError):
            return np.zeros_like(q), np.inf
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return np.zeros_like(q), np.inf
        return -gradient, -value


def posterior_scales(density: GaussianDensity | JointDensity) -> np.ndarray:
    """The size of each number's posterior SD: of a log SD from n draws 1/√(2n), of a correlation's 1/√n."""
    parameters = density.parameters
    n = len(parameters.design.y)
    scales = np.ones(parameters.size)
    for covariance, block in zip(parameters.covariances, parameters.design.blocks, strict=True):
        scales[covariance.log_sd] = (2 * len(block.levels)) ** -0.5
        scales[covariance.cor] = len(block.levels) ** -0.5
    scales[parameters.own] = (2 * n) ** -0.5
    if isinstance(density, JointDensity):
        scales[: parameters.p] = density.information() ** -0.5
    return scales


def model_draws(density, q: np.ndarray, rng: np.random.Generator):
    """b, the factors L, σ or the like, and the group effects of every draw q: (draws, size)."""
    parameters = density.parameters
    unpacked = [[part.unpack(row) for row in q] for part in parameters.covariances]
    factors = tuple(np.array([sd[:, None] * C for sd, C in rows]) for rows in unpacked)
    if isinstance(density, GaussianDensity):
        drawn = [draw_effects(density, row, rng) for row in q]
        effects = tuple(np.array(one) for one in zip(*drawn, strict=True))
    else:
        effects = tuple(density.effects(q, factors))
        q = density.population(q, effects)
    return parameters.coefficients(q), factors, parameters.own_values(q), effects


@contextmanager
def _progress(chains: int, total: int) -> Iterator[str]:
    """A progress bar over all chains: each counts its steps in a small shared file, watched from here."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = os.path.join(folder, "steps")
        np.full(chains, -1, dtype=np.int64).tofile(path)  # the starting point is traced, too
        done = threading.Event()
        with tqdm(total=total, desc="Sampling", unit="draw", leave=False) as bar:
            watcher = threading.Thread(target=_watch, args=(path, bar, done), daemon=True)
            try:
                watcher.start()
            except RuntimeError:  # where no thread can start, as in a browser, nobody watches
                yield path
                return
            try:
                yield path
            finally:
                done.set()
                watcher.join()


def _watch(path: str, bar: tqdm, done: threading.Event) -> None:
    while not done.wait(0.2):
        bar.update(max(0, int(np.fromfile(path, dtype=np.int64).sum()) - bar.n))
