"""The draws for other packages: ArviZ."""

from __future__ import annotations

from ..errors import MlmkitError
from .record import Posterior


def to_inference_data(posterior: Posterior):
    """The draws as ArviZ holds them: parameters under the names of `draws`, group effects, divergences, y.

    Raises
    ------
    MlmkitError
        If ArviZ is not installed.
    """
    try:
        import arviz
    except ImportError:
        raise MlmkitError(
            "ArviZ is not installed: `pip install arviz`. `posterior.draws` has the draws."
        ) from None
    blocks = zip(posterior.design.blocks, posterior.effects, strict=True)
    effects = {f"r_{block.group}__{'_'.join(block.names)}": draws for block, draws in blocks}
    parts = {
        "posterior": {parameter.column: parameter.draws for parameter in posterior.parameters} | effects,
        "sample_stats": {"diverging": posterior.diverging, "tree_depth": posterior.depth},
        "observed_data": {"y": posterior.design.y},
    }
    if int(arviz.__version__.split(".")[0]) >= 1:
        return arviz.from_dict(parts)
    return arviz.from_dict(**parts)
