"""Comparing synthesizers on public tables: train on synthetic rows, test on real ones."""

from ._result import BenchmarkResult
from ._run import run

__all__ = ["BenchmarkResult", "run"]
