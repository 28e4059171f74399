"""A source of noise that sees whether it is paid for."""

import numpy as np

from skdpsynth.privacy import NoiseSource


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
