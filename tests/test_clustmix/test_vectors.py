import math
import pickle

import numpy as np
import pytest
from desks import desk_of, noiseless
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth.clustmix._integer_sums import second_moment_sensitivity, sums_sensitivity
from skdpsynth.clustmix._vectors import ContinuousPlan
from skdpsynth.clustmix._vectors._continuous_estimates import infer_continuous
from skdpsynth.clustmix._vectors._private_pca import (
    NoisyVectorSums,
    PrivateRows,
    Standardisation,
    release_components,
    release_profile,
)
from skdpsynth.clustmix._vectors._shape import (
    average_sums,
    has_clear_components,
    has_precise_means,
)
from skdpsynth.clustmix._vectors._subspace_clusters import (
    Subspace,
    choose_subspace,
    move_centres,
    project_rows,
    release_class_moments,
    release_clusters,
    smallest_cluster,
)
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger
from skdpsynth.schema import Categorical, Continuous, Count, Table

KINDS = [Continuous(0, 1)] * 4 + [Categorical(["a", "b"])]
STANDARDISATION = Standardisation(np.full(4, 0.5), np.array([0.5, 1.0, 0.2, 0.7]), 0.8)
COMPONENTS = np.rint(np.eye(4)[:, :2] * 4096) / 4096
SUBSPACE = Subspace(COMPONENTS, np.array([0.1, 0.0]), 0.6)
LABELS, CENTRES = np.array([0, 0, 1]), np.array([[0.2, 0.0], [-0.2, 0.1], [0.0, 0.0]])


