"""NapsuMQSynthesizer: a Markov network fitted to noisy marginals, aware of their noise."""

from ._synthesizer import NapsuMQSynthesizer

__all__ = ["NapsuMQSynthesizer"]
