import importlib.util
import sys
import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from numpyro.infer import Trace_ELBO
from numpyro.infer.autoguide import AutoDiagonalNormal
from numpyro.infer.initialization import init_to_value
from numpyro.optim import SGD
from scipy import stats
from test_product_mixture.reference import (
    FAMILIES,
    mixed_schema,
    random_codes,
    random_estimates,
    random_model,
)

from skdpsynth import Categorical, Continuous, Count, DPMixtureSynthesizer, TableSchema
from skdpsynth._product_mixture import encode_records
from skdpsynth.mixture._d3p import _engine as _d3p
from skdpsynth.mixture._d3p._engine import (
    _import_d3p,
    affordable_sampling_rate,
    check_d3p_adjacency,
    choose_batch_size,
    fit_d3p,
    require_d3p,
)
from skdpsynth.mixture._d3p._numpyro_mixture import build_model, initial_values
from skdpsynth.mixture._dpvi._noisy_gradients import DPVIPlan
from skdpsynth.privacy import (
    GaussianEvent,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    WithoutReplacementGaussianEvent,
)

needs_d3p = pytest.mark.skipif(
    importlib.util.find_spec("d3p") is None,
    reason="d3p is not installed; make test-d3p runs this where it is",
)

PLAN = DPVIPlan(n_steps=100, sampling_rate=0.05, clipping_norm=2.0, learning_rate=0.03)


@pytest.fixture(scope="module")
def problem():
    """Rows of a known mixture, and another one to start from."""
    rng = np.random.default_rng(0)
    model = random_model(rng, mixed_schema(nullable=True))
    codes = model.sample_codes(2000, rng)
    records = encode_records(codes, model.columns, model.layout, model.grids, model.bins)
    start = replace(
        model,
        weights=np.full(len(model.weights), 1 / len(model.weights)),
        estimates=random_estimates(rng, model.layout, len(model.weights)),
    )
    return model, start, codes, records


def fit(problem, ledger, seed=0, plan=PLAN, progress=None):
    model, start, _, records = problem
    desk = Mechanisms(ledger, NoiseSource(seed), progress)
    return fit_d3p(records, model.layout, model.owner, start.estimates, start.weights, plan, desk)


def hide_d3p(monkeypatch, module=None):
    monkeypatch.setitem(sys.modules, "d3p", module)
    for name in ("minibatch", "random", "svi"):
        monkeypatch.delitem(sys.modules, f"d3p.{name}", raising=False)


@pytest.mark.parametrize("failure", [None, object()])
def test_error_says_how_to_get_d3p(monkeypatch, failure):
    # None cannot be imported; an object without svi is d3p beside a jax it does not know
    hide_d3p(monkeypatch, failure)
    with pytest.raises(ImportError, match=r'Python 3.11: pip install -e "\.\[d3p\]"'):
        require_d3p()


def test_missing_d3p_charges_nothing(monkeypatch, problem):
    hide_d3p(monkeypatch)
    ledger = PrivacyLedger(1.0, 1e-6, "replace_one")
    with pytest.raises(ImportError, match=r"d3p 0\.2\.0"):
        fit(problem, ledger)
    assert ledger.entries == ()


def test_add_remove_is_refused(problem):
    ledger = PrivacyLedger(1.0, 1e-6, "add_remove")
    with pytest.raises(ValueError, match="needs adjacency=\"replace_one\", got 'add_remove'"):
        fit(problem, ledger)
    assert ledger.entries == ()
    check_d3p_adjacency("replace_one")


@needs_d3p
def test_d3p_can_be_imported():
    require_d3p()


@needs_d3p
def test_all_of_the_budget_is_spent_and_no_more(problem):
    ledger = PrivacyLedger(2.0, 1e-6, "replace_one")
    ledger.charge(GaussianEvent(0.1), name="profile")
    finished = []
    fit(problem, ledger, progress=finished.append)
    event = ledger.events[1]
    assert event == WithoutReplacementGaussianEvent(2000, 100, event.noise_multiplier, 100)
    entry = ledger.entries[1]
    assert entry.sensitivity == 2 * PLAN.clipping_norm
    assert entry.noise_scale == pytest.approx(event.noise_multiplier * PLAN.clipping_norm)
    assert 0.98 * 2.0 < ledger.spent().epsilon <= 2.0
    assert not ledger.spent().secure_noise
    assert finished == [64, 36]


@needs_d3p
def test_without_noise_it_finds_a_mixture_of_nearly_the_density(problem):
    model, start, codes, _ = problem
    ledger = PrivacyLedger(np.inf, 1e-6, "replace_one")
    plan = replace(PLAN, n_steps=600, clipping_norm=10.0)
    weights, estimates = fit(problem, ledger, plan=plan)
    found = replace(model, weights=weights, estimates=estimates)
    truth, before = model.log_density(codes).mean(), start.log_density(codes).mean()
    after = found.log_density(codes).mean()
    assert truth - after < 0.15 * (truth - before)
    assert ledger.events == (WithoutReplacementGaussianEvent(2000, 100, 0.0, 600),)


