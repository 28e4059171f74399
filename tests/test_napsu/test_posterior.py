import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from test_markov_network import reference
from test_markov_network.reference import FALSE_ALARM, make_variables

from skdpsynth._markov_network import Evidence, build_network, calibrate, clique_potentials
from skdpsynth.napsu._denoise import fit_moments
from skdpsynth.napsu._likelihood import Likelihood, information_factor
from skdpsynth.napsu._posterior import (
    DAMPING,
    LaplacePosterior,
    PerturbedPosterior,
    SampledPosterior,
    find_mode,
)

# all tests share one program
SHAPE = (2, 3, 2)
QUERIES = ((0, 1), (1, 2))
NETWORK = build_network(make_variables(SHAPE), QUERIES)
STATISTICS = reference.statistics(NETWORK, reference.all_cells(SHAPE))
TRUTH = 0.5 * np.random.default_rng(0).standard_normal(NETWORK.n_parameters)


def mean_and_covariance(parameters):
    _, probability = reference.joint(NETWORK, parameters)
    centre = probability @ STATISTICS
    return centre, (STATISTICS - centre).T @ np.diag(probability) @ (STATISTICS - centre)


def simulate(n_records, noise, n_variance, prior_precision, seed=1):
    """Statistics of rows of the network, with noise."""
    rng = np.random.default_rng(seed)
    _, probability = reference.joint(NETWORK, TRUTH)
    rows = rng.multinomial(n_records, probability)
    size = NETWORK.n_parameters
    variance = noise**2 * rng.uniform(0.5, 2.0, size)
    return Likelihood(
        n_records + rng.normal(0, n_variance**0.5),
        n_variance,
        rows @ STATISTICS + rng.normal(0, np.sqrt(variance)),
        variance,
        np.full(size, prior_precision),
    )


def evidence_of(likelihood):
    return Evidence(*likelihood[:4])


def mode_of(likelihood):
    start = fit_moments(NETWORK, evidence_of(likelihood), QUERIES)
    mode = find_mode(NETWORK, likelihood, start)
    assert mode.converged
    return mode


def estimating_equation(likelihood, parameters):
    """Return n S C⁻¹ (s̃ − n m) − λ / τ², and the information."""
    n, v0, observed, variance, precision = likelihood
    centre, spread = mean_and_covariance(parameters)
    covariance = n * spread + np.diag(variance) + v0 * np.outer(centre, centre)
    weight = n * spread @ np.linalg.inv(covariance)
    information = n * weight @ spread + np.diag(precision)
    return weight @ (observed - n * centre) - precision * parameters, information


@pytest.mark.parametrize("n_records", [30, 1000, 100_000])
@pytest.mark.parametrize("noise", [0.01, 10.0, 100.0])
@pytest.mark.parametrize("prior_precision", [0.01, 4.0])
def test_the_mode_solves_its_equation(n_records, noise, prior_precision):
    likelihood = simulate(n_records, noise, 50.0, prior_precision)
    mode = mode_of(likelihood)
    centre, spread = mean_and_covariance(mode.parameters)
    assert_allclose(mode.expected, centre, atol=1e-9)
    assert_allclose(mode.spread, spread, atol=1e-9)
    gradient, information = estimating_equation(likelihood, mode.parameters)
    # where the search stops, in posterior standard deviations; where cells are empty they are
    # longer than those that it steps by
    assert np.sqrt(gradient @ np.linalg.solve(information, gradient) / len(gradient)) < 1e-2
    factor = information_factor(likelihood, centre, spread, DAMPING)
    steps = np.linalg.solve(factor, gradient)
    assert np.sqrt(steps @ steps / len(steps)) < 1e-3


def test_the_mode_does_not_depend_on_the_start():
    likelihood = simulate(2000, 5.0, 50.0, 0.01)
    one = mode_of(likelihood)
    two = find_mode(NETWORK, likelihood, np.zeros(NETWORK.n_parameters))
    _, information = estimating_equation(likelihood, one.parameters)
    difference = one.parameters - two.parameters
    assert two.converged
    assert np.sqrt(difference @ information @ difference / len(difference)) < 2e-3


