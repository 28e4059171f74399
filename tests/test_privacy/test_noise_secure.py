"""The secure source: its laws without a seed, its tails, its low bits, forks and threads.

The noise has no seed here, so that every run is a new test: false-alarm rates are 10⁻⁶ and less.
"""

import math
import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest
from scipy import stats

from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger
from skdpsynth.privacy._mechanisms import plan_grid

from .audit.any_two import CASES
from .audit.secure_source import (
    PublicGenerator,
    check_secure_source,
    public_generators_refused,
)

FALSE_ALARM = 1e-6


def boundless(noise):
    return Mechanisms(PrivacyLedger(math.inf, 1e-6), noise)


N_DRAWS = 200_000

DRAWS = {
    "fine rounded gaussian": (lambda noise, n: noise.rounded_gaussian(2e5, n) / 2e5, stats.norm),
    "gumbel": (lambda noise, n: noise.gumbel(n), stats.gumbel_r),
    "exponential": (lambda noise, n: noise.exponential(n), stats.expon),
    "uniform": (lambda noise, n: noise.uniform(n), stats.uniform),
}


@pytest.mark.parametrize("name", DRAWS)
def test_laws(name):
    draw, law = DRAWS[name]
    values = draw(NoiseSource(), N_DRAWS)
    assert stats.kstest(values, law.cdf).pvalue > FALSE_ALARM
    # consecutive draws too: Fisher's z of their correlation
    r = np.corrcoef(values[:-1], values[1:])[0, 1]
    assert abs(math.atanh(r)) * math.sqrt(N_DRAWS - 4) < stats.norm.isf(FALSE_ALARM / 2)


@pytest.mark.parametrize("tail", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("name", DRAWS)
def test_tails(name, tail):
    """How many draws are beyond a quantile, on either side."""
    draw, law = DRAWS[name]
    values = draw(NoiseSource(), N_DRAWS)
    for n_beyond in ((values < law.ppf(tail)).sum(), (values > law.isf(tail)).sum()):
        assert stats.binomtest(int(n_beyond), N_DRAWS, tail).pvalue > FALSE_ALARM / 2


@pytest.mark.parametrize("scale", [0.6, 2.5])
def test_integers_on_a_coarse_grid(scale):
    values = NoiseSource().rounded_gaussian(scale, N_DRAWS)
    reach = math.ceil(3 * scale)
    edges = np.r_[-np.inf, np.arange(-reach, reach + 1) - 0.5, reach + 0.5, np.inf]
    observed = np.histogram(values, edges)[0]
    expected = N_DRAWS * np.diff(stats.norm.cdf(edges, scale=scale))
    assert stats.chisquare(observed, expected).pvalue > FALSE_ALARM


def test_every_bit_of_a_word_is_a_fair_coin():
    words = NoiseSource().words(50_000)
    bits = np.unpackbits(words.view(np.uint8).reshape(-1, 8), axis=1)
    counts = bits.sum(axis=0)
    least = min(stats.binomtest(int(count), len(words), 0.5).pvalue for count in counts)
    assert least > FALSE_ALARM / 64


# Low bits


def naive_release(statistic, scale, noise):
    """Floating-point noise added to a floating-point statistic: what must not be done."""
    return statistic + scale * noise.generator().standard_normal(np.shape(statistic))


def odd_share(released, unit):
    """Return how many outputs near zero are no multiples of a unit."""
    near = released[np.abs(released) < 0.25]
    return np.mean(near / unit != np.rint(near / unit))


def test_noise_in_floating_point_betrays_the_statistic():
    """Mironov (2012): sums with 1 are multiples of 2⁻⁵³, those with 0 of much finer numbers."""
    noise, n = NoiseSource(), 20_000
    shares = [odd_share(naive_release(np.full(n, s), 1.0, noise), 2.0**-53) for s in (0.0, 1.0)]
    assert shares[0] > 0.5
    assert shares[1] == 0.0


@pytest.mark.parametrize("grid", [None, 2.0**-6])
def test_released_numbers_do_not(grid):
    n, outputs = 50_000, []
    for statistic in (0.0, 1.0 + 2.0**-6 if grid else 1.0 + 2.0**-40):
        desk = boundless(NoiseSource())
        numbers = np.full(n, statistic)
        outputs.append(desk.gaussian(numbers, sensitivity=1.0, mu=1.0, name="numbers", grid=grid))
    step, _, _ = plan_grid(1.0, 1.0, n, grid)
    low_bits = []
    for released in outputs:
        units = released / step
        # all outputs of both are multiples of one step, which is public
        np.testing.assert_array_equal(units, np.rint(units))
        low_bits.append(np.bincount(units.astype(np.int64) % 8, minlength=8))
    # and the lowest bits are fair whatever was released: a step is a small part of the noise
    for counts in low_bits:
        assert stats.chisquare(counts).pvalue > FALSE_ALARM


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9])
def test_what_is_below_the_grid_is_rounded_away(share):
    """Statistics within half a step give the same outputs from the same noise."""
    step, _, _ = plan_grid(1.0, 1.0, 1, None)
    released = [
        boundless(NoiseSource(5)).gaussian(
            [7.0 * step + shift * step], sensitivity=1.0, mu=1.0, name="number"
        )[0]
        for shift in (0.0, share)
    ]
    assert released[1] - released[0] == step * np.rint(7.0 + share) - 7.0 * step


