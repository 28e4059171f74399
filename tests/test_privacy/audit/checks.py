"""What every release is held to, as functions that raise an `AssertionError` where it is not so.

`check_any_two` and `check_any_two_fits` are two more of them. Planted faults are tried on all.
"""

from __future__ import annotations

import math
import pickle
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtr
from sklearn.preprocessing import MinMaxScaler

from skdpsynth import (
    Continuous,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    PrivacyLeakWarning,
    TableSchema,
)
from skdpsynth.pipeline import make_synthesizer_pipeline
from skdpsynth.privacy import (
    FailureEvent,
    GaussianEvent,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    SelectionEvent,
    compose_delta,
    plan_stable_histogram,
)

from .any_two import FEW
from .any_two_fits import frames
from .attacks import ledger_of_mu
from .cases import SYNTHESIZERS, GaussianCase, expected_mu, taped_mu
from .faults import correlation_z
from .pairs import SCHEMA
from .tape import record_desks

__all__ = [
    "check_as_charged",
    "check_guarantee",
    "check_noise",
    "check_seed_is_forgotten",
    "check_selection",
    "check_stable_histogram",
    "largest_correlation",
    "residuals",
]

# of all tests of one check together; the seeds are fixed
FALSE_ALARM = 1e-6


def check_as_charged(
    synthesizer: str,
    record: str = "corner of the domain",
    adjacency: str = "add_remove",
    fault: type[Mechanisms] | None = None,
) -> None:
    """Check that neighbours are no further apart than charged, and that all that is bought is."""
    case = GaussianCase(synthesizer, record, adjacency)
    own = SYNTHESIZERS[synthesizer]
    first, second = record_desks(
        own.release,
        own.neighbours(record, adjacency),
        lambda: ledger_of_mu(own.mu, adjacency),
        fault,
    )
    ledger, pairs = first._ledger, list(zip(first.gaussians, second.gaussians, strict=True))
    for a, b in pairs:
        distance = np.linalg.norm(b.statistic - a.statistic)
        assert distance <= a.sensitivity * (1 + 1e-9), f"{a.name} moves by {distance}"
        assert a.ledger is ledger, f"{a.name} is charged to another ledger"
    for (a, sensitivity), (b, _) in zip(first.selections, second.selections, strict=True):
        assert np.abs(a - b).max() <= sensitivity * (1 + 1e-9), "a score moves too far"
    charged = [entry for entry in ledger.entries if not entry.name.startswith(own.untaped)]
    gaussian = [entry for entry in charged if isinstance(entry.event, GaussianEvent)]
    bought = [(release.name, release.mu) for release in first.gaussians]
    assert [(entry.name, entry.event.mu) for entry in gaussian] == bought
    assert sum(isinstance(e.event, SelectionEvent) for e in charged) == len(first.selections)
    for entry, release in zip(gaussian, first.gaussians, strict=True):
        assert entry.noise_scale >= release.sensitivity / release.mu * (1 - 1e-12), entry.name
    assert expected_mu(pairs) <= taped_mu(ledger, own.untaped) * (1 + 1e-9), case
    assert compose_delta(ledger.events, ledger.epsilon, adjacency=adjacency) <= ledger.delta


class Residuals(Mechanisms):
    """Keeps the noise of each release, in standard deviations."""

    def __init__(self, ledger: PrivacyLedger, noise: NoiseSource) -> None:
        super().__init__(ledger, noise)
        self.kept: list[np.ndarray] = []

    def gaussian(self, statistic: Any, **options: Any) -> np.ndarray:
        noisy = super().gaussian(statistic, **options)
        grid = options.get("grid") or 0.0
        # the noise is rounded to the grid, which has a variance of its own
        scale = math.hypot(options["sensitivity"] / options["mu"], grid / math.sqrt(12.0))
        self.kept.append((noisy - np.asarray(statistic, dtype=float)).ravel() / scale)
        if grid:
            units = noisy / grid
            assert np.array_equal(units, np.rint(units)), f"{options['name']} is off its grid"
        return noisy


