import math

import numpy as np
import pytest
from desks import desk_of

from skdpsynth import Continuous
from skdpsynth.clustmix._lattices import (
    STEP,
    Lattice,
    choose_lattice,
    dither,
    exact_floats,
    fits_reserve,
    second_moment_sensitivity,
    sums_sensitivity,
)
from skdpsynth.clustmix._vectors import ContinuousPlan
from skdpsynth.exceptions import BudgetExceededError
from skdpsynth.privacy import (
    GaussianEvent,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    sampler_log_ratio,
)
from skdpsynth.schema import Table


class CountedNoise(NoiseSource):
    n_words = 0

    def words(self, size):
        self.n_words += int(np.prod(size))
        return super().words(size)


def test_dither_is_drawn_from_the_noise_source():
    units = np.zeros((3, 5))
    noise = CountedNoise(0)
    desk = Mechanisms(PrivacyLedger(1.0, 1e-6), noise)
    dither(units, Lattice(0.5, 100.0), desk)
    # 15 values of two numbers of 16 bits
    assert noise.n_words == 8
    dither(units, Lattice(STEP, 100.0), desk)
    assert noise.n_words == 8


def test_a_table_has_the_same_distribution_of_sums_in_any_order():
    # a record keeps the guarantee only if no other record's rounding depends on where it stands
    units = np.array([[100.0], [300.0], [477.0]])
    lattice, n_draws = Lattice(0.5, 100.0), 100_000
    sums = []
    for order in ([0, 1, 2], [2, 0, 1]):
        rows = np.tile(units[order], (n_draws, 1))
        steps = dither(rows, lattice, desk_of(1.0, seed=len(sums))[0])
        sums.append(np.bincount(steps.reshape(n_draws, 3).sum(axis=1).astype(int) + 5))
    # a chi-squared test at five standard deviations of its statistic: false alarms below 1e-4
    first, second = (np.pad(counts, (0, 12 - len(counts))) for counts in sums)
    total = first + second
    statistic = (np.square(first - second)[total > 0] / total[total > 0]).sum()
    n_cells = np.count_nonzero(total) - 1
    assert statistic < n_cells + 5 * math.sqrt(2 * n_cells)


def charge(ledger, sensitivity, grid, mu, n_values):
    """Charge what a release takes of the sampler's reserve; its budget is no matter here."""
    loss = sampler_log_ratio(sensitivity / mu / grid)
    ledger.charge(GaussianEvent(1e-6), name="r", n_coordinates=n_values, sampler_log_ratio=loss)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize(("n_features", "epsilon"), [(200, 0.3), (784, 1.0), (784, 3.0)])
def test_all_passes_together_stay_within_the_reserve(n_features, epsilon, adjacency):
    desk, ledger = desk_of(epsilon, adjacency, delta=1e-6)
    radius, n_classes, n_components = 0.3 * math.sqrt(n_features), 10, 40

    def sums(n_groups, size, share):
        mu, n_values = ledger.mu * math.sqrt(share), n_groups * (size + 1)
        lattice = choose_lattice(radius, size, n_values, 1, mu, desk)
        sensitivity = sums_sensitivity(lattice.radius, adjacency)
        charge(ledger, sensitivity, min(lattice.step, 1.0), mu, n_values)

    def moments(n_groups, size, share):
        mu, n_values = ledger.mu * math.sqrt(share), n_groups * size * (size + 1) // 2
        lattice = choose_lattice(radius, size, n_values, 2, mu, desk)
        assert fits_reserve(lattice, n_values, 2, mu, desk)
        sensitivity = second_moment_sensitivity(lattice.radius, adjacency)
        charge(ledger, sensitivity, 0.5 * lattice.step**2, mu, n_values)

    sums(n_classes, n_features, 0.15)
    moments(1, n_features, 0.30)
    for share in (0.02, 0.02, 0.12):
        sums(32 * n_classes, n_components, share)
    moments(n_classes, n_components, 0.14)
    # what is left is for the other releases
    assert ledger.sampler_room > 0.2 * 1e-4 * epsilon


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_too_wide_a_table_for_so_small_an_epsilon_is_refused_at_once(adjacency):
    table = Table(np.zeros((5, 1000)), None, None, False)
    plan = ContinuousPlan((Continuous(0, 1),) * 1000, None, "auto", 0.02)
    desk, ledger = desk_of(0.02, adjacency, delta=1e-6)
    with pytest.raises(BudgetExceededError, match="too small for 1000 numeric columns"):
        plan.release(table, desk)
    assert ledger.entries == ()
    plan.release(table, desk_of(0.1, adjacency, delta=1e-6)[0])


def test_exact_sums_become_floats_that_are_no_further_apart():
    sums = np.array([0, 1, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 3, 2**62, -(2**53) - 1, -(2**62)])
    floats = exact_floats(sums)
    assert floats.dtype == np.float64
    for a, x in zip(sums.tolist(), floats.tolist(), strict=True):
        for b, y in zip(sums.tolist(), floats.tolist(), strict=True):
            assert abs(int(x) - int(y)) <= abs(a - b)
