import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import norm

from skdpsynth._report import advantage_bound, describe_privacy
from skdpsynth.privacy import PrivacySpent


@pytest.mark.parametrize("epsilon", [0.01, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("delta", [0.0, 1e-5, 0.05])
def test_bound_is_the_best_attack_that_the_definition_allows(epsilon, delta):
    """Rates t, f with t ≤ e^ε f + δ and 1 − f ≤ e^ε (1 − t) + δ; maximise t − f."""
    factor = np.exp(epsilon)
    best = linprog(
        [-1, 1], A_ub=[[1, -factor], [factor, -1]], b_ub=[delta, factor - 1 + delta], bounds=(0, 1)
    )
    assert advantage_bound(epsilon, delta) == pytest.approx(-best.fun, abs=1e-9)


def test_a_gaussian_release_stays_below():
    mu = 0.7
    advantage = 2 * norm.cdf(mu / 2) - 1
    for epsilon in np.linspace(0.01, 4, 40):
        delta = norm.cdf(mu / 2 - epsilon / mu) - np.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)
        assert advantage <= advantage_bound(epsilon, delta) + 1e-12


def test_limits():
    assert advantage_bound(0, 0) == 0
    assert advantage_bound(float("inf"), 0) == advantage_bound(1e4, 1e-5) == 1
    assert advantage_bound(0, 1) == 1


def test_a_guarantee_in_words():
    words = describe_privacy(PrivacySpent(1.0, 1e-5, "add_remove"))
    assert words[0].startswith("The synthetic table was made under differential privacy with ε = 1")
    assert "at most 46.2 %" in words[2]
    assert "at most 73.1 %" in words[3]
    assert "one given row is in the table or not" in words[1]
    replaced = describe_privacy(PrivacySpent(1.0, 1e-5, "replace_one", notes=("q is public",)))
    assert "which of two given rows" in replaced[1]
    assert replaced[-1] == "Q is public."
    assert "more than 99.9 %" in describe_privacy(PrivacySpent(12.0, 1e-5, "add_remove"))[2]


def test_what_the_schema_was_bought_for_counts():
    """The synthetic table repeats the levels: an attacker has both."""
    words = describe_privacy(PrivacySpent(0.7, 1e-5, "add_remove", purchase=(0.3, 1e-6)))
    assert words[0].startswith("The synthetic table was made under differential privacy with ε = 1")
    assert "δ = 1.1e-05" in words[0]
    assert "bought for included" in words[0]
    assert "at most 46.2 %" in words[2]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"secure_noise": False}, "a seed fixed the noise"),
        ({"public_schema": False}, "read from the rows"),
        ({"claim": "Algorithm 2"}, "a claim (Algorithm 2)"),
    ],
)
def test_no_guarantee(parameters, reason):
    words = describe_privacy(PrivacySpent(1.0, 1e-5, "add_remove", **parameters))
    assert len(words) == 1
    assert "this is not a guarantee" in words[0]
    assert reason in words[0]
    assert "differential privacy" not in words[0]


def test_infinite_epsilon():
    words = describe_privacy(PrivacySpent(float("inf"), 1e-5, "add_remove"))
    assert words == [
        "There is no privacy guarantee: ε = ∞ (with δ = 1e-05). Treat the synthetic table like "
        "the real one."
    ]
