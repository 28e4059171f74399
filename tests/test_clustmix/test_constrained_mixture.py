import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdpsynth.clustmix._published._constrained_mixture import SizeConstrainedGaussianMixture

TYPES = ["full", "tied", "diag", "spherical"]


def make_blobs(n_rows=300, seed=0):
    """Three blobs of unequal sizes, the smallest with a twelfth of the records."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], [n_rows // 2, n_rows - n_rows // 2 - n_rows // 12, n_rows // 12])
    centres = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]])
    return centres[labels] + rng.normal(size=(n_rows, 2)) * [0.5, 1.0], labels


def dense_covariances(mixture):
    """One matrix per component, whatever the type."""
    n_components, n_features = mixture.means_.shape
    covariances = mixture.covariances_
    if mixture.covariance_type == "full":
        return covariances
    if mixture.covariance_type == "tied":
        return np.repeat(covariances[None], n_components, axis=0)
    if mixture.covariance_type == "diag":
        return np.array([np.diag(row) for row in covariances])
    return covariances[:, None, None] * np.eye(n_features)


@parametrize_with_checks([SizeConstrainedGaussianMixture()])
def test_follows_the_conventions_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize(("n_components", "min_size", "max_size"), [(3, 60, None), (5, 20, 80)])
def test_sizes_are_kept_and_the_objective_never_falls(
    covariance_type, n_components, min_size, max_size
):
    X, _ = make_blobs()
    for seed in range(5):
        mixture = SizeConstrainedGaussianMixture(
            n_components,
            min_size=min_size,
            max_size=max_size,
            covariance_type=covariance_type,
            reg_covar=1e-2,
            tol=0.0,
            random_state=seed,
        )
        sizes = np.bincount(mixture.fit_predict(X), minlength=n_components)
        assert sizes.min() >= min_size
        assert sizes.max() <= (max_size or len(X))
        assert_allclose(mixture.weights_, sizes / len(X))
        assert len(mixture.lower_bounds_) == mixture.n_iter_ + 1
        assert np.min(np.diff(mixture.lower_bounds_)) > -1e-12
        assert mixture.converged_


@pytest.mark.parametrize("covariance_type", TYPES)
def test_attributes_are_those_of_the_labels(covariance_type):
    X, _ = make_blobs()
    mixture = SizeConstrainedGaussianMixture(
        3, min_size=50, covariance_type=covariance_type, reg_covar=0.01, random_state=0
    ).fit(X)
    members = [X[mixture.labels_ == k] for k in range(3)]
    assert_allclose(mixture.means_, [part.mean(axis=0) for part in members])
    scatters = np.array([np.cov(part.T, bias=True) for part in members])
    expected = {
        "full": scatters + 0.01 * np.eye(2),
        "tied": np.einsum("k,kij", mixture.weights_, scatters) + 0.01 * np.eye(2),
        "diag": np.diagonal(scatters, axis1=1, axis2=2) + 0.01,
        "spherical": np.trace(scatters, axis1=1, axis2=2) / 2 + 0.01,
    }[covariance_type]
    assert_allclose(mixture.covariances_, expected)
    covariances = dense_covariances(mixture)
    blurred = [
        stats.multivariate_normal(mean, covariance).logpdf(X)
        + np.log(weight)
        - 0.005 * np.trace(np.linalg.inv(covariance))
        for mean, covariance, weight in zip(
            mixture.means_, covariances, mixture.weights_, strict=True
        )
    ]
    at_labels = np.array(blurred)[mixture.labels_, np.arange(len(X))]
    assert_allclose(mixture.lower_bound_, at_labels.mean())


@pytest.mark.parametrize("covariance_type", TYPES)
def test_densities_are_those_of_a_gaussian_mixture(covariance_type):
    X, _ = make_blobs()
    # far from the origin expanded squares would cancel
    X = X + 1e5
    mixture = SizeConstrainedGaussianMixture(
        3, covariance_type=covariance_type, random_state=0
    ).fit(X)
    joint = np.log(mixture.weights_) + np.column_stack(
        [
            stats.multivariate_normal(mean, covariance).logpdf(X)
            for mean, covariance in zip(mixture.means_, dense_covariances(mixture), strict=True)
        ]
    )
    log_density = logsumexp(joint, axis=1)
    assert_allclose(mixture.score_samples(X), log_density, atol=1e-6)
    assert_allclose(mixture.score(X), log_density.mean(), atol=1e-6)
    assert_allclose(mixture.predict_proba(X), np.exp(joint - log_density[:, None]), atol=1e-6)
    assert list(mixture.predict(X)) == list(joint.argmax(axis=1))
    reference = GaussianMixture(3, covariance_type=covariance_type)
    reference.weights_, reference.means_ = mixture.weights_, mixture.means_
    reference.covariances_ = mixture.covariances_
    reference.precisions_cholesky_ = mixture.precisions_cholesky_
    assert_allclose(mixture.score_samples(X), reference.score_samples(X), atol=1e-3)


def test_separated_blobs_are_found_when_the_bounds_allow_it():
    X, labels = make_blobs()
    X[labels == 1] += 20
    X[labels == 2] -= 20
    free = SizeConstrainedGaussianMixture(3, random_state=0).fit(X)
    sizes = sorted(np.bincount(free.labels_))
    assert sizes == [25, 125, 150]
    for k in range(3):
        assert len(set(labels[free.labels_ == k])) == 1
    assert list(free.predict(X)) == list(free.labels_)


def test_a_small_blob_is_filled_up_to_the_bound():
    X, labels = make_blobs()
    X[labels == 2] += 20
    bound = SizeConstrainedGaussianMixture(
        3, min_size=60, covariance_type="tied", n_init=5, random_state=0
    ).fit(X)
    own = np.bincount(bound.labels_[labels == 2]).argmax()
    assert np.count_nonzero(bound.labels_ == own) == 60
    assert np.all(bound.labels_[labels == 2] == own)


def test_one_component_is_the_normal_distribution_of_the_table():
    X, _ = make_blobs()
    mixture = SizeConstrainedGaussianMixture(min_size=len(X), reg_covar=0.0).fit(X)
    reference = stats.multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True))
    assert_allclose(mixture.score_samples(X), reference.logpdf(X))
    assert mixture.converged_
    assert mixture.n_iter_ == 1


@pytest.mark.parametrize("covariance_type", TYPES)
def test_samples_have_the_moments_of_the_mixture(covariance_type):
    X, _ = make_blobs()
    mixture = SizeConstrainedGaussianMixture(
        2, covariance_type=covariance_type, random_state=0
    ).fit(X)
    n_samples = 20_000
    drawn, labels = mixture.sample(n_samples)
    assert drawn.shape == (n_samples, 2)
    mean = mixture.weights_ @ mixture.means_
    second = np.einsum(
        "k,kij",
        mixture.weights_,
        dense_covariances(mixture)
        + np.einsum("ki,kj->kij", mixture.means_ - mean, mixture.means_ - mean),
    )
    # 5 standard errors in each of 2 + 3 moments: false alarm below 3e-6 for a fixed seed
    error = 5 * np.sqrt(np.diag(second) / n_samples)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < error)
    products = (drawn - mean)[:, [0, 0, 1]] * (drawn - mean)[:, [0, 1, 1]]
    error = 5 * products.std(axis=0) / np.sqrt(n_samples)
    assert np.all(np.abs(products.mean(axis=0) - second[[0, 0, 1], [0, 1, 1]]) < error)
    share = np.bincount(labels, minlength=2) / n_samples
    assert np.all(np.abs(share - mixture.weights_) < 5 * 0.5 / np.sqrt(n_samples))


def test_no_samples():
    mixture = SizeConstrainedGaussianMixture().fit(make_blobs()[0])
    drawn, labels = mixture.sample(0)
    assert drawn.shape == (0, 2)
    assert labels.shape == (0,)
    with pytest.raises(ValueError, match=r"a non-negative integer, got 1\.5"):
        mixture.sample(1.5)


def test_more_starts_are_never_worse_and_fix_by_seed():
    X, _ = make_blobs()

    def fit(n_init):
        return SizeConstrainedGaussianMixture(
            5, min_size=40, covariance_type="diag", n_init=n_init, random_state=7
        ).fit(X)

    bounds = [fit(n).lower_bound_ for n in (1, 2, 8)]
    assert bounds[0] <= bounds[1] <= bounds[2]
    assert list(fit(2).labels_) == list(fit(2).labels_)


def test_centres_from_the_data():
    X, _ = make_blobs()
    mixture = SizeConstrainedGaussianMixture(
        3, min_size=30, init_params="random_from_data", random_state=0
    ).fit(X)
    assert np.bincount(mixture.labels_).min() >= 30


def test_stopping_early_is_a_warning():
    X, _ = make_blobs()
    mixture = SizeConstrainedGaussianMixture(6, min_size=40, max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="did not converge in 1 iterations"):
        mixture.fit(X)
    assert not mixture.converged_


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 4, "min_size": 100}, "need 400, and X has n_samples=300; at most 3"),
        ({"n_components": 2, "max_size": 100}, "hold 200, and X has n_samples=300; use more"),
        ({"min_size": 0}, "min_size must be a positive integer, got 0"),
        ({"min_size": 2.0}, "min_size must be a positive integer, got 2.0"),
        ({"n_components": True}, "n_components must be a positive integer, got True"),
        ({"min_size": 5, "max_size": 4}, "max_size=4 is below min_size=5"),
        ({"covariance_type": "round"}, "covariance_type must be one of .* got 'round'"),
        ({"init_params": "kmeans"}, "init_params must be one of .* got 'kmeans'"),
        ({"tol": -1.0}, "tol must be a finite number of at least 0, got -1.0"),
        ({"reg_covar": float("nan")}, "reg_covar must be a finite number"),
        ({"n_init": 0}, "n_init must be a positive integer"),
    ],
)
def test_impossible_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        SizeConstrainedGaussianMixture(**parameters).fit(make_blobs()[0])


@pytest.mark.parametrize("covariance_type", TYPES)
def test_components_without_spread_need_regularisation(covariance_type):
    X = np.repeat([[0.0, 1.0], [2.0, 3.0]], 10, axis=0)
    mixture = SizeConstrainedGaussianMixture(
        2, covariance_type=covariance_type, reg_covar=0.0, random_state=0
    )
    with pytest.raises(ValueError, match=r"singular covariance matrix.*Increase reg_covar"):
        mixture.fit(X)
    mixture.set_params(reg_covar=1e-6).fit(X)
    assert_allclose(np.sort(mixture.means_[:, 0]), [0.0, 2.0])


@pytest.mark.parametrize("records", [[[10**400], [1]], [["a"], [1]], [[np.inf], [1]]])
def test_a_fit_to_no_numbers_fails_and_changes_nothing(records):
    mixture = SizeConstrainedGaussianMixture()
    before = dict(vars(mixture))
    with pytest.raises(ValueError, match=r"too large|could not convert|infinity"):
        mixture.fit(records)
    assert vars(mixture) == before
