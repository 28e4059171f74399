"""Rounded Gaussians are exact: the integer is the one that the bits of the uniform variable say."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth.privacy import NoiseSource
from skdpsynth.privacy._rounded_gaussian import (
    MAX_SCALE,
    QUANTILE_ERROR,
    resolve_magnitude,
    round_quantiles,
)

SCALES = [0.05, 0.4, 1.0, 3.3, 91.3, 1024.7, 2.0**20, 2.0**32]


def exact_quantile(uniform):
    """−Φ⁻¹(U/2) in 60 digits, of a fraction."""
    uniform = mpmath.mpf(uniform.numerator) / uniform.denominator
    # near 0 erfinv(1 − U) would lose what U has
    start = mpmath.sqrt(-2 * mpmath.log(uniform)) if uniform < 1e-6 else None
    if start is None:
        return mpmath.sqrt(2) * mpmath.erfinv(1 - uniform)
    return mpmath.findroot(
        lambda z: mpmath.log(mpmath.erfc(z / mpmath.sqrt(2))) - mpmath.log(uniform), start
    )


def exact_magnitude(scale, uniform):
    with mpmath.workdps(60):
        return int(mpmath.floor(mpmath.mpf(scale) * exact_quantile(uniform) + mpmath.mpf("0.5")))


def split(uniform):
    """The first 128 bits of a fraction in (0, 1), as two words."""
    bits = math.floor(uniform * 2**128)
    return bits >> 64, bits & (2**64 - 1)


def no_more_bits():
    raise AssertionError("more bits were asked for")


# from 2⁻⁶³, which the first word still has, to nearly 1
uniforms = st.builds(
    lambda bits, shift: Fraction((bits >> shift) | 1, 2**128),
    st.integers(2**127, 2**128 - 1),
    st.integers(0, 62),
)


@given(uniform=uniforms)
def test_quantiles_err_by_far_less_than_what_counts_as_uncertain(uniform):
    high, low = (np.array([word], dtype=np.uint64) for word in split(uniform))
    scale = 2.0**40
    magnitude, _ = round_quantiles(scale, high, low)
    with mpmath.workdps(60):
        quantile = exact_quantile(uniform)
        # 2⁻⁴⁰ is the resolution at this scale, 2⁻⁴³ the error that is allowed for
        error = abs(mpmath.mpf(int(magnitude[0])) / scale - quantile)
        assert error <= 2.0**-40 + (1 + quantile) * QUANTILE_ERROR / 32


@pytest.mark.parametrize("scale", SCALES)
@given(uniform=uniforms)
def test_magnitudes_are_exact_or_told_to_be_uncertain(scale, uniform):
    high, low = split(uniform)
    magnitude, uncertain = round_quantiles(
        scale, np.array([high], dtype=np.uint64), np.array([low], dtype=np.uint64)
    )
    found = int(magnitude[0])
    if len(uncertain):
        found = resolve_magnitude(scale, found, high, low, no_more_bits)
    assert found == exact_magnitude(scale, uniform)


def threshold_bits(scale, magnitude, n_bits):
    """The first bits of S(magnitude) = P(round(|z|) ≥ magnitude)."""
    with mpmath.workdps(120):
        edge = (mpmath.mpf(magnitude) - mpmath.mpf("0.5")) / (mpmath.mpf(scale) * mpmath.sqrt(2))
        return int(mpmath.floor(mpmath.erfc(edge) * mpmath.mpf(2) ** n_bits))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("magnitude", [1, 2, 7])
def test_uniforms_beside_a_threshold_are_decided_by_as_many_bits_as_it_takes(scale, magnitude):
    if (magnitude - 0.5) / scale > 8:
        pytest.skip("further out than a first word can tell")
    bits = threshold_bits(scale, magnitude, 320)
    # the same first 128 bits as the threshold, then those that are a little lower or higher
    for step, expected in ((-1, magnitude), (1, magnitude - 1)):
        nearby = bits + step * 2**30
        words = [(nearby >> shift) & (2**64 - 1) for shift in (256, 192, 128, 64, 0)]
        high, low = (np.array([word], dtype=np.uint64) for word in words[:2])
        rounded, uncertain = round_quantiles(scale, high, low)
        assert uncertain.tolist() == [0]
        rest = words[:1:-1]
        found = resolve_magnitude(scale, int(rounded[0]), *words[:2], rest.pop)
        assert found == expected
        # the first 256 bits are those of the threshold
        assert not rest


def test_a_search_from_afar_ends_at_the_same_magnitude():
    high, low = split(Fraction(1, 7))
    expected = exact_magnitude(3.3, Fraction(1, 7))
    for start in (0, 1, expected, 30):
        assert resolve_magnitude(3.3, start, high, low, no_more_bits) == expected


def test_words_of_zeros_take_more_bits():
    words = iter([0, 2**63])
    found = resolve_magnitude(1.0, 9, 0, 0, lambda: next(words))
    assert found == exact_magnitude(1.0, Fraction(2**63, 2**256))
    assert round_quantiles(1.0, np.zeros(1, np.uint64), np.ones(1, np.uint64))[1].tolist() == [0]


def test_the_source_asks_for_more_bits_where_they_are_needed(monkeypatch):
    scale, magnitude = 3.3, 2
    bits = threshold_bits(scale, magnitude, 320) - 2**30
    script = [(bits >> shift) & (2**64 - 1) for shift in (256, 192, 128, 64, 0)]
    # high, low, three words more, and the sign
    script.append(2**63)
    source = NoiseSource(0)
    monkeypatch.setattr(
        NoiseSource,
        "words",
        lambda self, size: np.full(size, script.pop(0), dtype=np.uint64),
    )
    assert source.rounded_gaussian(scale, (1,)).tolist() == [-magnitude]
    assert not script


def test_the_scale_is_checked():
    for scale in (-1.0, math.nextafter(MAX_SCALE, math.inf), math.nan):
        with pytest.raises(ValueError, match="scale"):
            NoiseSource(0).rounded_gaussian(scale, 3)