def mixture_table(n_rows, n_features, seed=0):
    """Two classes around 0.4 and 0.6 with two shared factors; Gaussian within the unit cube."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n_rows)
    loadings = rng.normal(0, 0.03, (n_features, 2))
    values = 0.4 + 0.2 * label[:, None] * (np.arange(n_features) % 2)
    values = values + rng.normal(size=(n_rows, 2)) @ loadings.T
    values += rng.normal(0, 0.03, values.shape)
    kinds = [*[Continuous(0, 1)] * n_features, Categorical(["a", "b"])]
    return np.column_stack([np.clip(values, 0, 1), label]), kinds, loadings


def release(codes, kinds, owner, desk, n_clusters="auto", share=1.0):
    plan = ContinuousPlan(tuple(kinds), owner, n_clusters, 0.02, share)
    return plan.release(Table(codes, None, None, False), desk)


def passes(codes, adjacency):
    """Return every released vector without noise, all earlier outputs fixed."""
    desk = noiseless(adjacency)
    codes = np.asarray(codes, dtype=np.float64)
    rows = PrivateRows(codes, np.arange(4), codes[:, 4].astype(int), 2)
    profile = release_profile(rows, STANDARDISATION, math.inf, "profile", desk)
    moments, _ = release_components(rows, STANDARDISATION, math.inf, desk)
    projected = project_rows(rows, STANDARDISATION, SUBSPACE)
    clusters = release_clusters(rows, projected, LABELS, CENTRES, 0.6, math.inf, "clusters", desk)
    inner, _ = release_class_moments(rows, projected, 0.6, math.inf, desk)
    return [
        np.column_stack([profile.n_records, profile.total]).ravel(),
        _upper(moments[None]),
        np.column_stack([clusters.n_records, clusters.total]).ravel(),
        _upper(inner),
    ]


def _upper(moments):
    """Return the coordinates that are released of symmetric matrices."""
    off = moments[:, *np.triu_indices(moments.shape[1], 1)]
    diagonal = 0.5 * np.diagonal(moments, axis1=1, axis2=2)
    return np.concatenate([off.ravel(), diagonal.ravel()])


def sensitivities(adjacency):
    return [
        sums_sensitivity(0.8, adjacency),
        second_moment_sensitivity(0.8, adjacency),
        sums_sensitivity(0.6, adjacency),
        second_moment_sensitivity(0.6, adjacency),
    ]


VALUE = st.floats(0.0, 1.0)
ROW = st.tuples(VALUE, VALUE, VALUE, VALUE, st.integers(0, 1))


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@given(st.lists(ROW, min_size=2, max_size=6), ROW)
def test_no_record_moves_a_pass_by_more_than_its_sensitivity(adjacency, table, other):
    whole = passes(table, adjacency)
    neighbour = table[1:] if adjacency == "add_remove" else [other, *table[1:]]
    for first, second, limit in zip(
        whole, passes(neighbour, adjacency), sensitivities(adjacency), strict=True
    ):
        assert np.linalg.norm(first - second) <= limit + 1e-12


def test_clipped_records_come_close_to_the_sensitivities():
    # truncation to multiples of 2^-10 is the gap of the sums; second moments have that of d
    corner = [[0.0, 0.0, 0.0, 0.0, 0], [1.0, 1.0, 0.5, 0.5, 0]]
    moves = [
        np.linalg.norm(first - second)
        for first, second in zip(
            passes(corner, "add_remove"), passes(corner[:1], "add_remove"), strict=True
        )
    ]
    ratios = np.array(moves) / sensitivities("add_remove")
    assert np.all(ratios[[0, 2]] > 0.995)
    assert np.all(ratios[[1, 3]] > 0.80)
    assert np.all(ratios <= 1.0)


def test_each_record_goes_to_the_nearest_centre_of_its_class():
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.random((40, 4)), rng.integers(0, 2, 40)])
    rows = PrivateRows(codes, np.arange(4), codes[:, 4].astype(int), 2)
    projected = project_rows(rows, STANDARDISATION, SUBSPACE) * 2.0**-10
    distance = np.linalg.norm(projected[:, None] - np.rint(CENTRES * 1024) / 1024, axis=2)
    distance[codes[:, 4, None] != LABELS] = math.inf
    nearest = distance.argmin(axis=1)
    released = passes(codes, "add_remove")[2].reshape(3, 3)
    assert np.array_equal(released[:, 0], np.bincount(nearest, minlength=3))
    totals = [projected[nearest == k].sum(axis=0) for k in range(3)]
    assert np.allclose(released[:, 1:], totals, atol=1e-12)


@pytest.mark.parametrize("n_clusters", ["auto", 1])
@pytest.mark.parametrize("n_rows", [200, 8000])
@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_all_branches_spend_the_budget_and_no_more(n_clusters, n_rows, adjacency):
    codes, kinds, _ = mixture_table(n_rows, 61)
    ledger = PrivacyLedger(1.0, 1e-5, adjacency)
    calls = []
    released = release(
        codes, kinds, 61, Mechanisms(ledger, NoiseSource(0), calls.append), n_clusters, 1.0 - 0.1
    )
    spent = sum(entry.event.mu**2 for entry in ledger.entries)
    assert spent == pytest.approx(0.9 * ledger.mu**2)
    assert len(calls) >= 5
    assert (released.n_records == n_rows) == (adjacency == "replace_one")
    assert (released.shape.second_moments is None) == (n_rows == 200)


def test_without_noise_the_mixture_is_recovered():
    n_rows = 5000
    codes, kinds, loadings = mixture_table(n_rows, 61)
    model = infer_continuous(release(codes, kinds, 61, noiseless(), n_clusters=1))
    shares = np.bincount(codes[:, 61].astype(int)) / n_rows
    assert np.allclose(model.weights, shares)
    # records beyond the clipping radius pull the estimates in a little
    true_means = 0.4 + 0.2 * np.outer([0, 1], np.arange(61) % 2)
    assert np.abs(model.means - true_means).max() < 0.01
    true_covariance = loadings @ loadings.T + 0.03**2 * np.eye(61)
    for label in range(2):
        fitted = model.loadings[label] @ model.loadings[label].T + np.diag(model.residual)
        error = np.linalg.norm(fitted - true_covariance) / np.linalg.norm(true_covariance)
        assert error < 0.35
    sample = model.sample_codes(5000, np.random.default_rng(0))
    assert np.abs(sample[:, :61].mean(axis=0) - codes[:, :61].mean(axis=0)).max() < 0.01


def test_noise_costs_a_large_table_little():
    # noise of a class mean: 9.6 of 2500 records times a norm of 2.5, times a scale of 0.3
    codes, kinds, _ = mixture_table(5000, 61)
    released = release(codes, kinds, 61, desk_of(1.0)[0], n_clusters=1)
    model = infer_continuous(released)
    true_means = 0.4 + 0.2 * np.outer([0, 1], np.arange(61) % 2)
    error = np.sqrt(np.mean(np.square(model.means - true_means)))
    assert error < 0.015
    assert released.shape.subspace.components.shape[1] >= 1


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 10.0, math.inf])
@pytest.mark.parametrize("n_rows", [1, 500])
def test_any_budget_and_size_gives_a_proper_model(epsilon, n_rows):
    codes, kinds, _ = mixture_table(n_rows, 65)
    kinds = [Count(0, 20), *kinds[1:]]
    model = infer_continuous(release(codes, kinds, 65, desk_of(epsilon, seed=1)[0]))
    sample = model.sample_codes(50, np.random.default_rng(0))
    assert np.all((sample[:, :65] >= 0) & (sample[:, :65] <= 1))
    assert np.all(np.isfinite(model.log_density(sample)))
    assert model.weights.sum() == pytest.approx(1.0)
    assert np.all(np.isfinite(model.draw_posterior(np.random.default_rng(0)).means))


def test_constant_columns_and_no_target():
    codes = np.full((300, 62), 0.25)
    codes[:, 0] = np.random.default_rng(0).random(300)
    kinds = [Continuous(0, 1)] * 62
    for epsilon in (1.0, math.inf):
        model = infer_continuous(release(codes, kinds, None, desk_of(epsilon)[0]))
        sample = model.sample_codes(100, np.random.default_rng(0))
        assert sample.shape == (100, 62)
        assert np.all(np.isfinite(model.log_density(sample)))
    assert np.abs(sample[:, 1:] - 0.25).max() < 0.01
    assert model.owner is None


def test_the_model_holds_nothing_of_the_size_of_the_table():
    codes, kinds, _ = mixture_table(10_000, 61)
    released = release(codes, kinds, 61, desk_of(1.0)[0])
    model = infer_continuous(released)
    # 10,000 rows are 5 MB; what is released has the size of a few covariances
    assert len(pickle.dumps((released, model))) < 1_000_000


def test_too_many_clusters_are_refused():
    codes, kinds, _ = mixture_table(8000, 61)
    for n_rows, message in [(8000, "only .* clusters"), (200, "one cluster for each")]:
        with pytest.raises(ValueError, match=message):
            release(codes[:n_rows], kinds, 61, desk_of(1.0)[0], n_clusters=20_000)


def test_more_noise_needs_larger_clusters():
    scale = np.ones(4)
    sizes = [smallest_cluster(SUBSPACE, scale, 0.02, mu, "add_remove") for mu in (0.1, 0.2)]
    assert sizes[0] == pytest.approx(2 * sizes[1])
    assert smallest_cluster(SUBSPACE, scale, 0.02, math.inf, "add_remove") == 20.0


def test_components_are_those_above_the_noise():
    profile = NoisyVectorSums(np.array([100.0]), np.zeros((1, 4)), 1.0)
    moments = 100.0 * np.diag([5.0, 1.0, 0.1, 0.0])
    # 100 records with noise of 15 an entry: the edge is at 0.6
    subspace = choose_subspace(profile, moments, 15.0, 100.0, 10.0)
    assert np.array_equal(np.abs(subspace.components), np.eye(4)[:, :2])
    assert choose_subspace(profile, moments, 1e3, 100.0, 10.0).components.shape == (4, 0)


def test_centres_of_noise_stay_and_small_clusters_go():
    sums = NoisyVectorSums(np.array([100.0, 1.0, -5.0]), np.full((3, 2), 50.0), 1.0)
    labels, centres = move_centres(sums, LABELS, CENTRES, 20.0)
    assert labels.tolist() == [0, 1]
    assert np.allclose(centres[0], 0.5, atol=1e-3)
    still, kept = move_centres(sums._replace(noise_scale=1e6), LABELS, CENTRES, 20.0)
    assert still.tolist() == [0, 1]
    assert np.allclose(kept, CENTRES[[0, 2]])


def test_measurements_average_by_precision():
    first = NoisyVectorSums(np.array([10.0]), np.array([[1.0]]), 1.0)
    second = NoisyVectorSums(np.array([20.0]), np.array([[3.0]]), 2.0)
    average = average_sums(first, second)
    assert average.n_records[0] == pytest.approx(12.0)
    assert average.total[0, 0] == pytest.approx(1.4)
    assert average.noise_scale == pytest.approx(math.sqrt(0.8))
    assert average_sums(first._replace(noise_scale=0.0), second).n_records[0] == 10.0


def test_means_are_precise_for_many_records_per_class():
    few = NoisyVectorSums(np.full(2, 50.0), np.zeros((2, 100)), 30.0)
    assert not has_precise_means(few, 100, 8.0)
    assert has_precise_means(few._replace(n_records=np.full(2, 5000.0)), 100, 8.0)


def test_components_are_clear_for_many_records():
    for n_records, is_clear in [(1e3, False), (1e6, True)]:
        assert has_clear_components(n_records, 100, 2.0, 0.1, desk_of(1.0)[0]) is is_clear
    assert has_clear_components(10.0, 100, 2.0, math.inf, noiseless())


def test_one_component_of_one_class_is_a_fit_like_any_other():
    rng = np.random.default_rng(0)
    values = 0.5 + 0.2 * rng.standard_normal((3000, 1)) + 0.02 * rng.standard_normal((3000, 61))
    codes, kinds = np.clip(values, 0, 1), [Continuous(0, 1)] * 61
    released = release(codes, kinds, None, desk_of(3.0)[0])
    assert released.shape.subspace.components.shape[1] == 1
    assert released.shape.class_moments.shape == (1, 1, 1)
