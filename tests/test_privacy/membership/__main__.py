"""Play all games and store how they ended: ``python -m test_privacy.membership``."""

from __future__ import annotations

import sys
from pathlib import Path

from ..stored import show_and_store
from .cases import GAMES, Played, adult_outlier, play_game

RESULTS = Path(__file__).resolve().parents[3] / "doc" / "privacy" / "membership_results.csv"
HEADER = 'synthesizer,settings,ε,fits a side,AUC,TPR,FPR,shown,"(ε, δ) allows",μ allows\n'


def as_line(played: Played) -> str:
    """Return one line of the table of results."""
    game, (auc, guesses) = played.game, played.outcome
    return (
        f"{game.synthesizer},{game.settings},{game.epsilon:g},{game.n_fits} + {game.n_fits},"
        f"{auc:.3f},{guesses.n_right / guesses.n_trials:.3f},"
        f"{guesses.n_wrong / guesses.n_trials:.3f},{played.bound:.3f},"
        f"{played.allowed:.4f},{played.allowed_by_mu:.3f}\n"
    )


def main() -> int:
    """Return 1 if samples reveal more than charged, or the attack sees nothing without noise."""
    outlier = adult_outlier()
    all_played = (play_game(game, outlier) for game in GAMES)
    ended = ((as_line(played), played.is_violated or played.is_blind) for played in all_played)
    return show_and_store(ended, RESULTS, HEADER, "games")


if __name__ == "__main__":
    sys.exit(main())
