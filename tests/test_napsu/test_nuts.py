"""Hamiltonian Monte Carlo against quadrature and the theory of much data."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from test_markov_network import reference
from test_markov_network.reference import FALSE_ALARM, make_variables

from skdpsynth import Categorical, NapsuMQSynthesizer, TableSchema
from skdpsynth._markov_network import Variable, build_network
from skdpsynth.napsu import _inference, _nuts
from skdpsynth.napsu._likelihood import Likelihood
from skdpsynth.napsu._nuts import run_nuts
from skdpsynth.napsu._posterior import find_mode

NETWORK = build_network([Variable(2)], [(0,)])
# few rows and much noise: far from a normal law
SMALL = Likelihood(25.0, 9.0, np.array([14.0]), np.array([16.0]), np.array([0.5]))


def quadrature(likelihood, spread_at=None):
    """Return a grid of λ and its probabilities."""
    n, v0, (observed,), (variance,), (precision,) = likelihood
    grid = np.linspace(-12, 12, 20_001)
    expected, spread = moments(grid)
    covariance = n * spread + variance + v0 * expected**2
    log_density = -0.5 * precision * grid**2
    if spread_at is None:
        log_density += stats.norm.logpdf(observed, n * expected, np.sqrt(covariance))
    else:
        centre, held = moments(spread_at)
        held = n * held + variance + v0 * centre**2
        log_density -= 0.5 * (observed - n * expected) ** 2 / held
    weights = np.exp(log_density - log_density.max())
    return grid, weights / weights.sum()


def moments(parameter):
    """Of a(x) = ±1/√2 under p(x) ∝ exp(λ a(x))."""
    expected = np.tanh(parameter / math.sqrt(2)) / math.sqrt(2)
    return expected, 0.5 - expected**2


def check_draws(run, grid, probability):
    """Shares below quantiles, with the error of as many independent draws as they are worth."""
    cumulative = np.cumsum(probability)
    assert run.effective_size > 200
    limit = stats.norm.isf(FALSE_ALARM / 2)
    for level in (0.05, 0.25, 0.5, 0.75, 0.95):
        found = (run.draws[:, 0] <= grid[np.searchsorted(cumulative, level)]).mean()
        # tails are worth fewer draws than the mean: half as many
        error = math.sqrt(level * (1 - level) / (run.effective_size / 2))
        assert abs(found - level) < limit * error + 1e-3


@pytest.mark.parametrize("is_exact", [True, False])
def test_draws_follow_the_posterior(monkeypatch, is_exact):
    if not is_exact:
        monkeypatch.setattr(_nuts, "LARGEST_EXACT", 0)
    mode = find_mode(NETWORK, SMALL, np.zeros(1))
    run = run_nuts(NETWORK, SMALL, mode, 1200, np.random.default_rng(0))
    assert run.draws.shape[1] == 1
    assert len(run.draws) >= 1200
    assert run.r_hat < 1.05
    assert run.n_divergent < 0.01 * len(run.draws)
    check_draws(run, *quadrature(SMALL, None if is_exact else mode.parameters[0]))


def test_with_much_data_draws_have_the_covariance_of_the_theory():
    """Under a flat prior n m(λ) varies by n S + V + v₀ m mᵀ."""
    network = build_network(make_variables((2, 3)), [(0, 1)])
    cells = reference.statistics(network, reference.all_cells((2, 3)))
    probability = np.array([0.1, 0.15, 0.3, 0.2, 0.05, 0.2])
    n, v0, variance = 50_000.0, 300.0**2, np.full(5, 60.0**2)
    likelihood = Likelihood(n, v0, n * probability @ cells, variance, np.full(5, 1e-8))
    mode = find_mode(network, likelihood, np.zeros(5))
    run = run_nuts(network, likelihood, mode, 1200, np.random.default_rng(1))
    centre = probability @ cells
    spread = (cells - centre).T @ np.diag(probability) @ (cells - centre)
    covariance = n * spread + np.diag(variance) + v0 * np.outer(centre, centre)
    drawn = np.array([reference.joint(network, draw)[1] @ cells for draw in run.draws])
    root = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(root, n * (drawn - centre).T)
    assert run.effective_size > 400
    # squares are worth fewer draws than the mean: half as many
    worth = run.effective_size / 2
    limit = stats.norm.isf(FALSE_ALARM / 50) / math.sqrt(worth)
    assert np.abs(whitened.mean(axis=1)).max() < limit
    products = whitened @ whitened.T / whitened.shape[1]
    error = np.sqrt(1 + np.eye(5))
    assert (np.abs(products - np.eye(5)) < limit * error).all()


SCHEMA = TableSchema({"sick": Categorical(["no", "yes"])})
TABLE = pd.DataFrame({"sick": ["no"] * 250 + ["yes"] * 750})


def make_synthesizer():
    return NapsuMQSynthesizer(schema=SCHEMA, queries=[], inference="nuts", random_state=0)


def test_the_synthesizer_draws_from_the_chains():
    model = make_synthesizer().fit(TABLE)
    shares = [(t["sick"] == "yes").mean() for t in model.sample_datasets(40, 5000, random_state=1)]
    # noise of ε = 1 in the counts, sampling twice; bounds that one in a million exceeds
    noise = math.sqrt(model.ledger_.entries[-1].noise_scale ** 2 + 0.1875 * 1000) / 1000
    assert abs(np.mean(shares) - 0.75) < 6 * noise
    assert 0.3 * noise < np.std(shares) < 2 * noise


def test_chains_that_have_not_mixed_are_a_warning_with_a_way_out(monkeypatch):
    monkeypatch.setattr(_inference, "LARGEST_R_HAT", 0.0)
    with pytest.warns(ConvergenceWarning, match="have not mixed: split R̂ is .*prior_scale"):
        model = make_synthesizer().fit(TABLE)
    assert len(next(model.sample_datasets(1, 30, random_state=0))) == 30
