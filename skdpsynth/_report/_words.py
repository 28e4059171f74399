"""A privacy guarantee in plain sentences: what an attacker can learn."""

from __future__ import annotations

from math import exp, inf, isinf
from typing import NamedTuple

from ..privacy import PrivacySpent

__all__ = ["COMMAND_LINE", "PYTHON", "Words", "advantage_bound", "describe_privacy"]


class Words(NamedTuple):
    """What to pass to learn more, as whoever asked for the report spells it.

    Attributes
    ----------
    synthesizer, test, target, seed : str
        The fitted synthesizer, rows held back, a target, and what fixed the noise.
    """

    synthesizer: str
    test: str
    target: str
    seed: str


PYTHON = Words(
    "Pass the fitted synthesizer to the report (synthesizer=..., or privacy=...).",
    "test=...",
    "a target in the schema (schema.with_target(...))",
    "random_state",
)
COMMAND_LINE = Words(
    "Name the file of the fitted model: --model FILE.",
    "--test FILE",
    "a target (in the schema, or --target COLUMN)",
    "--insecure-noise-seed",
)

_NEIGHBOURS = {
    "add_remove": "whether one given row is in the table or not",
    "replace_one": "which of two given rows is in the table",
}


def advantage_bound(epsilon: float, delta: float) -> float:
    """Return the greatest true positive rate less false positive rate of any attack.

    Parameters
    ----------
    epsilon : float
        Privacy loss in nats; ``inf`` is allowed.
    delta : float

    Returns
    -------
    float
        (e^ε − 1 + 2δ) / (e^ε + 1), between 0 and 1.

    Notes
    -----
    Of the rates α of false positives and β of false negatives, (ε, δ)-differential privacy allows
    those with α + e^ε β ≥ 1 − δ and e^ε α + β ≥ 1 − δ (Kairouz, Oh and Viswanath, 2015, theorem
    2.1). The sum of both says α + β ≥ 2(1 − δ) / (1 + e^ε), and the advantage is 1 − α − β.

    Examples
    --------
    >>> round(advantage_bound(1.0, 1e-5), 3)
    0.462
    """
    if epsilon > 700:
        return 1.0
    return min((exp(epsilon) - 1 + 2 * delta) / (exp(epsilon) + 1), 1.0)


def describe_privacy(spent: PrivacySpent) -> list[str]:
    """Return sentences on what the guarantee promises, what it does not, and its notes.

    Parameters
    ----------
    spent : PrivacySpent

    Returns
    -------
    list of str
        The first one says whether there is a guarantee at all.
    """
    if not spent.is_private:
        return [_no_guarantee(spent), *_sentences(spent.notes)]
    epsilon, delta = spent.total
    advantage = advantage_bound(epsilon, delta)
    bought = (
        "" if spent.purchase is None else ", what its bounds and levels were bought for included"
    )
    return [
        f"The synthetic table was made under differential privacy with ε = {epsilon:.4g} and "
        f"δ = {delta:.3g} ({_name(spent.adjacency)}){bought}.",
        "Take the strongest attacker: one who knows all other rows of the real table, and how the "
        "synthesizer works, has unlimited time, and wants to find out "
        f"{_NEIGHBOURS[spent.adjacency]}.",
        f"Whatever this attacker does with the synthetic table, the rate of right alarms exceeds "
        f"the rate of false alarms by at most {_percent(advantage)} (100 % would be certainty, 0 % "
        "guessing).",
        f"If both answers seemed equally likely beforehand, the attacker's answer is right with a "
        f"probability of at most {_percent((1 + advantage) / 2)}; tossing a coin gives 50 %.",
        "This is a limit, not an estimate: actual attacks know less and do worse.",
        "It holds for one row. Somebody with several rows in the table is protected less: with k "
        "rows, ε is k times as large.",
        "What is true of people in general is not protected, and should not be: that smokers fall "
        "ill more often can be learned from the table, about somebody who is not in it, too.",
        *_sentences(spent.notes),
    ]


def _no_guarantee(spent: PrivacySpent) -> str:
    if isinf(spent.epsilon) or spent.epsilon == inf:
        return (
            f"There is no privacy guarantee: ε = ∞ (with δ = {spent.delta:.3g}). Treat the "
            "synthetic table like the real one."
        )
    numbers = f"ε = {spent.epsilon:.4g} and δ = {spent.delta:.3g}"
    reasons = []
    if not spent.secure_noise:
        reasons.append("a seed fixed the noise, and whoever knows it can subtract the noise")
    if not spent.public_schema:
        reasons.append("something outside the budget was read from the rows")
    if spent.claim is not None:
        reasons.append(f"the numbers are a claim ({spent.claim}) that no proof supports")
    return (
        f"The ledger says {numbers}, but this is not a guarantee: {'; '.join(reasons)}. Treat the "
        "synthetic table like the real one."
    )


def _name(adjacency: str) -> str:
    return {
        "add_remove": "tables are neighbours if one has a row more",
        "replace_one": "tables are neighbours if they differ in one row",
    }[adjacency]


def _sentences(notes: tuple[str, ...]) -> list[str]:
    return [f"{note[:1].upper()}{note[1:]}." for note in notes]


def _percent(share: float) -> str:
    text = f"{100 * share:.1f}"
    return f"{text} %" if text != "100.0" or share == 1 else "more than 99.9 %"
