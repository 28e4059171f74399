"""What the desk foretells of the sampler's error is what the ledger is charged."""

import math

import numpy as np
import pytest

from skdpsynth.exceptions import BudgetExceededError
from skdpsynth.privacy import Draw, Mechanisms, NoiseSource, PrivacyLedger

DRAWS = [
    Draw(12, 3.0, 0.05, 1.0),
    Draw(300, 1.5, 0.02, 0.25),
    # rounded to a grid of its own, which adds to the sensitivity
    Draw(40, 2.0, 0.1, None),
    # beyond the sampler's table on its own grid
    Draw(5, 1.0, 0.01, 2.0**-30),
]


def desk_of(epsilon=1.0):
    return Mechanisms(PrivacyLedger(epsilon, 1e-6), NoiseSource(0))


def buy(desk, draw):
    desk.gaussian(
        np.zeros(draw.n_values), sensitivity=draw.sensitivity, mu=draw.mu, name="r", grid=draw.grid
    )


@pytest.mark.parametrize("draws", [[draw] for draw in DRAWS] + [DRAWS])
def test_releases_take_of_the_reserve_what_was_foretold(draws):
    desk = desk_of()
    foretold = desk.sampler_error(draws)
    assert foretold.fits
    for draw in draws:
        buy(desk, draw)
    left = desk.sampler_error([]).left
    assert foretold.left - left == pytest.approx(foretold.taken, rel=1e-9)
    assert desk.sampler_error([]).taken == 0.0


def test_what_does_not_fit_is_refused_by_the_ledger():
    desk = desk_of(0.02)
    draw = Draw(200_000, 30.0, 0.0005, 1.0)
    assert not desk.sampler_error([draw]).fits
    with pytest.raises(BudgetExceededError):
        buy(desk, draw)


def test_a_share_of_what_is_left_shrinks_and_one_of_all_does_not():
    desk = desk_of()
    draw = Draw(10_000, 2.0**19, 1.0, 1.0)
    error = desk.sampler_error([draw])
    share = error.taken / error.left * 1.001
    assert 0.3 < share < 0.5
    for can_draw in (desk.can_draw, desk.can_draw_rounded):
        assert can_draw(draw.n_values, draw.sensitivity, share)
        assert not can_draw(draw.n_values, draw.sensitivity, share * 0.99)
    buy(desk, draw._replace(mu=0.1, sensitivity=0.1 * draw.sensitivity))
    assert not desk.can_draw(draw.n_values, draw.sensitivity, share)
    assert desk.can_draw_rounded(draw.n_values, draw.sensitivity, share)
    # no more than what is left
    assert not desk.can_draw_rounded(2 * draw.n_values, draw.sensitivity, 1.0)


def test_values_that_are_rounded_need_no_finer_noise_than_the_sampler_draws():
    desk = desk_of()
    assert not desk.can_draw(1, 2.0**30, 1.0)
    assert desk.can_draw_rounded(1, 2.0**30, 1.0)
    assert desk_of(math.inf).can_draw(10**6, 0.0, 0.1)