class WordCount(NoiseSource):
    """Notes all words that are drawn."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.drawn: list[np.ndarray] = []

    def words(self, size: Any) -> np.ndarray:
        found = super().words(size)
        self.drawn.append(found.ravel())
        return found


def residuals(synthesizer: str, noise: NoiseSource) -> list[np.ndarray]:
    """Return the noise of each release of a fit, in standard deviations."""
    own = SYNTHESIZERS[synthesizer]
    codes, _ = own.neighbours("corner of the domain", "add_remove")
    desk = Residuals(ledger_of_mu(1.0, "add_remove"), noise)
    own.release(codes, desk)
    return [values for values in desk.kept if len(values) >= 12]


def largest_correlation(sequences: list[np.ndarray]) -> float:
    """Return the largest Fisher z between any two."""
    return max(abs(correlation_z(a, b)) for i, a in enumerate(sequences) for b in sequences[:i])


# a generator that starts again, or a block that is drawn once, shows at one of these distances
LAGS = (1, 2, 3, 4, 5, 7, 8)


def check_noise(synthesizer: str, fits: tuple[int, int] = (4, 5)) -> None:
    """Check that the noise is as wide as is charged, and independent wherever it is drawn.

    Within a release: halves, thirds, values at small distances. Between releases, and fits. No word
    of the source is drawn twice.
    """
    sources = [WordCount(seed) for seed in fits]
    sequences = [values for noise in sources for values in residuals(synthesizer, noise)]
    assert all(np.ptp(values) > 0 for values in sequences), "all values have the same noise"
    within = []
    for values in sequences:
        n = len(values)
        within += [(values[: n // 2], values[n - n // 2 :]), (values[: n // 2], values[n // 2 :])]
        within += [(values[: n // 3], values[n // 3 : 2 * (n // 3)])] if n >= 36 else []
        within += [(values[:-lag], values[lag:]) for lag in LAGS if n - lag >= 10]
    n_tests = len(within) + len(sequences) * (len(sequences) - 1) / 2
    limit = stats.norm.isf(0.5 * FALSE_ALARM / n_tests)
    worst = max(abs(correlation_z(a, b)) for a, b in within)
    assert worst < limit, f"values of one release are correlated: {worst:.1f}"
    between = largest_correlation(sequences)
    assert between < limit, f"releases are correlated: {between:.1f}"
    values = np.concatenate(sequences)
    low, high = stats.chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], len(values)) / len(values)
    assert low < np.mean(values**2) < high, f"the noise has variance {np.mean(values**2):.3f}"
    words = np.concatenate([part for noise in sources for part in noise.drawn])
    # two of 10⁵ words are equal with probability 3e-10
    assert len(np.unique(words)) == len(words), "a word is drawn twice"


def check_selection(epsilon: float = 1.0, n_trials: int = 3000) -> None:
    """Check that candidates are picked by the law of the exponential mechanism."""
    scores, sensitivity = np.array([0.0, 1.0, 2.0, 3.0]), 1.0
    ledger = PrivacyLedger(math.inf, 1e-6)
    desk = Mechanisms(ledger, NoiseSource(0))
    picked = [
        desk.exponential(scores, sensitivity=sensitivity, epsilon=epsilon, name="pick")
        for _ in range(n_trials)
    ]
    assert ledger.events == (SelectionEvent(epsilon),) * n_trials
    law = np.exp(epsilon * scores / (2 * sensitivity))
    counts = np.bincount(picked, minlength=len(scores))
    expected = n_trials * law / law.sum()
    assert stats.chisquare(counts, expected).pvalue > FALSE_ALARM, f"picked {counts}"


def check_stable_histogram(adjacency: str = "add_remove", n_histograms: int = 2) -> None:
    """Check the noise, the threshold and the charges of levels that are bought."""
    ledger = PrivacyLedger(1.0, 1e-6, adjacency)
    desk = Mechanisms(ledger, NoiseSource(0))
    failure, n_values = 1e-7, 4000
    mu = desk.calibrate_gaussian([FailureEvent(failure)])
    plan = plan_stable_histogram(n_histograms, mu=mu, failure=failure, adjacency=adjacency)
    scale = math.sqrt(n_histograms * (1 if adjacency == "add_remove" else 2)) / mu
    threshold = int(plan.threshold)
    counts = [np.full(n_values, 10**6), np.full(n_values, threshold)][:n_histograms]
    frequent, at_threshold = desk.stable_histograms(counts, plan, name="levels")
    variance = np.mean((frequent - 10**6) ** 2) / scale**2
    low, high = stats.chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], n_values) / n_values
    assert low < variance < high, f"the noise of counts has variance {variance:.3f}"
    passed = int((~np.isnan(at_threshold)).sum())
    share = float(ndtr(0.5 / scale))
    assert stats.binomtest(passed, n_values, share).pvalue > FALSE_ALARM, f"{passed} levels passed"
    # a level of one row passes where 1 + round(z) reaches the threshold
    chance = n_histograms * float(ndtr((1.5 - threshold) / scale))
    charged = [e.delta for e in ledger.events if isinstance(e, FailureEvent)]
    assert len(charged) == 1, f"{len(charged)} failures are charged"
    assert chance <= charged[0], f"a rare level passes with probability {chance:.2g}"
    assert [e.mu for e in ledger.events if isinstance(e, GaussianEvent)] == [mu]
    assert compose_delta(ledger.events, ledger.epsilon, adjacency=adjacency) <= ledger.delta


SEED = 987_654_321_987


def check_seed_is_forgotten() -> None:
    """Check that neither a pickle nor a file has the seed, with which noise can be subtracted."""
    synthesizer = NapsuMQSynthesizer(schema=SCHEMA, inference="map", random_state=SEED)
    synthesizer.fit(frames("mixed")[FEW])
    assert not synthesizer.privacy_spent_.secure_noise
    stored = {"pickle": pickle.dumps(synthesizer)}
    with tempfile.TemporaryDirectory() as folder:
        synthesizer.save(Path(folder) / "saved")
        stored["file"] = (Path(folder) / "saved").read_bytes()
    for name, data in stored.items():
        for form in (str(SEED).encode(), SEED.to_bytes(5, "little"), SEED.to_bytes(5, "big")):
            assert form not in data, f"the seed is in the {name}"


def check_guarantee() -> None:
    """Check that what is not covered by a budget is told where the budget is."""
    frame = frames("mixed")[FEW]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrivacyLeakWarning)
        drafted = NapsuMQSynthesizer(inference="map").fit(frame[["few", "town"]].ffill())
        assert not drafted.privacy_spent_.is_private, "bounds of the rows"
        assert not drafted.privacy_spent_.public_schema
        pipeline = make_synthesizer_pipeline(
            MinMaxScaler().set_output(transform="pandas"),
            DPMixtureSynthesizer(schema=TableSchema({"pay": Continuous(0, 1)})),
        ).fit(frame[["pay"]].fillna(0.5))
        assert not pipeline.privacy_spent_.is_private, "ranges of the rows"
    assert NapsuMQSynthesizer(schema=SCHEMA, inference="map").fit(frame).privacy_spent_.is_private
    bought = TableSchema.from_private(frames("mixed")["many rows"][["few", "town"]], 2.0, 1e-6)
    spent = (
        NapsuMQSynthesizer(schema=bought, inference="map")
        .fit(frame[["few", "town"]])
        .privacy_spent_
    )
    assert spent.purchase is not None, "a purchase"
    assert "2" in str(spent.purchase)
