import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_markov_network import reference
from test_markov_network.reference import count_marginal, make_variables, random_rows

from skdpsynth._markov_network import Evidence, Measurement, build_network, combine
from skdpsynth.napsu import _denoise
from skdpsynth.napsu._denoise import (
    CELL_FLOOR,
    expect_interactions,
    fit_moments,
    make_targets,
    shrink_moments,
)
from skdpsynth.napsu._prior import contrast_groups, expected_moments

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


# a cycle, sets of three that overlap, a place that only sets of three have, and one level
INTERACTIONS = {
    "cycle": ((2, 3, 2, 4), [(0, 1, 2), (1, 2, 3), (0, 3)]),
    "given one": ((3, 2, 4, 3, 2), [(0, 1, 2), (0, 1, 3), (1, 2, 3), (1, 4)]),
    "apart": ((2, 3, 2, 3), [(0, 1, 2), (3,)]),
    "one level": ((2, 1, 3, 2), [(0, 1, 2), (0, 2, 3)]),
}


def pair_model(name, seed=0):
    """A network with sets of three, λ without them, and the probability of every cell."""
    shape, queries = INTERACTIONS[name]
    network = build_network(make_variables(shape), queries)
    parameters = reference.random_parameters(network, seed, 0.7)
    for position, subset in enumerate(network.subsets):
        if len(subset) > 2:
            parameters[network.block(position)] = 0.0
    return network, queries, reference.joint(network, parameters)[1]


def statistics_of(network, probability, n_records=1e7):
    cells = reference.all_cells(network.shape)
    return n_records * probability @ reference.statistics(network, cells)


def evidence_of(network, probability, variance=1e-9, n_records=1e7):
    moments = statistics_of(network, probability, n_records)
    return Evidence(n_records, 0.0, moments, np.full(network.n_parameters, variance))


def interactions_of(network):
    return np.concatenate(
        [np.r_[network.block(i)] for i, s in enumerate(network.subsets) if len(s) > 2]
    )


@pytest.mark.parametrize("name", INTERACTIONS)
def test_a_model_of_pairs_is_found_again_with_what_it_says_of_three_variables(name):
    network, queries, probability = pair_model(name)
    evidence = evidence_of(network, probability)
    own = interactions_of(network)
    # what is measured of three variables makes no difference: it is far off here
    disturbed = evidence.moments.copy()
    disturbed[own] += 1e5
    model = expect_interactions(
        network, evidence._replace(moments=disturbed), queries, np.zeros(network.n_parameters)
    )
    # 0.1 pseudo-records in a cell, and ten sweeps, of ten million records
    assert_allclose(model.expected[own], evidence.moments[own], atol=200)
    assert np.abs(evidence.moments[own]).max() > 5e4
    assert (model.parameters[own] == 0).all()


@pytest.mark.parametrize("name", INTERACTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_expected_of_three_variables_is_exact_for_the_model(name, seed):
    network, queries, probability = pair_model(name)
    rng = np.random.default_rng(seed)
    evidence = evidence_of(network, probability, 900.0, 2000.0)
    evidence = evidence._replace(moments=evidence.moments + rng.normal(0, 30, network.n_parameters))
    start = rng.normal(0, 10, network.n_parameters)
    expected, parameters = expect_interactions(network, evidence, queries, start)
    exact = statistics_of(network, reference.joint(network, parameters)[1], 2000.0)
    own = interactions_of(network)
    assert_allclose(expected[own], exact[own], atol=1e-8)
    # the others keep what they are shrunk to
    rest = np.setdiff1d(np.arange(network.n_parameters), own)
    assert_array_equal(expected[rest], start[rest])
    # neither order nor duplicates of the queries make a difference
    again = expect_interactions(network, evidence, [*queries[::-1], queries[0]], start)
    assert_array_equal(again.expected, expected)


def test_pairs_alone_have_no_interactions_to_expect():
    network = build_network(make_variables(SHAPE), [(0, 1), (1, 2), (3,)])
    evidence = evidence_of(network, np.full(48, 1 / 48))
    expected = np.ones(network.n_parameters)
    model = expect_interactions(network, evidence, [(0, 1), (1, 2), (3,)], expected)
    assert model.parameters is None
    assert_array_equal(model.expected, expected)


@pytest.mark.parametrize("name", INTERACTIONS)
def test_without_noise_nothing_is_shrunk(name):
    shape, queries = INTERACTIONS[name]
    levels = random_rows(shape, 5000, 3)
    network = build_network(make_variables(shape), queries)
    measured = [Measurement(q, count_marginal(levels, q, shape) * 1.0, 0.0) for q in queries]
    evidence = combine(network, measured, public_count=5000.0)
    zero = np.zeros(network.n_parameters)
    expected, start = expect_interactions(network, evidence, queries, zero)
    assert_allclose(shrink_moments(network, evidence, expected), evidence.moments, atol=1e-3)
    found = fit_moments(network, evidence, queries, expected, start)
    _, probability = reference.joint(network, found)
    for query in queries:
        table = 5000 * reference.marginal(shape, probability, query)
        assert_allclose(table, count_marginal(levels, query, shape), atol=1.0)


def test_what_is_only_noise_becomes_the_model_of_pairs():
    network, queries, probability = pair_model("given one")
    rng = np.random.default_rng(0)
    evidence = evidence_of(network, probability, 100.0, 20_000.0)
    own = interactions_of(network)
    moments = evidence.moments.copy()
    moments[own] += rng.normal(0, 30, len(own))
    variance = evidence.variance.copy()
    variance[own] = 1e6
    noisy = evidence._replace(moments=moments, variance=variance)
    zero = np.zeros(network.n_parameters)
    expected, start = expect_interactions(network, noisy, queries, zero)
    found = fit_moments(network, noisy, queries, expected, start)
    _, fitted = reference.joint(network, found)
    _, pairs = reference.joint(network, start)
    assert np.abs(fitted - pairs).sum() / 2 < 0.005


def test_pairs_say_more_of_three_variables_than_independence_given_one():
    """Where two columns depend on each other given the label, whatever its level."""
    network, queries, probability = pair_model("given one", 5)
    evidence = evidence_of(network, probability, 400.0, 5000.0)
    own = interactions_of(network)
    truth = evidence.moments
    simple = expected_moments(network, evidence, 1, frozenset())
    rng = np.random.default_rng(1)
    errors = np.zeros(2)
    for _ in range(20):
        noisy = evidence._replace(moments=truth + rng.normal(0, 20, len(truth)))
        pairs = expect_interactions(network, noisy, queries, simple).expected
        for i, expected in enumerate((simple, pairs)):
            error = shrink_moments(network, noisy, expected)[own] - truth[own]
            errors[i] += np.square(error).sum()
    assert errors[1] < 0.8 * errors[0]
