"""Desks for the tests of releases: without noise, recording, and answering what others answered."""

import math

import numpy as np
from numpy.testing import assert_array_equal

from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger


def desk_of(epsilon, adjacency="add_remove", *, delta=1e-5, seed=0):
    """A desk with a budget, and its ledger."""
    ledger = PrivacyLedger(epsilon, delta, adjacency)
    return Mechanisms(ledger, NoiseSource(seed)), ledger


def noiseless(adjacency="add_remove"):
    """A desk that returns exact statistics."""
    return desk_of(math.inf, adjacency)[0]


class RecordingDesk(Mechanisms):
    """Releases exact statistics, and notes them with the sensitivities stated for them."""

    def __init__(self, adjacency):
        super().__init__(PrivacyLedger(math.inf, 1e-5, adjacency), NoiseSource(0))
        self.seen = []

    def gaussian(self, statistic, *, sensitivity, mu, name, grid=None):
        self.seen.append((np.array(statistic, dtype=np.float64), sensitivity))
        return self.seen[-1][0]


class ReplayDesk(Mechanisms):
    """Answers every release with what another desk answered, whatever the statistic."""

    def __init__(self, adjacency, answers=None):
        super().__init__(PrivacyLedger(1.0, 1e-6, adjacency), NoiseSource(0))
        self.statistics, self.sensitivities = [], []
        self.answers, self.is_first = answers or [], answers is None

    def gaussian(self, statistic, *, sensitivity, mu, name, grid=None):
        step = len(self.statistics)
        self.statistics.append(np.asarray(statistic, dtype=float))
        self.sensitivities.append(sensitivity)
        units = np.asarray(statistic) / grid
        assert_array_equal(units, np.rint(units))
        if self.is_first:
            # not from the desk's own source, whose state what comes between may depend on
            noise = np.random.default_rng(step).normal(scale=3.0, size=np.shape(statistic))
            self.answers.append(statistic + noise)
        return self.answers[step]

    def distances(self, other):
        """L2 distances to another desk's statistics, in units of the sensitivities."""
        pairs = zip(self.statistics, other.statistics, strict=True)
        return np.array([np.linalg.norm(a - b) for a, b in pairs]) / self.sensitivities
