import copy
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from skdpsynth.privacy import NoiseSource

# Statistical tests use fixed seeds; each would fail for one seed in 1000 if the law is right.
FALSE_ALARM = 1e-3


class ScriptedBits:
    """Hands out prepared words, then zeros."""

    def __init__(self, words):
        self._words = list(words)

    def words(self, count):
        head, self._words = self._words[:count], self._words[count:]
        return np.array(head + [0] * (count - len(head)), dtype=np.uint64)


def scripted(*words):
    noise = NoiseSource(0)
    noise._bits = ScriptedBits(words)
    return noise


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.7])
def test_rounded_gaussian_has_the_exact_cell_probabilities(scale):
    draws = NoiseSource(11).rounded_gaussian(scale, 200_000)
    reach = max(int(3 * scale), 1)
    edges = np.arange(-reach, reach + 2) - 0.5
    observed = np.histogram(draws, bins=np.r_[-np.inf, edges[1:-1], np.inf])[0]
    expected = np.diff(stats.norm.cdf(np.r_[-np.inf, edges[1:-1], np.inf], scale=scale))
    assert stats.chisquare(observed, draws.size * expected).pvalue > FALSE_ALARM


@pytest.mark.parametrize("scale", [1500.0, 300_000.0])
def test_rounded_gaussian_on_a_fine_grid_is_gaussian(scale):
    draws = NoiseSource(12).rounded_gaussian(scale, 50_000)
    assert draws.dtype == np.int64
    assert stats.kstest(draws / scale, "norm").pvalue > FALSE_ALARM


def test_far_tails_are_reached():
    # three leading zero words: the uniform is below 2⁻¹⁹²
    assert scripted(0, 0, 0, 0, 0, 0, 1 << 63, 0).relative_uniform(1)[0] == 2.0**-193
    assert scripted().relative_uniform(1)[0] == np.finfo(float).tiny
    # the sign's word comes before those that are asked for when two of zeros leave all open
    magnitude = scripted(0, 0, 1 << 63, 0, 0).rounded_gaussian(10.0, 1)[0]
    assert magnitude == round(10 * stats.norm.isf(2.0**-130))


@pytest.mark.parametrize(
    ("draw", "law"),
    [
        (lambda noise: noise.uniform(50_000), stats.uniform),
        (lambda noise: noise.relative_uniform(50_000), stats.uniform),
        (lambda noise: noise.exponential(50_000), stats.expon),
        (lambda noise: noise.gumbel(50_000), stats.gumbel_r),
    ],
    ids=["uniform", "relative_uniform", "exponential", "gumbel"],
)
def test_continuous_laws(draw, law):
    values = draw(NoiseSource(13))
    assert values.dtype == np.float64
    assert stats.kstest(values, law.cdf).pvalue > FALSE_ALARM


def test_extreme_words_stay_finite():
    ones = 2**64 - 1
    for words in ([ones] * 3, [0] * 3):
        assert 0 < scripted(*words).uniform(1)[0] < 1
        assert np.isfinite(scripted(*words).gumbel(1)[0])


def test_a_seed_fixes_the_noise_and_nothing_else():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = NoiseSource(3).rounded_gaussian(7.0, (4, 5))
    np.testing.assert_array_equal(first, NoiseSource(np.int64(3)).rounded_gaussian(7.0, (4, 5)))
    assert not np.array_equal(first, NoiseSource(4).rounded_gaussian(7.0, (4, 5)))
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert not NoiseSource(3).is_secure


def test_random_state_objects():
    first = NoiseSource(np.random.RandomState(5)).gumbel(3)
    np.testing.assert_array_equal(first, NoiseSource(np.random.RandomState(5)).gumbel(3))
    assert not NoiseSource(np.random.RandomState(5)).is_secure
    draws = NoiseSource(9).generator().random(3)
    np.testing.assert_array_equal(draws, NoiseSource(9).generator().random(3))


def test_secure_noise_never_repeats():
    noise = NoiseSource()
    assert noise.is_secure
    assert noise.seed_bits() != NoiseSource().seed_bits()
    with ThreadPoolExecutor(4) as pool:
        seeds = list(pool.map(lambda _: noise.seed_bits(), range(100)))
    assert len(set(seeds)) == 100


@pytest.mark.parametrize("seed", [0, 7, 2**40, 2**130])
def test_a_seed_gives_no_stream_that_numpy_gives_too(seed):
    # whoever simulates data from default_rng(7) would else publish the noise of NoiseSource(7)
    words = NoiseSource(seed).words(4)
    streams = [
        family(numpy_seed).random_raw(1000)
        for family in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.SFC64)
        for numpy_seed in (seed, [seed], *np.random.SeedSequence(seed).spawn(3))
    ]
    legacy = np.random.RandomState(seed % 2**32).randint(2**64, size=1000, dtype=np.uint64)
    assert not any(np.isin(words, stream).any() for stream in [*streams, legacy])
    same = NoiseSource(seed)
    np.testing.assert_array_equal(same.words(4), words)


def test_a_random_state_gives_no_stream_that_numpy_gives_too():
    state = np.random.RandomState(7)
    words = NoiseSource(state).words(4)
    entropy = np.random.RandomState(7).randint(0, 2**32, size=4, dtype=np.uint32)
    assert not np.isin(words, np.random.PCG64(np.random.SeedSequence(entropy)).random_raw(99)).any()
    assert not np.isin(words, NoiseSource(7).words(99)).any()


def _send_seed(noise, connection):
    connection.send(noise.seed_bits())
    connection.close()


# forking beside another library's threads is deprecated; these children only draw and exit
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork.*:RuntimeWarning")
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork"
)
def test_forked_processes_differ():
    context = multiprocessing.get_context("fork")
    noise = NoiseSource()
    seeds = []
    for _ in range(2):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_send_seed, args=(noise, sender))
        process.start()
        seeds.append(receiver.recv())
        process.join()
    assert len({*seeds, noise.seed_bits()}) == 3


def test_a_source_hides_its_seed():
    noise = NoiseSource(123456)
    assert repr(noise) == "NoiseSource(is_secure=False)"
    assert repr(NoiseSource()) == "NoiseSource(is_secure=True)"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not saved or copied"):
            attempt(noise)


@pytest.mark.parametrize(
    ("seed", "error"),
    [(-1, ValueError), ("0", TypeError), (1.5, TypeError), (True, TypeError)],
)
def test_bad_seeds(seed, error):
    with pytest.raises(error, match="random_state must be"):
        NoiseSource(seed)


@pytest.mark.parametrize("scale", [-1.0, np.nan, np.inf, 2.0**32 + 1])
def test_bad_scales(scale):
    with pytest.raises(ValueError, match="scale"):
        NoiseSource(0).rounded_gaussian(scale, 1)


def test_empty_and_noiseless():
    noise = NoiseSource(0)
    assert noise.rounded_gaussian(1.0, 0).shape == (0,)
    assert noise.rounded_gaussian(1.0, ()).shape == ()
    np.testing.assert_array_equal(noise.rounded_gaussian(0.0, 3), np.zeros(3))