# Processes and threads

SHARED = NoiseSource()


def release_in_child(connection):
    desk = boundless(SHARED)
    numbers = desk.gaussian(np.zeros(8), sensitivity=1.0, mu=1.0, name="x")
    chosen = [
        desk.exponential(np.zeros(1000), sensitivity=1.0, epsilon=1.0, name="y") for _ in range(4)
    ]
    connection.send((numbers.tolist(), chosen, desk.generator().random(4).tolist()))
    connection.close()


# forking beside another library's threads is deprecated; these children only draw and exit
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork.*:RuntimeWarning")
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork"
)
def test_processes_forked_after_the_import_never_share_noise():
    context = multiprocessing.get_context("fork")
    # whatever numpy and random hold is copied by a fork; the source must not depend on it
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    children = []
    for _ in range(3):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=release_in_child, args=(sender,))
        process.start()
        children.append(receiver.recv())
        process.join()
    for position in range(3):
        seen = [str(child[position]) for child in children]
        assert len(set(seen)) == 3
    # not even one number: 24 draws among 2¹⁰ steps per standard deviation coincide sometimes,
    # 12 uniforms of 53 bits never do
    uniforms = [value for child in children for value in child[2]]
    assert len(set(uniforms)) == len(uniforms)


def test_threads_share_a_source_without_sharing_noise():
    noise = NoiseSource()
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda _: noise.words(2000), range(40)))
    words = np.concatenate(parts)
    # two of 80,000 words of 64 bits are equal with probability 2e-10
    assert len(np.unique(words)) == len(words)
    values = np.concatenate(list(ThreadPoolExecutor(4).map(lambda _: noise.gumbel(5000), range(8))))
    assert stats.kstest(values, "gumbel_r").pvalue > FALSE_ALARM


# Nothing else is drawn from


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("name", [name for name in CASES if not name.endswith(", plan")])
def test_a_secure_fit_draws_from_no_public_generator(name, adjacency):
    """Noise, selections, rounding and Poisson batches; see there what is public and allowed."""
    if name == "a model of one's own, missing values" or (
        CASES[name].compiles and adjacency == "replace_one"
    ):
        pytest.skip("compiled anew, and drawn by the same code as the others")
    check_secure_source(name, adjacency)


def test_public_generators_are_refused_and_given_back():
    with public_generators_refused():
        for draw in (np.random.default_rng, np.random.RandomState, np.random.PCG64):
            with pytest.raises(PublicGenerator):
                draw(0)
        with pytest.raises(PublicGenerator):
            jax.random.uniform(jax.random.key(0))
        assert 0.0 < NoiseSource().generator().random() < 1.0
    assert np.random.default_rng(0).random() == np.random.default_rng(0).random()
