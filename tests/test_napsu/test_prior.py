import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from test_markov_network import reference
from test_markov_network.reference import FALSE_ALARM, TOPOLOGIES, make_network, make_variables

from skdpsynth._markov_network import Evidence, Measurement, Variable, build_network, combine
from skdpsynth.napsu._prior import (
    baseline_variance,
    contrast_groups,
    empirical_variance,
    expected_moments,
)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_the_baseline_is_the_mean_square_of_the_contrasts(name):
    network = make_network(name)
    own = reference.statistics(network, reference.all_cells(network.shape))
    # over all other variables as well, which makes no difference
    assert_allclose(baseline_variance(network), np.square(own).mean(axis=0))


def test_contrasts_of_one_level_of_detail_are_a_group():
    variables = [Variable(4), Variable(5, True), Variable(9, True, True)]
    assert_array_equal(contrast_groups((0,), variables), [0, 0, 0])
    assert_array_equal(contrast_groups((1,), variables), [0, 0, 1, 0])
    ordered = contrast_groups((2,), variables)
    # the missing value, then halves, then quarters, eighths
    assert sorted(np.bincount(ordered)) == [2, 2, 4]
    product = contrast_groups((0, 1), variables)
    assert_array_equal(product, np.tile([0, 0, 1, 0], 3))
    pair = contrast_groups((1, 2), variables)
    assert len(np.unique(pair)) == 6


def test_the_prior_variance_is_that_of_the_parameters():
    """Parameters from a known normal law, statistics by the linear approximation."""
    network = build_network([Variable(1001)], [(0,)])
    rng = np.random.default_rng(0)
    n, tau, noise = 1e6, 0.3, 200.0
    slope = n * baseline_variance(network)
    own = rng.normal(0, tau, 1000) * slope + rng.normal(0, noise, 1000)
    evidence = Evidence(n, 0.0, own, np.full(1000, noise**2))
    found = empirical_variance(network, evidence, np.zeros(1000), 100.0)
    assert np.ptp(found) == 0
    # the sum of squares is a multiple of χ² with 1000 degrees of freedom
    law = stats.chi2(1000)
    scale = (tau**2 + (noise / slope[0]) ** 2) / 1000
    low, high = scale * law.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2]) - (noise / slope[0]) ** 2
    assert low < found[0] < high
    assert (empirical_variance(network, evidence, np.zeros(1000), 0.01) == 0.01).all()
    # nothing but noise leaves a little
    quiet = evidence._replace(moments=np.zeros(1000))
    left = empirical_variance(network, quiet, np.zeros(1000), 100.0)[0]
    assert 0 < left < 0.01 * (noise / slope[0]) ** 2


def evidence_of(network, queries, probability, n=1e5):
    shape = network.shape
    measurements = [
        Measurement(q, n * reference.marginal(shape, probability, q), 1.0) for q in queries
    ]
    return combine(network, measurements, public_count=n)


def test_the_simple_model_is_independence_given_the_target():
    shape, target = (3, 2, 4, 2), 1
    queries = [(0, 1), (1, 2), (1, 3), (0, 1, 2), (2, 3)]
    network = build_network(make_variables(shape), queries)
    rng = np.random.default_rng(1)
    own = rng.dirichlet([2, 2])
    profiles = [rng.dirichlet(np.full(size, 3.0), 2) for size in shape]
    cells = reference.all_cells(shape)
    probability = own[cells[:, 1]] * np.prod(
        [profiles[v][cells[:, 1], cells[:, v]] for v in (0, 2, 3)], axis=0
    )
    evidence = evidence_of(network, queries, probability)
    expected = expected_moments(network, evidence, target, frozenset())
    exact = 1e5 * probability @ reference.statistics(network, cells)
    assert_allclose(exact, evidence.moments, atol=1e-6)
    for position, subset in enumerate(network.subsets):
        block = network.block(position)
        if len(subset) == 1:
            assert (expected[block] == 0).all()
        elif target not in subset or len(subset) == 3:
            # a thousandth is added to the counts
            assert_allclose(expected[block], exact[block], atol=0.1)
        else:
            first, second = (
                exact[network.block(network.subsets.index((v,)))] / 1e5 for v in subset
            )
            assert_allclose(expected[block], 1e5 * np.outer(first, second).ravel(), atol=0.1)


def test_without_a_target_the_simple_model_is_independence_and_places_are_uniform():
    shape = (3, 2, 4)
    queries = [(0, 1), (1, 2)]
    network = build_network(make_variables(shape), queries)
    probability = np.random.default_rng(2).dirichlet(np.full(24, 3.0))
    evidence = evidence_of(network, queries, probability)
    expected = expected_moments(network, evidence, None, frozenset({2}))
    own = [reference.marginal(shape, probability, (v,)) for v in range(3)]
    product = np.einsum("i,j,k->ijk", *own).ravel()
    exact = 1e5 * product @ reference.statistics(network, reference.all_cells(shape))
    for position, subset in enumerate(network.subsets):
        wanted = exact[network.block(position)] if subset == (0, 1) else 0.0
        assert_allclose(expected[network.block(position)], wanted, atol=0.1)
