"""Which games are played: the table, the row in question, the synthesizers and their settings."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sklearn.base import clone

from skdpsynth import ClustMixSynthesizer, DPMixtureSynthesizer, NapsuMQSynthesizer
from skdpsynth.datasets import fetch_adult
from skdpsynth.privacy import PrivacyLedger

from .bounds import advantage_bound, gaussian_advantage, largest_advantage
from .games import Outcome, Outlier, Shadows, play

__all__ = ["GAMES", "TARGET", "Game", "Played", "adult_outlier", "play_game"]

N_ROWS = 2000
N_SAMPLES = 20_000
LEAST_AUC = 0.9

# Every number at a bound of the schema, every level among its column's rarest; nobody is like that.
# The extract has no other row of this country or workclass.
TARGET = {
    "age": 90,
    "workclass": "Never-worked",
    "fnlwgt": 1_500_000,
    "education": "Preschool",
    "education-num": 16,
    "marital-status": "Married-AF-spouse",
    "occupation": "Armed-Forces",
    "relationship": "Other-relative",
    "race": "Other",
    "sex": "Female",
    "capital-gain": 99_999,
    "capital-loss": 5_000,
    "hours-per-week": 99,
    "native-country": "Holand-Netherlands",
    "income": ">50K",
}
RARE_CELL = ("native-country", "occupation", "income")

SYNTHESIZERS: dict[tuple[str, str], Any] = {
    ("DPMixtureSynthesizer", "default"): DPMixtureSynthesizer(),
    # one look at the rows, for which each is certain of its component: that of its class
    ("DPMixtureSynthesizer", "exposed"): DPMixtureSynthesizer(n_components=2, n_passes=1),
    ("NapsuMQSynthesizer", "default"): NapsuMQSynthesizer(),
    # the cell is empty but for the row
    ("NapsuMQSynthesizer", "exposed"): NapsuMQSynthesizer(queries=[RARE_CELL], inference="map"),
    ("ClustMixSynthesizer", "default"): ClustMixSynthesizer(),
    ("ClustMixSynthesizer", "exposed"): ClustMixSynthesizer(n_clusters=1),
}


class Game(NamedTuple):
    """One synthesizer at one ε.

    Attributes
    ----------
    synthesizer, settings : str
        Key of `SYNTHESIZERS`.
    epsilon : float
    n_fits : int
        Fits a side to learn from, and as many again to guess at.
    """

    synthesizer: str
    settings: str
    epsilon: float
    n_fits: int

    @property
    def least_auc(self) -> float:
        """What the attack must reach to be worth something: without noise it must see the row."""
        return LEAST_AUC if math.isinf(self.epsilon) else 0.0


def _list_games() -> list[Game]:
    games = []
    for name, settings in SYNTHESIZERS:
        games.append(Game(name, settings, math.inf, 64))
        if settings == "exposed":
            # so little privacy that the attack sees much of what the noise leaves
            games.append(Game(name, settings, 8.0, 128))
        games.append(Game(name, settings, 1.0, 128))
    return games


GAMES = _list_games()


class Played(NamedTuple):
    """A game and its end.

    Attributes
    ----------
    game : Game
    outcome : Outcome
    allowed : float
        TPR − FPR that (ε, δ) allows.
    allowed_by_mu : float
        TPR − FPR that the μ of all Gaussian releases of a fit allows.
    """

    game: Game
    outcome: Outcome
    allowed: float
    allowed_by_mu: float

    @property
    def bound(self) -> float:
        """What the guesses show of TPR − FPR, wrong once in 10⁶ games."""
        return advantage_bound(self.outcome.guesses)

    @property
    def is_violated(self) -> bool:
        """Whether samples reveal more than the guarantee allows."""
        return self.bound > min(self.allowed, self.allowed_by_mu)

    @property
    def is_blind(self) -> bool:
        """Whether the attack sees too little to prove anything."""
        return self.outcome.auc < self.game.least_auc


def adult_outlier() -> Outlier:
    """Return 2,000 rows of Adult, and the row that the attacker looks for.

    Raises
    ------
    AssertionError
        If the extract is another one than the row was chosen for.
    """
    adult = fetch_adult()
    rows = adult.frame.sample(N_ROWS, random_state=0).reset_index(drop=True)
    for name in ("workclass", "native-country"):
        assert not (rows[name] == TARGET[name]).any(), f"the extract has {TARGET[name]!r}"
    return Outlier(rows, TARGET, adult.schema)


def play_game(game: Game, outlier: Outlier, n_samples: int = N_SAMPLES) -> Played:
    """Play one game, with noise from the operating system."""
    synthesizer = clone(SYNTHESIZERS[game.synthesizer, game.settings])
    synthesizer.set_params(epsilon=game.epsilon, schema=outlier.schema)
    outcome = play(Shadows(synthesizer, n_samples, [RARE_CELL]), outlier, game.n_fits)
    ledger = PrivacyLedger(synthesizer.epsilon, synthesizer.delta, synthesizer.adjacency)
    return Played(
        game,
        outcome,
        largest_advantage(synthesizer.epsilon, synthesizer.delta),
        gaussian_advantage(ledger.mu),
    )
