"""Random numbers for mechanisms: secure unless a seed is given, integers of exactly their law."""

from __future__ import annotations

import hashlib
import numbers
import os
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from ._events import check_number
from ._rounded_gaussian import MAX_SCALE, resolve_magnitude, round_quantiles

__all__ = ["BitSource", "NoiseSource"]

Size: TypeAlias = int | tuple[int, ...]


class BitSource(Protocol):
    """What a noise source draws from."""

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        """Return ``count`` independent uniform 64-bit words."""
        ...


class _SystemBits:
    """The operating system's generator; holds no state, so forks and threads share nothing."""

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        return np.frombuffer(os.urandom(8 * count), dtype=np.uint64)


class _SeededBits:
    """A stream of its own for each seed, which no other generator draws from the same seed.

    NumPy's generators are seeded with the seed itself: a simulation of data with
    ``default_rng(7)`` would show the noise of ``NoiseSource(7)``. Here the hash of the seed and of
    this stream's name is what seeds.
    """

    _STREAM = b"skdpsynth: noise of mechanisms\0"

    def __init__(self, seed: int) -> None:
        digest = hashlib.sha256(self._STREAM + b"%d" % seed).digest()
        self._bits = np.random.PCG64(np.random.SeedSequence(int.from_bytes(digest, "little")))

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)


class NoiseSource:
    """Where all noise comes from.

    Parameters
    ----------
    random_state : None, int or numpy.random.RandomState
        ``None`` draws every number from the operating system's cryptographic generator and keeps
        no state: safe across forks and threads. An integer, or a ``RandomState`` (from which a
        128-bit seed is drawn once), fixes the noise; whoever knows it can subtract the noise, so
        it is for public data and tests only.

    Attributes
    ----------
    is_secure : bool
        False when a seed fixed the noise.

    Raises
    ------
    TypeError, ValueError
        If ``random_state`` is of another type or a negative integer.

    Notes
    -----
    A source neither shows its seed in its ``repr`` nor lets itself be pickled or copied.

    Examples
    --------
    >>> noise = NoiseSource(0)
    >>> noise
    NoiseSource(is_secure=False)
    >>> noise.rounded_gaussian(3.0, 5).dtype
    dtype('int64')
    """

    def __init__(self, random_state: int | np.random.RandomState | None = None) -> None:
        self._bits: BitSource
        if random_state is None:
            self._bits = _SystemBits()
        elif isinstance(random_state, np.random.RandomState):
            entropy = random_state.randint(0, 2**32, size=4, dtype=np.uint32)
            self._bits = _SeededBits(int.from_bytes(entropy.astype("<u4").tobytes(), "little"))
        elif isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool):
            if random_state < 0:
                raise ValueError("random_state must be a non-negative integer")
            self._bits = _SeededBits(int(random_state))
        else:
            raise TypeError(
                "random_state must be None, an integer or a numpy.random.RandomState, got "
                f"{type(random_state).__name__}"
            )
        self.is_secure = random_state is None

    def __repr__(self) -> str:
        return f"NoiseSource(is_secure={self.is_secure})"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a NoiseSource is not saved or copied, because its state would reveal the noise; "
            "make a new one from random_state"
        )

    def words(self, size: Size) -> npt.NDArray[np.uint64]:
        """Return independent uniform 64-bit words in an array of shape ``size``."""
        return self._bits.words(int(np.prod(size, dtype=np.int64))).reshape(size)

    def uniform(self, size: Size) -> npt.NDArray[np.float64]:
        """Return uniforms on the open interval (0, 1), multiples of 2⁻⁵³.

        Examples
        --------
        >>> NoiseSource(1).uniform((2, 3)).shape
        (2, 3)
        """
        return ((self.words(size) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52

    def relative_uniform(self, size: Size) -> npt.NDArray[np.float64]:
        """Return uniforms on (0, 1] with 53 significant bits however small they are.

        A multiple of 2⁻⁵³ cannot reach the far tails; here a leading zero word, of probability
        2⁻⁶⁴, only moves the exponent.
        """
        high = self.words(size).ravel()
        low = self.words(size).ravel()
        values = high.astype(np.float64) * 2.0**-64 + low.astype(np.float64) * 2.0**-128
        empty = np.flatnonzero(high == 0)
        exponent = 0
        while empty.size and exponent > -960:
            exponent -= 64
            high, low = self.words(empty.size), self.words(empty.size)
            fresh = high.astype(np.float64) * 2.0**-64 + low.astype(np.float64) * 2.0**-128
            values[empty] = np.ldexp(fresh, exponent)
            empty = empty[high == 0]
        return np.maximum(values, np.finfo(np.float64).tiny).reshape(size)

    def rounded_gaussian(self, scale: float, size: Size) -> npt.NDArray[np.int64]:
        """Return integers distributed as round(z), z ~ N(0, scale²), exactly.

        Parameters
        ----------
        scale : float in [0, 2**32]
            Standard deviation of z in grid units; 0 gives zeros.
        size : int or tuple of int
            Shape of the result.

        Returns
        -------
        ndarray of int64
            The magnitude is the number of tail probabilities above a uniform variable, the sign an
            independent bit. The uniform variable has as many bits as it takes to be certain.

        Raises
        ------
        ValueError
            If ``scale`` is out of range.
        """
        scale = check_number("scale", scale, low=0.0, high=MAX_SCALE, low_open=False)
        if scale == 0.0:
            return np.zeros(size, dtype=np.int64)
        high, low = self.words(size).ravel(), self.words(size).ravel()
        magnitude, uncertain = round_quantiles(scale, high, low)
        for i in uncertain:
            magnitude[i] = resolve_magnitude(
                scale, int(magnitude[i]), int(high[i]), int(low[i]), lambda: int(self.words(1)[0])
            )
        sign = 1 - 2 * (self.words(size) >> np.uint64(63)).astype(np.int64)
        return np.asarray(sign * magnitude.reshape(size), dtype=np.int64)

    def exponential(self, size: Size) -> npt.NDArray[np.float64]:
        """Return standard exponentials with a small relative error in both tails."""
        half = self.relative_uniform(size) / 2.0
        is_small = (self.words(size) >> np.uint64(63)) == 0
        return np.where(is_small, -np.log1p(-half), -np.log(half))

    def gumbel(self, size: Size) -> npt.NDArray[np.float64]:
        """Return standard Gumbel variables, minus the logarithm of :meth:`exponential`.

        Examples
        --------
        >>> NoiseSource(1).gumbel(3).shape
        (3,)
        """
        return -np.log(self.exponential(size))

    def seed_bits(self) -> int:
        """Return a fresh 128-bit integer, as a seed for randomness that is post-processing."""
        high, low = (int(word) for word in self.words(2))
        return (high << 64) | low

    def generator(self) -> np.random.Generator:
        """Return a numpy generator with a fresh seed, for randomness that is post-processing.

        Examples
        --------
        >>> bool(NoiseSource(3).generator().random() == NoiseSource(3).generator().random())
        True
        """
        return np.random.Generator(np.random.PCG64(self.seed_bits()))
