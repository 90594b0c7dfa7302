"""Pictures of fits: Axes in, Axes out, and the same in numbers and in words.

Each function draws on the Axes it is given, or on a new figure, and returns them. Its `data` takes the same
arguments and works out what is drawn: an object with the numbers as attributes, the picture in words as
`alt_text`, and `draw`. `ellipse_data` is `ellipse.data`, and so for all.
"""

from .checked import check, rootogram
from .checks import qq, residuals
from .curves import flat_curves, group_curves, population_curve
from .distributions import density, likelihoods
from .draws import draws
from .effects import caterpillar
from .ellipse import ellipse
from .lines import fitted_lines, lines_by_group, panels
from .matrices import matrix
from .paths import criterion_curve, pooling_path
from .pooling import flat_coefficients, separate_coefficients
from .profiles import profiles
from .shrinkage import shrinkage

caterpillar_data = caterpillar.data
check_data = check.data
criterion_curve_data = criterion_curve.data
density_data = density.data
draws_data = draws.data
ellipse_data = ellipse.data
fitted_lines_data = fitted_lines.data
likelihoods_data = likelihoods.data
lines_by_group_data = lines_by_group.data
matrix_data = matrix.data
panels_data = panels.data
pooling_path_data = pooling_path.data
profiles_data = profiles.data
qq_data = qq.data
residuals_data = residuals.data
rootogram_data = rootogram.data
shrinkage_data = shrinkage.data

__all__ = [
    "caterpillar",
    "caterpillar_data",
    "check",
    "check_data",
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
    "rootogram",
    "rootogram_data",
    "separate_coefficients",
    "shrinkage",
    "shrinkage_data",
]
