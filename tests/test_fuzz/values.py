"""Values that no parameter, bound, level or cell expects."""

from __future__ import annotations

import datetime
import decimal
import fractions
import math
import random
from typing import Any

import numpy as np
import pandas as pd

# no number among these makes a fit long
SMALL: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, 3, -1, -7, 0.0, -0.0, 0.5, 1.0, 1.5, -0.5, 1e-3, 1e-12, 1e-320),
    *(math.nan, math.inf, -math.inf, 1 + 2j, np.float32(0.25), np.int8(3), np.uint64(2)),
    *(
        np.bool_(True),
        np.float64("nan"),
        np.complex64(1j),
        np.str_("auto"),
        np.datetime64("NaT", "s"),
    ),
    *("", " ", "auto", "AUTO", "none", "1", "nan", "\0", "é" * 40, b"", b"auto"),
    *("sex", "age", "moments", "dpvi", "map", "private", "add_remove", "replace_one", "uniform"),
    *([], (), {}, set(), frozenset({1}), [None], [[]], {None: None}, {"age": None}, {"age": []}),
    *({"age": "x"}, {"nobody": 3}, {1: 2}, ["age"], ["age", "age"], [("age", "sex")], [("age",)]),
    *([1, 2], (0, 1), (1, 0), (0.0, math.nan), [0, 1, 2], {"age": [0, 50, 100]}, {"age": -3}),
    *({"age": math.nan}, {"age": {"age": 1}}, [["age", "sex"], ["nobody", "sex"]], range(3)),
    *(object, object(), type, int, len, print, lambda: None, lambda x: x, Ellipsis),
    *(fractions.Fraction(1, 3), decimal.Decimal("0.5"), datetime.date(2020, 2, 29), pd.NA, pd.NaT),
    *(pd.Timestamp("2020-01-01"), pd.Timedelta(1, "D"), np.array(1.0), np.array([1, 2])),
    *(np.array([]), np.array(["a"], dtype=object), np.zeros((2, 2)), np.array([math.nan])),
    *(pd.Series([1, 2]), pd.DataFrame({"age": [1]}), pd.Categorical(["a"]), pd.Index(["age"])),
    *(np.random.default_rng(0), np.random.RandomState(0), iter([1, 2]), memoryview(b"ab")),
    *(ValueError("x"), slice(None), bytearray(b"x")),
)

LARGE: tuple[Any, ...] = (
    *(10**6, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, 10**400, -(10**400), 1e6, 1e18, 1e300),
    *(-1e308, "x" * 10_000, [0] * 10_000, {"age": 10**400}, (-1e308, 1e308), (0, 10**400)),
)


def nested(depth: int) -> list[Any]:
    """Return a list in a list, and so on."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def strange(rng: random.Random, *, large: bool = True) -> Any:
    """Return some such value."""
    if rng.random() < 0.05:
        return nested(rng.choice([3, 50]))
    return rng.choice(SMALL + LARGE if large else SMALL)


def tell(value: object) -> str:
    """Return a short description that works for anything."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else text[:77] + "..."
