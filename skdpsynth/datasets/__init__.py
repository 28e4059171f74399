"""Public tables with hand-written schemas, to try synthesizers on."""

from skdpsynth.datasets._adult import fetch_adult
from skdpsynth.datasets._census import fetch_census
from skdpsynth.datasets._covid19 import fetch_covid19
from skdpsynth.datasets._credit_card import fetch_credit_card_fraud
from skdpsynth.datasets._isolet import fetch_isolet
from skdpsynth.datasets._mnist import fetch_mnist
from skdpsynth.datasets._rand_hie import load_rand_hie

__all__ = [
    "fetch_adult",
    "fetch_census",
    "fetch_covid19",
    "fetch_credit_card_fraud",
    "fetch_isolet",
    "fetch_mnist",
    "load_rand_hie",
]
