"""Stand-ins for noise that let tests see what a release is given."""

import numpy as np
from numpy.testing import assert_array_equal

from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger


class CountingSource(NoiseSource):
    """Checks before every draw of noise that the ledger has been charged for it."""

    def __init__(self, ledger):
        super().__init__(0)
        self.ledger = ledger
        self.n_drawn = 0

    def rounded_gaussian(self, scale, size):
        self.n_drawn += int(np.prod(size))
        charged = sum(entry.n_coordinates for entry in self.ledger.entries)
        assert charged == self.n_drawn
        return super().rounded_gaussian(scale, size)


class ReplayDesk(Mechanisms):
    """Records what each release is given, and answers what another desk has answered."""

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
