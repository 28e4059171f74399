"""What noise leaves of counts and spectra: projections, contrasts, shrinkage."""

from ._haar import contrast, expand, haar_basis, haar_levels
from ._halving import LevelCounts, add_up_levels, halve, halve_cells, place_in_pairs
from ._shrinkage import james_stein, rake, shrink_deviations
from ._simplex import project_to_simplex
from ._spectra import shrink_singular_values, shrink_spectrum

__all__ = [
    "LevelCounts",
    "add_up_levels",
    "contrast",
    "expand",
    "haar_basis",
    "haar_levels",
    "halve",
    "halve_cells",
    "james_stein",
    "place_in_pairs",
    "project_to_simplex",
    "rake",
    "shrink_deviations",
    "shrink_singular_values",
    "shrink_spectrum",
]
