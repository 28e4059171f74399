"""Public tables with hand-written schemas, to try synthesizers on."""

from skdpsynth.datasets._rand_hie import load_rand_hie

__all__ = ["load_rand_hie"]
