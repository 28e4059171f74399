"""What noise leaves of counts and spectra: projections, contrasts, shrinkage."""

from ._haar import contrast, expand, haar_basis, haar_levels
from ._shrinkage import james_stein, rake, shrink_deviations
from ._simplex import project_to_simplex
from ._spectra import shrink_singular_values, shrink_spectrum

__all__ = [
    "contrast",
    "expand",
    "haar_basis",
    "haar_levels",
    "james_stein",
    "project_to_simplex",
    "rake",
    "shrink_deviations",
    "shrink_singular_values",
    "shrink_spectrum",
]
