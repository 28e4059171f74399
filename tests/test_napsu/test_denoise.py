import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_markov_network import reference
from test_markov_network.reference import count_marginal, make_variables, random_rows

from skdpsynth._markov_network import Evidence, Measurement, build_network, combine
from skdpsynth.napsu import _denoise
from skdpsynth.napsu._denoise import CELL_FLOOR, fit_moments, make_targets, shrink_moments
from skdpsynth.napsu._prior import contrast_groups

SHAPE = (2, 3, 2, 4)
QUERIES = [(0, 1), (1, 2), (0, 2), (2, 3), (3,)]


def exact_evidence(levels, queries=QUERIES, variance=1.0):
    network = build_network(make_variables(SHAPE), queries)
    measurements = [
        Measurement(q, count_marginal(levels, q, SHAPE) * 1.0, variance) for q in queries
    ]
    return network, combine(network, measurements, public_count=float(levels.shape[1]))


def test_exact_marginals_come_back_but_for_a_tenth_of_a_record():
    levels = random_rows(SHAPE, 3000)
    network, evidence = exact_evidence(levels)
    targets = make_targets(network, evidence, [*QUERIES, (2, 3)])
    # those within others are left out
    assert [target.query for target in targets] == [(0, 1), (0, 2), (1, 2), (2, 3)]
    for query, table in targets:
        wanted = count_marginal(levels, query, SHAPE) + CELL_FLOOR
        assert_allclose(table, wanted / wanted.sum(), rtol=1e-9)
    _, probability = reference.joint(network, fit_moments(network, evidence, QUERIES))
    for query in QUERIES:
        found = 3000 * reference.marginal(SHAPE, probability, query)
        assert_allclose(found, count_marginal(levels, query, SHAPE), atol=1.0)


@pytest.mark.parametrize("seed", range(5))
def test_noisy_marginals_become_distributions_that_agree(seed):
    levels = random_rows(SHAPE, 200, seed)
    network, evidence = exact_evidence(levels)
    rng = np.random.default_rng(seed)
    noisy = evidence._replace(moments=evidence.moments + rng.normal(0, 25, len(evidence.moments)))
    targets = {target.query: target.table for target in make_targets(network, noisy, QUERIES)}
    for table in targets.values():
        assert (table > 0).all()
        assert table.sum() == pytest.approx(1.0)
    parameters = fit_moments(network, noisy, QUERIES)
    assert np.isfinite(parameters).all()


def test_statistics_that_queries_share_agree_where_that_is_possible():
    levels = random_rows(SHAPE, 1000)
    network, evidence = exact_evidence(levels)
    rng = np.random.default_rng(0)
    noisy = evidence._replace(moments=evidence.moments + rng.normal(0, 8, len(evidence.moments)))
    targets = {target.query: target.table for target in make_targets(network, noisy, QUERIES)}
    one, two = targets[0, 1].sum(axis=0), targets[1, 2].sum(axis=1)
    # a tenth of a record in each cell is the same in both
    assert_allclose(one, two, atol=1e-3)


def test_rare_cells_leave_shared_statistics_nearly_alone(monkeypatch):
    """Cutting off negative counts moves them; the projections put most of that right."""

    def disagreement():
        total = 0.0
        for seed in range(12):
            rng = np.random.default_rng(seed)
            second = rng.choice(3, 300, p=[0.9, 0.08, 0.02])
            last = rng.choice(4, 300, p=[0.94, 0.02, 0.02, 0.02])
            rows = np.array([rng.random(300) < 0.03, second, second == 1, last]).astype(int)
            network, evidence = exact_evidence(rows)
            noise = rng.normal(0, 10, len(evidence.moments))
            noisy = evidence._replace(moments=evidence.moments + noise)
            tables = {t.query: t.table for t in make_targets(network, noisy, QUERIES)}
            total += np.abs(tables[0, 1].sum(axis=0) - tables[1, 2].sum(axis=1)).max()
            total += np.abs(tables[0, 1].sum(axis=1) - tables[0, 2].sum(axis=1)).max()
        return total

    found = disagreement()
    monkeypatch.setattr(_denoise, "closure", lambda queries: ())
    assert found < 0.5 * disagreement()


def test_shrinkage_follows_the_noise():
    levels = random_rows(SHAPE, 500)
    network, evidence = exact_evidence(levels)
    rng = np.random.default_rng(1)
    expected = evidence.moments + rng.normal(0, 10, len(evidence.moments))
    # next to no noise: the measurement; nothing but noise: the simpler model
    assert_allclose(
        shrink_moments(network, evidence._replace(variance=evidence.variance * 1e-12), expected),
        evidence.moments,
        atol=1e-6,
    )
    assert_array_equal(
        shrink_moments(network, evidence._replace(variance=evidence.variance * 1e6), expected),
        expected,
    )
    # in between, group by group, 1 − noise / energy
    noisy = evidence._replace(variance=np.full_like(evidence.variance, 60.0))
    found = shrink_moments(network, noisy, expected)
    for position, subset in enumerate(network.subsets):
        block = network.block(position)
        groups = contrast_groups(subset, network.variables)
        for group in set(groups):
            own = np.arange(block.start, block.stop)[groups == group]
            deviation = (evidence.moments - expected)[own]
            trust = max(0.0, 1.0 - 60.0 * len(own) / np.square(deviation).sum())
            assert_allclose(found[own], expected[own] + trust * deviation)


def test_shrinkage_lowers_the_error():
    """James and Stein: for every mean, with three contrasts or more in a group."""
    network = build_network(make_variables((7, 7)), [(0, 1)])
    size = network.n_parameters
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 4, size)
    raw, shrunk = 0.0, 0.0
    for _ in range(40):
        noisy = truth + rng.normal(0, 5, size)
        evidence = Evidence(1000.0, 0.0, noisy, np.full(size, 25.0))
        raw += np.square(noisy - truth).sum()
        shrunk += np.square(shrink_moments(network, evidence, np.zeros(size)) - truth).sum()
    # half of the error on average; of 1920 squares the sum varies by 3 %
    assert shrunk < 0.7 * raw
