"""Comparing synthesizers on public tables: train on synthetic rows, test on real ones."""

from skdpsynth.benchmark._result import BenchmarkResult
from skdpsynth.benchmark._run import run

__all__ = ["BenchmarkResult", "run"]