@needs_d3p
def test_estimates_are_a_mixture_with_uncertainty(problem):
    model, start, codes, _ = problem
    weights, estimates = fit(problem, PrivacyLedger(2.0, 1e-6, "replace_one"))
    assert weights.sum() == pytest.approx(1.0)
    assert estimates.n_records.sum() <= 2000
    for block in model.layout.blocks:
        np.testing.assert_allclose(estimates.cell[:, block.cells].sum(axis=1), 1.0)
    for part, like in zip(estimates, start.estimates, strict=True):
        assert part.shape == like.shape
        assert np.isfinite(part).all()
    for part in (estimates.cell_size, estimates.missing_size, estimates.location_error):
        assert (part > 0).all()
    found = replace(model, weights=weights, estimates=estimates)
    drawn = found.draw_posterior(np.random.default_rng(0))
    assert np.isfinite(drawn.log_density(codes)).all()


@needs_d3p
def test_a_seed_fixes_the_fit_and_another_one_changes_it(problem):
    fits = [fit(problem, PrivacyLedger(2.0, 1e-6, "replace_one"), seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(fits[0][1].cell, fits[1][1].cell)
    assert np.abs(fits[0][1].cell - fits[2][1].cell).max() > 1e-3


@needs_d3p
def test_parameters_that_are_not_finite_are_an_error(problem):
    plan = replace(PLAN, learning_rate=1e30)
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        fit(problem, PrivacyLedger(2.0, 1e-6, "replace_one"), plan=plan)


def step_of(problem, batch, multiplier, clipping_norm):
    """Return what d3p subtracts in one plain gradient step, over the number of rows."""
    model, start, _, records = problem
    d3p_svi, d3p_random, _ = _import_d3p()
    numpyro_model = build_model(model.layout, model.owner, len(records.classes))
    values = initial_values(start.weights, start.estimates, model.layout)
    guide = AutoDiagonalNormal(numpyro_model, init_loc_fn=init_to_value(values=values))
    svi = d3p_svi.DPSVI(
        numpyro_model,
        guide,
        SGD(1.0),
        Trace_ELBO(),
        clipping_threshold=clipping_norm,
        dp_scale=multiplier,
    )
    before = svi.init(d3p_random.PRNGKey(7), *batch)
    after, _ = svi.update(before, *batch)
    before, after = (jax.tree.leaves(svi.optim.get_params(s.optim_state)) for s in (before, after))
    parts = zip(before, after, strict=True)
    return np.concatenate([np.ravel(b - a) for b, a in parts]) / len(records.classes)


def batch_of(codes, model):
    records = encode_records(codes, model.columns, model.layout, model.grids, model.bins)
    return tuple(jnp.asarray(part, part.dtype.name.replace("64", "32")) for part in records)


@needs_d3p
@pytest.mark.parametrize("clipping_norm", [0.5, 2.0, 1e4])
def test_replacing_a_row_moves_a_step_by_twice_the_clipping_norm_at_most(problem, clipping_norm):
    model = problem[0]
    rng = np.random.default_rng(3)
    codes = random_codes(rng, mixed_schema(nullable=True), 8)
    step = step_of(problem, batch_of(codes, model), 0.0, clipping_norm)
    moves = []
    for other in random_codes(rng, mixed_schema(nullable=True), 10):
        neighbour = codes.copy()
        neighbour[3] = other
        moves.append(step - step_of(problem, batch_of(neighbour, model), 0.0, clipping_norm))
    largest = np.linalg.norm(moves, axis=1).max()
    assert largest <= 2 * clipping_norm / 8 * (1 + 1e-4)
    if clipping_norm == 0.5:
        # gradients of different rows are not parallel, but the bound is of the right size
        assert largest > clipping_norm / 8


@needs_d3p
def test_noise_of_a_step_is_gaussian_of_the_accounted_scale(problem):
    model, _, codes, _ = problem
    batch = batch_of(codes[:8], model)
    multiplier, clipping_norm = 3.0, 0.5
    noise = step_of(problem, batch, multiplier, clipping_norm)
    noise -= step_of(problem, batch, 0.0, clipping_norm)
    scale = multiplier * clipping_norm / 8
    # false-alarm rate 1e-4, had the seed not been fixed
    assert stats.kstest(noise / scale, "norm").pvalue > 1e-4
    assert len(noise) > 200


def test_few_rows_are_not_sampled():
    assert choose_batch_size(0.1, 31) == 31
    assert choose_batch_size(0.1, 32) == 3
    assert choose_batch_size(0.001, 32) == 1
    assert choose_batch_size(1.0, 100) == 100


def test_batches_are_smaller_where_gradients_are_large():
    assert affordable_sampling_rate(0.3, 1000, 40.0) == 0.3
    rate = affordable_sampling_rate(1.0, 1e6, 12_345.5)
    assert 3.9e6 < rate * 1e6 * 2 * 12_345.5 <= 4e6
    assert affordable_sampling_rate(1.0, 6400, 1e9) == 0.01


@needs_d3p
def test_the_size_of_batches_does_not_follow_from_noise(monkeypatch):
    """What is composed exactly for each size is not covered where noisy releases choose it."""
    rng = np.random.default_rng(0)
    schema = TableSchema(
        {"x": Continuous(0, 1), "c": Categorical(list("abcd")), "y": Categorical([0, 1])}, "y"
    )
    table = pd.DataFrame(
        {"x": rng.random(900), "c": rng.choice(list("abcd"), 900), "y": rng.integers(2, size=900)}
    )
    monkeypatch.setattr(_d3p, "MOST_GRADIENT_ENTRIES", 30_000)
    found = set()
    for seed in range(3):
        synth = DPMixtureSynthesizer(
            5.0, 1e-5, "replace_one", schema=schema, inference="dpvi", engine="d3p", n_steps=3,
            random_state=seed,
        ).fit(table)  # fmt: skip
        event = synth.ledger_.events[-1]
        found.add((event.batch_size, event.noise_multiplier))
    assert len(found) == 1


def make_synthesizer(**parameters):
    settings = {"n_components": 2, "n_bins": 4, "n_steps": 20, "random_state": 0}
    settings |= {"inference": "dpvi", "engine": "d3p", "adjacency": "replace_one"}
    return DPMixtureSynthesizer(
        2.0, 1e-6, schema=mixed_schema(nullable=True), **settings | parameters
    )


def make_table(n_rows):
    rng = np.random.default_rng(6)
    frame = {}
    for name, kind in mixed_schema(nullable=True).columns.items():
        if hasattr(kind, "levels"):
            frame[name] = rng.choice(np.array(kind.levels, dtype=object), n_rows)
        else:
            values = rng.uniform(kind.low, kind.high, n_rows)
            frame[name] = np.rint(values) if isinstance(kind, Count) else values
    return pd.DataFrame(frame)


def test_the_plan_tells_of_the_gradients_without_a_share(monkeypatch):
    monkeypatch.setattr("skdpsynth.mixture._d3p._engine.require_d3p", lambda: None)
    *gaussian, gradients = make_synthesizer().plan().releases
    assert [planned.share for planned in gaussian] == [0.1, 0.3]
    assert np.isnan(gradients.share)
    assert gradients.name == "clipped gradients, 20 steps of d3p"


@needs_d3p
def test_synthesizer_fits_and_samples_with_d3p():
    synthesizer = make_synthesizer(distributions=FAMILIES).fit(make_table(300))
    names = [entry.name for entry in synthesizer.ledger_.entries]
    assert names == [planned.name for planned in synthesizer.plan().releases]
    assert synthesizer.privacy_spent_.epsilon <= 2.0
    assert isinstance(synthesizer.ledger_.events[-1], WithoutReplacementGaussianEvent)
    sample = synthesizer.sample(50, random_state=0)
    assert list(sample.columns) == list(mixed_schema().names)
    assert np.isfinite(synthesizer.score(sample))


def test_synthesizer_checks_engine_before_the_rows(monkeypatch):
    with pytest.raises(ValueError, match='engine="d3p" does inference="dpvi" only'):
        make_synthesizer(inference="moments").fit(make_table(20))
    with pytest.raises(ValueError, match='needs adjacency="replace_one"'):
        make_synthesizer(adjacency="add_remove").fit(make_table(20))
    hide_d3p(monkeypatch)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[d3p\]"'):
        make_synthesizer().fit(make_table(20))


@needs_d3p
def test_batches_are_subsets_in_which_every_row_and_pair_is_equally_likely():
    _, d3p_random, d3p_minibatch = _import_d3p()
    n_rows, batch_size, n_batches = 33, 6, 20_000
    start_batches, take_batch = d3p_minibatch.subsample_batchify_data(
        (jnp.arange(n_rows),), batch_size=batch_size
    )
    _, state = start_batches(d3p_random.PRNGKey(5))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fold_in is deprecated")
        (batches,) = jax.vmap(take_batch, in_axes=(0, None))(
            jnp.arange(n_batches, dtype=jnp.uint32), state
        )
    is_in = np.zeros((n_batches, n_rows), dtype=int)
    np.put_along_axis(is_in, np.asarray(batches), 1, axis=1)
    assert (is_in.sum(axis=1) == batch_size).all()
    pairs = (is_in.T @ is_in) / n_batches
    rate = batch_size / n_rows
    both = rate * (batch_size - 1) / (n_rows - 1)
    n_compared = n_rows * (n_rows + 1) // 2
    # a union bound over rows and pairs: false-alarm rate 1e-4, had the seed not been fixed
    z = stats.norm.isf(1e-4 / 2 / n_compared)
    expected = np.where(np.eye(n_rows, dtype=bool), rate, both)
    error = np.abs(pairs - expected) / np.sqrt(expected * (1 - expected) / n_batches)
    assert error.max() < z
