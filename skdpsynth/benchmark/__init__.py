"""Comparing synthesizers on public tables: train on synthetic rows, test on real ones.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._result import BenchmarkResult
from ._run import run
from ._scorers import SCORERS as SCORERS
from ._table import NAMED_TABLES as NAMED_TABLES
from ._table import BenchmarkTable as BenchmarkTable

__all__ = ["BenchmarkResult", "run"]
