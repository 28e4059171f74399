"""Public tables with hand-written schemas, to try synthesizers on.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._adult import fetch_adult
from ._census import fetch_census
from ._covid19 import fetch_covid19
from ._credit_card import fetch_credit_card_fraud
from ._isolet import fetch_isolet
from ._mnist import fetch_mnist
from ._rand_hie import load_rand_hie
from ._reading import apply_schema as apply_schema

__all__ = [
    "fetch_adult",
    "fetch_census",
    "fetch_covid19",
    "fetch_credit_card_fraud",
    "fetch_isolet",
    "fetch_mnist",
    "load_rand_hie",
]
