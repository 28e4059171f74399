"""The first inputs of every kind; ``make fuzz`` plays all."""

import random

import pytest

from .kinds import KINDS
from .outcomes import Case, play

N_FAST = {"parameters": 80, "frames": 120, "questions": 40, "files": 60, "bounds": 40}


@pytest.mark.parametrize("kind", KINDS)
def test_no_input_ends_in_a_crash_a_hang_or_a_half_fitted_estimator(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcomes = [play(kind, number, KINDS[kind][0]) for number in range(N_FAST.get(kind, 100))]
    assert [outcome for outcome in outcomes if outcome.is_fault] == []
    # else the inputs are not malformed; those at the bounds are sound
    assert kind == "bounds" or any(outcome.ending != "success" for outcome in outcomes)


def test_an_input_is_made_from_its_number_alone():
    for make, _ in KINDS.values():
        first, again = (make(random.Random("kind 7")).what for _ in range(2))
        assert first.partition("0x")[0] == again.partition("0x")[0]


class HalfFitted:
    """An estimator with every fault that the suite looks for."""

    def fit(self, fault):
        self.mean_ = 1.0
        if fault == "hang":
            while True:
                pass
        raise {"no message": ValueError(""), "crash": KeyError("x"), "half": ValueError("y")}[fault]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("hang", "still running"),
        ("no message", "without a message"),
        ("crash", "KeyError"),
        ("half", "half fitted"),
    ],
)
def test_faults_are_seen(monkeypatch, fault, told):
    monkeypatch.setattr("test_fuzz.outcomes.SECONDS", 0.2)
    estimator = HalfFitted()
    outcome = play("x", 0, lambda rng: Case("fit", lambda: estimator.fit(fault), estimator))
    assert outcome.is_fault
    assert told in outcome.detail
