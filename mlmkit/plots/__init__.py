"""Pictures of fits: Axes in, Axes out, and the same in numbers and in words.

Each function draws on the Axes it is given, or on a new figure, and returns them. Its companion `…_data` works
out what is drawn: an object with the numbers as attributes, the picture in words as `alt_text`, and `draw`.
"""

from .curves import flat_curves, group_curves, population_curve
from .distributions import density, density_data, likelihoods, likelihoods_data
from .ellipse import ellipse, ellipse_data
from .lines import fitted_lines, fitted_lines_data, lines_by_group, lines_by_group_data, panels, panels_data
from .pooling import flat_coefficients, separate_coefficients
from .shrinkage import shrinkage, shrinkage_data

__all__ = [
    "density",
    "density_data",
    "ellipse",
    "ellipse_data",
    "fitted_lines",
    "fitted_lines_data",
    "flat_coefficients",
    "flat_curves",
    "group_curves",
    "likelihoods",
    "likelihoods_data",
    "lines_by_group",
    "lines_by_group_data",
    "panels",
    "panels_data",
    "population_curve",
    "separate_coefficients",
    "shrinkage",
    "shrinkage_data",
]
