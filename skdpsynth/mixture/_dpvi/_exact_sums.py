"""Integers in two words, and noisy sums of gradients that are exact: what is added never rounds.

A sum of gradients is counted in steps of a grid, and the noise is an integer of steps. Their sum,
`add_noise`, is exact, so that its low bits are those of the noise. What happens to it afterwards is
post-processing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Steps", "Words", "add_noise", "add_words", "split_integers"]

# 64-bit integers would need x64, and with it a user's own model
WORD_BITS = 22
LOWER_WORD = 2**WORD_BITS - 1
# integers that doubles hold exactly, with room for the noise
LARGEST_SUM = 2.0**52


class Words(NamedTuple):
    """Integers: ``high * 2**22 + low``, both of 32 bits, ``low`` in [0, 2**22)."""

    high: Any
    low: Any


def split_integers(values: np.ndarray) -> Words:
    """Return integers of less than 2⁵² in two words.

    Examples
    --------
    >>> words = split_integers(np.array([5, -1, 2**40 + 3]))
    >>> words.high.tolist(), words.low.tolist()
    ([0, -1, 262144], [5, 4194303, 3])
    """
    high, low = values >> WORD_BITS, values & LOWER_WORD
    return Words(high.astype(np.int32), low.astype(np.int32))


def add_words(words: Words, integers: jax.Array) -> Words:
    """Return the sum of integers in two words and others of 32 bits."""
    low = words.low + (integers & LOWER_WORD)
    return Words(words.high + (integers >> WORD_BITS) + (low >> WORD_BITS), low & LOWER_WORD)


class Steps(NamedTuple):
    """A sum: a whole number of steps, and a rest that is less than a few steps."""

    whole: Words
    rest: Any


def add_noise(
    total: Steps | jax.Array, noise: Words, step: jax.Array, is_noisy: jax.Array
) -> jax.Array:
    """Return a sum with noise, as floats.

    Parameters
    ----------
    total : Steps, or array of double precision
    noise : Words
        In steps.
    step : float
        A power of two. The sum is rounded to its nearest multiple.
    is_noisy : bool
        Without noise there is nothing to protect, and nothing is rounded.

    Notes
    -----
    Rounding moves two sums of p values that differ by v apart by at most ‖v‖ + step·√p; clipping
    to ±2⁵² steps by no more.
    """
    if isinstance(total, Steps):
        rest = total.rest / step
        rounded = jnp.where(is_noisy, jnp.rint(rest).astype(jnp.int32), 0)
        whole = add_words(add_words(total.whole, noise.low), rounded)
        high = (whole.high + noise.high).astype(step.dtype) * 2.0**WORD_BITS
        low = whole.low.astype(step.dtype) + jnp.where(is_noisy, 0.0, rest)
        return (high + low) * step
    steps = jnp.clip(total / step, -LARGEST_SUM, LARGEST_SUM)
    steps = jnp.where(is_noisy, jnp.rint(steps), steps)
    return (steps + (noise.high * 2.0**WORD_BITS + noise.low)) * step
