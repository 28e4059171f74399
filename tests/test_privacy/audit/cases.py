"""What is audited: every synthesizer's Gaussian releases, on every pair of neighbours.

A new mechanism is one more entry of `SYNTHESIZERS`: a function that makes all of its releases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpyro
import numpyro.distributions as dist

from skdpsynth import (
    ClustMixSynthesizer,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
)
from skdpsynth.privacy import GaussianEvent, Mechanisms, NoiseSource, PrivacyLedger
from skdpsynth.schema import Table

from .attacks import attack_gaussian, distances, ledger_of_mu
from .bounds import least_detected_mu, mu_bound
from .pairs import (
    ADJACENCIES,
    NUMBERS,
    NUMERIC_RECORDS,
    RECORDS,
    SCHEMA,
    neighbours,
    numeric_neighbours,
)
from .tape import Release, record_pair

__all__ = [
    "SYNTHESIZERS",
    "GaussianCase",
    "Measured",
    "Synthesizer",
    "all_cases",
    "audit_case",
    "record_case",
]

MU = 1.0
LEAST_RATIO = 0.9
N_TRIALS = (100_000, 150_000, 200_000, 300_000)


@dataclass(frozen=True)
class Synthesizer:
    """The releases of one way of fitting.

    Attributes
    ----------
    release : callable
        Takes codes and a desk; makes all releases of a fit.
    records : mapping of name to record
        What the two tables differ in.
    neighbours : callable
        Takes one of `records` and an adjacency; returns the codes of D and D'.
    loose : mapping of adjacency to set of records
        Pairs that do not attain the bound, and why not is a comment beside.
    untaped : tuple of str
        Beginnings of the names of releases whose noise is added elsewhere; they have cases of
        their own.
    adjacencies : tuple of str
        Those under which there is anything to tape.
    mu : float
        That the whole fit is charged for.
    """

    release: Callable[[np.ndarray, Mechanisms], object]
    records: dict[str, list[float]] = field(default_factory=lambda: RECORDS)
    neighbours: Callable[[str, str], tuple[np.ndarray, np.ndarray]] = neighbours
    loose: dict[str, set[str]] = field(default_factory=dict)
    untaped: tuple[str, ...] = ("(none)",)
    adjacencies: tuple[str, ...] = ADJACENCIES
    mu: float = MU


def estimator_release(
    estimator: Any, schema: Any = SCHEMA
) -> Callable[[np.ndarray, Mechanisms], object]:
    """Return the releases of an estimator's fit, on codes."""

    def release(codes: np.ndarray, desk: Mechanisms) -> object:
        released = estimator._plan(schema).release(Table(codes, schema, None, False), desk)
        # the functions of a model of one's own are local, and cannot be pickled
        return (released.trace, released.n_records) if hasattr(released, "trace") else released

    return release


def continuous_release(**parameters: Any) -> Callable[[np.ndarray, Mechanisms], object]:
    """Return the releases of ClustMix on vectors."""
    return estimator_release(
        ClustMixSynthesizer(mode="continuous", sigma_max=1.0, **parameters), NUMBERS
    )


def label_model(x: Any = None, num_obs_total: Any = None) -> None:
    """Sample or observe the label alone: the other columns have one density everywhere."""
    shares = numpyro.sample("shares", dist.Dirichlet(np.ones(3)))
    with numpyro.plate("records", num_obs_total):
        for j in range(4):
            values = None if x is None else x[:, j]
            numpyro.sample(f"x{j}", dist.Uniform(0.0, 1.0), obs=values)
        label = None if x is None else x[:, 4]
        numpyro.sample("label", dist.Categorical(shares), obs=label)


QUERIES = [("few", "label"), ("pay", "town"), ("sex", "town", "label")]
SYNTHESIZERS = {
    "mixture, moments": Synthesizer(
        # one component per class: every record is certain of its own
        estimator_release(DPMixtureSynthesizer(n_components=3, n_passes=3, n_bins=8)),
    ),
    "mixture, normal and poisson": Synthesizer(
        estimator_release(
            DPMixtureSynthesizer(
                n_components=3, n_passes=2, distributions={"few": "poisson", "pay": "normal"}
            )
        ),
        # the features of a value below its upper bound are below one
        loose={
            "add_remove": {
                "other corner",
                "rare level",
                "missing values",
                "duplicate of many rows",
            },
            "replace_one": set(RECORDS),
        },
    ),
    "mixture, soft memberships": Synthesizer(
        estimator_release(DPMixtureSynthesizer(n_components=7, n_passes=4, n_bins=8)),
        loose={"add_remove": set(RECORDS), "replace_one": set(RECORDS)},
    ),
    "mixture, opening of dpvi": Synthesizer(
        estimator_release(
            DPMixtureSynthesizer(inference="dpvi", n_components=3, n_bins=8, n_steps=3)
        ),
        # they are among the mechanisms
        untaped=("clipped gradients",),
    ),
    "a model of one's own, row count": Synthesizer(
        estimator_release(
            NumPyroSynthesizer(model=label_model, n_steps=1, sampling_rate=1.0), NUMBERS
        ),
        records=NUMERIC_RECORDS,
        neighbours=numeric_neighbours,
        # the gradients are among the mechanisms, and the count is public under replace-one
        untaped=("clipped gradients",),
        adjacencies=("add_remove",),
        # a hundredth of its square is the count's
        mu=10.0,
    ),
    "napsu, star": Synthesizer(estimator_release(NapsuMQSynthesizer(queries="star", n_bins=4))),
    "napsu, given queries": Synthesizer(
        estimator_release(NapsuMQSynthesizer(queries=QUERIES, n_bins=4))
    ),
    "napsu, auto": Synthesizer(
        estimator_release(NapsuMQSynthesizer(n_bins=4)),
        # a replaced record seldom moves a distance by 2; there is a pair where it does among the
        # mechanisms
        loose={"replace_one": set(RECORDS)},
    ),
    "napsu, private tree": Synthesizer(
        estimator_release(NapsuMQSynthesizer(queries="tree", n_bins=4))
    ),
    "clustmix, blocks": Synthesizer(
        estimator_release(ClustMixSynthesizer(mode="blocks", n_bins=4, sigma_max=1e6)),
    ),
    "clustmix, continuous": Synthesizer(
        continuous_release(),
        records=NUMERIC_RECORDS,
        neighbours=numeric_neighbours,
        # no record lies wholly in the subspaces whose second moments are measured
        loose={
            "add_remove": set(NUMERIC_RECORDS),
            "replace_one": set(NUMERIC_RECORDS) - {"corner of the domain"},
        },
    ),
    "clustmix, continuous and adapted": Synthesizer(
        continuous_release(adapt_share=0.2),
        records=NUMERIC_RECORDS,
        neighbours=numeric_neighbours,
        loose={"add_remove": set(NUMERIC_RECORDS), "replace_one": set(NUMERIC_RECORDS)},
    ),
}


