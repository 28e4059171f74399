"""Play all games and store how they ended: ``python -m test_privacy.membership``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

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
    start, lines, failures = time.process_time(), [], []
    outlier = adult_outlier()
    for game in GAMES:
        played = play_game(game, outlier)
        line = as_line(played)
        lines.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
        if played.is_violated or played.is_blind:
            failures.append(line)
    minutes = (time.process_time() - start) / 60
    RESULTS.write_text(HEADER + "".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} games in {minutes:.1f} CPU minutes, {len(failures)} failures\n")
    for line in failures:
        sys.stdout.write(f"FAILED {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