def test_with_much_data_and_little_noise_the_mode_is_the_truth():
    likelihood = simulate(10**6, 1.0, 0.0, 1e-8)
    mode = mode_of(likelihood)
    _, information = estimating_equation(likelihood, mode.parameters)
    difference = mode.parameters - TRUTH
    law = stats.chi2(len(difference))
    assert difference @ information @ difference < law.isf(FALSE_ALARM)


def test_the_laplace_approximation_has_the_covariance_of_the_theory():
    likelihood = simulate(3000, 20.0, 400.0, 2.0)
    mode = mode_of(likelihood)
    root = LaplacePosterior.at_mode(NETWORK, QUERIES, likelihood, mode).root
    _, information = estimating_equation(likelihood, mode.parameters)
    scaled = likelihood.n_records * mean_and_covariance(mode.parameters)[1]
    expected = scaled @ np.linalg.solve(information, scaled)
    assert_allclose(root @ root.T, expected, rtol=1e-6, atol=1e-6)
    # under a flat prior: that of the noisy statistics themselves
    flat = likelihood._replace(prior_precision=np.full(NETWORK.n_parameters, 1e-9))
    mode = mode_of(flat)
    root = LaplacePosterior.at_mode(NETWORK, QUERIES, flat, mode).root
    n, v0, _, variance, _ = flat
    centre, spread = mean_and_covariance(mode.parameters)
    covariance = n * spread + np.diag(variance) + v0 * np.outer(centre, centre)
    assert_allclose(root @ root.T, covariance, rtol=1e-5, atol=1e-3)


def whitened_draws(posterior, likelihood, mode, n_draws):
    """n m(λ) of draws, in units of what theory says of them."""
    n, v0, _, variance, _ = likelihood
    centre, spread = mean_and_covariance(mode.parameters)
    without = n * spread + np.diag(variance)
    covariance = without + v0 * np.outer(centre, centre)
    # most of the variance along the centre is that of the row count
    along = np.linalg.solve(covariance, centre)
    assert v0 * (along @ centre) ** 2 > 2 * along @ without @ along
    rng = np.random.default_rng(3)
    drawn = [n * mean_and_covariance(posterior.draw(rng))[0] for _ in range(n_draws)]
    deviation = drawn - n * centre
    draws = np.linalg.solve(np.linalg.cholesky(covariance), deviation.T).T
    return draws, deviation @ along / np.sqrt(along @ covariance @ along)


@pytest.mark.parametrize("kind", ["laplace", "perturbed"])
def test_draws_have_the_covariance_of_the_theory(kind):
    """Both posteriors, where much data make them one; the row count is noisy as well."""
    likelihood = simulate(40_000, 50.0, 1000.0**2, 1e-8)
    mode = mode_of(likelihood)
    if kind == "laplace":
        posterior = LaplacePosterior.at_mode(NETWORK, QUERIES, likelihood, mode)
    else:
        tables = calibrate(NETWORK, clique_potentials(NETWORK, mode.parameters))[1]
        evidence = evidence_of(likelihood)
        posterior = PerturbedPosterior(NETWORK, QUERIES, evidence, None, tuple(tables))
    n_draws, size = 300, NETWORK.n_parameters
    draws, along = whitened_draws(posterior, likelihood, mode, n_draws)
    # standard normal: sums of squares per coordinate and along the centre, of all, correlations
    squares = np.square(draws).sum(axis=0)
    alarm = FALSE_ALARM / size
    assert alarm < stats.chi2(n_draws).cdf(np.square(along).sum()) < 1 - alarm
    assert (stats.chi2(n_draws).cdf(squares) > alarm).all()
    assert (stats.chi2(n_draws).sf(squares) > alarm).all()
    total = squares.sum()
    assert FALSE_ALARM < stats.chi2(n_draws * size).cdf(total) < 1 - FALSE_ALARM
    correlation = np.corrcoef(draws.T) - np.eye(size)
    assert np.abs(correlation).max() < stats.norm.isf(alarm / size) / np.sqrt(n_draws)
    assert np.abs(draws.mean(axis=0)).max() < stats.norm.isf(alarm) / np.sqrt(n_draws)


def test_sampled_draws_are_picked_at_random():
    draws = np.arange(6.0).reshape(3, 2)
    rng = np.random.default_rng(0)
    found = {tuple(SampledPosterior(draws).draw(rng)) for _ in range(50)}
    assert found == {(0.0, 1.0), (2.0, 3.0), (4.0, 5.0)}
