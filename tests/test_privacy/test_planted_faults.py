"""Every planted fault makes a check of the suite fail, which is silent on the code as it is."""

from functools import partial

import pytest

from .audit import planted
from .audit.any_two import FEW, LARGE, check_any_two
from .audit.any_two_fits import check_any_two_fits
from .audit.checks import (
    check_as_charged,
    check_guarantee,
    check_noise,
    check_seed_is_forgotten,
    check_selection,
    check_stable_histogram,
)
from .audit.checks_of_steps import (
    check_batches,
    check_clipping,
    check_rates_are_covered,
    check_steps,
)
from .audit.secure_source import check_secure_source

MANY = partial(check_any_two, others=[LARGE], epsilon=200.0)
PAIR = partial(check_any_two, others=[FEW])
ROWS = partial(check_as_charged, record="missing values")
OWN = "a model of one's own"

# what finds each fault
FOUND_BY = {
    "the exact row count chooses the bins of a mixture": partial(MANY, "mixture"),
    "the exact row count chooses the bins of NAPSU": partial(MANY, "napsu"),
    "the exact row count chooses the sampling rate of DP-VI": partial(PAIR, "mixture, dpvi, plan"),
    "the exact row count chooses the sampling rate of own models": partial(PAIR, f"{OWN}, plan"),
    "the exact row count is the prior size of a fit": partial(PAIR, "clustmix, blocks"),
    "pairs are selected by their exact distances": partial(MANY, "napsu"),
    "passes end early where exact sums say so": partial(PAIR, "mixture"),
    "the steps of DP-VI end early by the exact loss": partial(
        check_any_two, f"{OWN}, plan", others=["zeros"]
    ),
    "a query is left out where its column is constant": partial(
        check_any_two, "napsu, star", others=["constant"]
    ),
    "the progress bar counts chunks of rows": partial(MANY, "mixture"),
    "the row count of own models gets noise for half its sensitivity": partial(
        check_as_charged, f"{OWN}, row count"
    ),
    "a replaced row is taken for a removed one": partial(
        check_as_charged, "napsu, star", adjacency="replace_one"
    ),
    "a replaced row moves a score by one": partial(
        check_as_charged, "napsu, private tree", adjacency="replace_one"
    ),
    "the profile of a mixture has the sensitivity of the other histograms": partial(
        ROWS, "mixture, moments"
    ),
    "noise is scaled by the largest norm among the rows": partial(
        check_any_two, "clustmix, continuous", others=["zeros"]
    ),
    "the second half of a release repeats the noise of the first": partial(
        check_noise, "napsu, star"
    ),
    "every release starts the noise anew": partial(check_noise, "mixture, moments"),
    "all values of a release have the same noise": partial(check_noise, "clustmix, blocks"),
    "the noise is a fifth too narrow": partial(check_noise, "clustmix, continuous"),
    "the noise is a floating-point number": partial(check_noise, "napsu, auto"),
    "the best candidate is always selected": check_selection,
    "candidates are selected with twice the ε charged": check_selection,
    "gradients are clipped after they are added up": check_clipping,
    "gradients are clipped coordinate by coordinate": check_clipping,
    "Poisson batches come from numpy's generator": partial(check_secure_source, OWN),
    "gradient noise comes from jax's generator": partial(check_secure_source, OWN),
    "all steps have the same gradient noise": check_steps,
    "the first steps alone have gradient noise": check_steps,
    "half of the steps are charged": check_steps,
    "half of the sampling rate is charged": check_steps,
    "batches that overflow are not charged to δ": check_steps,
    "the capacity of batches follows from the exact row count": check_batches,
    "noise comes from the generator of the standard library": partial(
        check_secure_source, "mixture"
    ),
    "the system's random bytes are drawn once and stretched": partial(
        check_secure_source, "clustmix, continuous"
    ),
    "noise comes from numpy's global generator": partial(check_secure_source, "napsu"),
    "the ledger forgets the second pass": partial(check_as_charged, "mixture, moments"),
    "the ledger charges half of every μ²": partial(check_as_charged, "napsu, given queries"),
    "a failure is not charged to δ": check_stable_histogram,
    "a failure is charged twice": check_stable_histogram,
    "the threshold of rare levels is that of one histogram": check_stable_histogram,
    "levels are suppressed by their exact counts": check_stable_histogram,
    "the margin for the noise of a sampling rate is left out": check_rates_are_covered,
    "bought bounds are tightened to the rows": partial(check_any_two, "schema, bounds"),
    "bought bounds are those of exact counts": partial(check_any_two, "schema, bounds"),
    "a bought column is nullable where a value is missing": partial(check_any_two, "schema"),
    "what a schema was bought for is not told": check_guarantee,
    "a schema that was read from the rows is taken for public": check_guarantee,
    "a step that learns from the rows is taken for public": check_guarantee,
    "the fitted object keeps a row": partial(check_any_two_fits, "napsu", others=["constant"]),
    "a release keeps the number of its rows in a shape": partial(PAIR, "clustmix, blocks"),
    "published dtypes are those of the rows": partial(
        check_any_two_fits, "mixture", others=["all missing"]
    ),
    "the seed is pickled": check_seed_is_forgotten,
    "the seed is kept in saved files": check_seed_is_forgotten,
}


def test_every_fault_has_a_check():
    assert set(FOUND_BY) == set(planted.FAULTS)
    assert len(FOUND_BY) >= 24


@pytest.mark.parametrize("name", FOUND_BY)
def test_a_check_fails_with_the_fault_and_only_then(name):
    check = FOUND_BY[name]
    check()
    # an error of another kind would only say that the fault does not run
    with planted.FAULTS[name](), pytest.raises(AssertionError):
        check()
