"""Poisson batches: every row with the same probability, independently, within the capacity."""

import numpy as np
import pytest
from scipy import stats

from skdpsynth.mixture._dpvi._batches import PoissonBatches, batch_capacity
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger, RowCount


def batches_of(n_rows, rate, count, overflow):
    desk = Mechanisms(PrivacyLedger(1.0, 1e-6), NoiseSource(0))
    return PoissonBatches(n_rows, rate, RowCount(*count), overflow, desk)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.4])
@pytest.mark.parametrize("overflow", [1e-3, 1e-9])
def test_capacity_bounds_the_binomial_tail(rate, overflow):
    for n_rows in (50, 10_000):
        capacity = batch_capacity(n_rows, rate, overflow)
        assert stats.binom.sf(capacity, n_rows, rate) <= overflow


def test_rows_take_part_independently_with_the_sampling_rate():
    """Counts per row, per batch and of pairs against their laws, false alarms below 1e-5."""
    n_rows, n_steps, rate = 40, 6000, 0.15
    batches = batches_of(n_rows, rate, (40.0, 1.0), 1e-9)
    drawn = batches.draw(n_steps, n_steps + 3)
    assert (drawn[n_steps:] == -1).all()
    taken = np.zeros((n_steps, n_rows))
    for step in range(n_steps):
        rows = drawn[step][drawn[step] >= 0]
        assert len(set(rows)) == len(rows)
        taken[step, rows] = 1
    z = (taken.sum(axis=0) - n_steps * rate) / np.sqrt(n_steps * rate * (1 - rate))
    assert stats.chi2.sf((z**2).sum(), n_rows) > 1e-6
    sizes = np.bincount(taken.sum(axis=1).astype(int), minlength=n_rows + 1)
    law = n_steps * stats.binom.pmf(np.arange(n_rows + 1), n_rows, rate)
    common = law > 5
    observed = np.append(sizes[common], sizes[~common].sum())
    expected = np.append(law[common], law[~common].sum())
    assert stats.chisquare(observed, expected).pvalue > 1e-6
    pairs = np.corrcoef(taken.T)[np.triu_indices(n_rows, 1)] * np.sqrt(n_steps)
    assert np.abs(pairs).max() < 5.5
    assert abs(np.mean(taken[:-1] * taken[1:]) - rate**2) < 6 * rate / np.sqrt(n_steps * n_rows)


def test_rate_one_is_every_row_in_every_step():
    batches = batches_of(5, 1.0, (5.0, 0.0), 0.0)
    assert batches.draw(3, 3) is None
    assert batches.is_row.tolist() == [True] * 5 + [False] * 3
    assert batches.pad(np.ones((5, 2))).shape == (8, 2)


def test_rows_past_the_capacity_are_left_out():
    batches = batches_of(4000, 0.5, (100.0, 0.0), 0.5)
    drawn = batches.draw(2, 2)
    assert drawn.shape[1] < 1000
    assert (drawn >= 0).all()
