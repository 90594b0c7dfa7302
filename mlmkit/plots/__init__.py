"""Pictures of fits: Axes in, Axes out, and the same in numbers and in words.

Each function draws on the Axes it is given, or on a new figure, and returns them. Its companion `…_data` works
out what is drawn: an object with the numbers as attributes, the picture in words as `alt_text`, and `draw`.
"""

from .checks import qq, qq_data, residuals, residuals_data
from .curves import flat_curves, group_curves, population_curve
from .distributions import density, density_data, likelihoods, likelihoods_data
from .draws import draws, draws_data
from .effects import caterpillar, caterpillar_data
from .ellipse import ellipse, ellipse_data
from .lines import fitted_lines, fitted_lines_data, lines_by_group, lines_by_group_data, panels, panels_data
from .matrices import matrix, matrix_data
from .paths import criterion_curve, criterion_curve_data, pooling_path, pooling_path_data
from .pooling import flat_coefficients, separate_coefficients
from .profiles import profiles, profiles_data
from .shrinkage import shrinkage, shrinkage_data

__all__ = [
    "caterpillar",
    "caterpillar_data",
    "criterion_curve",
    "criterion_curve_data",
    "density",
    "density_data",
    "draws",
    "draws_data",
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
    "matrix",
    "matrix_data",
    "panels",
    "panels_data",
    "pooling_path",
    "pooling_path_data",
    "population_curve",
    "profiles",
    "profiles_data",
    "qq",
    "qq_data",
    "residuals",
    "residuals_data",
    "separate_coefficients",
    "shrinkage",
    "shrinkage_data",
]