class GaussianCase(NamedTuple):
    """One synthesizer on one pair of neighbours."""

    synthesizer: str
    record: str
    adjacency: str

    @property
    def is_tight(self) -> bool:
        """Whether the pair attains the bound, so that the audit must see 0.9 of it."""
        loose = SYNTHESIZERS[self.synthesizer].loose.get(self.adjacency, set())
        return self.record not in loose


def all_cases() -> list[GaussianCase]:
    """Return every synthesizer with every pair of neighbours, in order."""
    return [
        GaussianCase(name, record, adjacency)
        for name, synthesizer in SYNTHESIZERS.items()
        for adjacency in synthesizer.adjacencies
        for record in synthesizer.records
    ]


class Measured(NamedTuple):
    """What an audit has found.

    Attributes
    ----------
    case : tuple of str
    quantity : {"mu", "epsilon", "delta"}
    claimed : float
        What the ledger says.
    bound : float
        What the attack has shown, at confidence 1 − 10⁻⁶.
    least_ratio : float
        What `bound / claimed` must reach for the audit to be worth something.
    """

    case: tuple[str, ...]
    quantity: str
    claimed: float
    bound: float
    least_ratio: float = 0.0

    @property
    def ratio(self) -> float:
        """How much of the claim was shown."""
        return self.bound / self.claimed

    @property
    def is_violated(self) -> bool:
        """Whether the release reveals more than the ledger says."""
        return self.bound > self.claimed

    @property
    def is_blind(self) -> bool:
        """Whether the audit shows too little to prove anything."""
        return self.ratio < self.least_ratio


def record_case(
    case: GaussianCase, fault: type[Mechanisms] | None = None
) -> tuple[list[tuple[Release, Release]], PrivacyLedger, float]:
    """Return the releases on both tables, the ledger, and the μ that it charged for them."""
    synthesizer = SYNTHESIZERS[case.synthesizer]
    tables = synthesizer.neighbours(case.record, case.adjacency)
    pairs, ledger = record_pair(
        synthesizer.release, tables, lambda: ledger_of_mu(synthesizer.mu, case.adjacency), fault
    )
    return pairs, ledger, taped_mu(ledger, synthesizer.untaped)


def taped_mu(ledger: PrivacyLedger, untaped: Iterable[str]) -> float:
    """Return the μ charged for all Gaussian releases of the desk."""
    return math.sqrt(
        math.fsum(
            entry.event.mu**2
            for entry in ledger.entries
            if isinstance(entry.event, GaussianEvent) and not entry.name.startswith(tuple(untaped))
        )
    )


def expected_mu(pairs: list[tuple[Release, Release]]) -> float:
    """Return the μ between the two tables: exact, if the noise is what the release asks for."""
    mus = np.array([release.mu for release, _ in pairs])
    return float(np.linalg.norm(mus * distances(pairs)))


def choose_trials(expected: float, claimed: float) -> int:
    """Return how many trials show 0.9 of the claim, but for one audit in 10⁶."""
    for n_trials in N_TRIALS:
        if least_detected_mu(expected, n_trials) >= LEAST_RATIO * claimed:
            return n_trials
    return N_TRIALS[0]


def audit_case(
    case: GaussianCase,
    noise: NoiseSource,
    n_trials: int | None = None,
    fault: type[Mechanisms] | None = None,
) -> Measured:
    """Play the game with all Gaussian releases of a fit."""
    pairs, _, charged = record_case(case, fault)
    if n_trials is None:
        n_trials = choose_trials(expected_mu(pairs), charged)
    guesses = attack_gaussian(pairs, n_trials, noise)
    least = LEAST_RATIO if case.is_tight else 0.0
    return Measured(tuple(case), "mu", charged, mu_bound(guesses), least)
