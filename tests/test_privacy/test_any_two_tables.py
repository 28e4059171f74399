"""With all outputs fixed, any two tables of any sizes lead to the same calls and the same bytes."""

import numpy as np
import pytest

from skdpsynth.privacy import Mechanisms

from .audit.any_two import CASES, FEW, LARGE, check_any_two
from .audit.any_two_fits import FITS, check_any_two_fits
from .audit.pairs import ADJACENCIES
from .audit.tape import PublicDifference


def settings():
    """Every case with little noise and with much; those in between are slow.

    So is what is compiled for every table anew, but for the tables of other sizes.
    """
    for name, case in CASES.items():
        for adjacency in ADJACENCIES:
            for epsilon in case.epsilons:
                is_slow = epsilon == 20.0 or (case.compiles and adjacency == "replace_one")
                is_slow |= name == "a model of one's own, missing values"
                is_slow |= name == "a model of one's own, plan" and adjacency == "replace_one"
                marks = [pytest.mark.slow] if is_slow else []
                yield pytest.param(name, adjacency, epsilon, marks=marks)


@pytest.mark.parametrize(("name", "adjacency", "epsilon"), list(settings()))
def test_any_two_tables_lead_to_the_same_calls_and_release(name, adjacency, epsilon):
    case = CASES[name]
    is_fast = case.compiles and epsilon == 1.0 and adjacency == "add_remove"
    check_any_two(name, adjacency, epsilon, [FEW] if is_fast else None)


class ReadsTheTable(Mechanisms):
    """Releases twice where a first count is large."""

    def gaussian(self, statistic, **options):
        if np.ravel(statistic)[0] > 1000:
            super().gaussian(statistic, **{**options, "mu": options["mu"] / 2})
        return super().gaussian(statistic, **options)


def test_a_decision_by_exact_numbers_is_caught():
    with pytest.raises(PublicDifference):
        check_any_two("napsu, public bins", others=[LARGE], fault=ReadsTheTable)


def whole_fits():
    """A model of one's own is compiled for every number of rows."""
    for name in FITS:
        is_slow = name == "a model of one's own"
        others = [FEW] if is_slow else [FEW, "constant", "all missing"]
        yield pytest.param(name, others, marks=[pytest.mark.slow] if is_slow else [])


@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize(("name", "others"), list(whole_fits()))
def test_any_two_tables_lead_to_the_same_bytes_of_what_is_fitted(name, others, adjacency, tmp_path):
    """By the public way, from frames to pickles and files, through pipelines and purchases."""
    # exact counts are public under replace-one
    is_large = adjacency == "add_remove" and len(others) > 1 and "pipeline" not in name
    others = [*others, LARGE] if is_large else others
    check_any_two_fits(name, adjacency, 20.0, others, tmp_path)
