"""Values of every type of personal data, and hard negatives that look like them."""

import uuid

import numpy as np
from faker import Faker

N_VALUES = 2_000
_LOCALES = ("en_US", "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "sv_SE")


def positives(seed=0, n_values=N_VALUES):
    """Made-up personal data, by type: what Faker makes in nine locales, in several spellings."""
    rng = np.random.default_rng(seed)
    fakers = [Faker(locale) for locale in _LOCALES]
    for position, faker in enumerate(fakers):
        faker.seed_instance(seed + position)
    american = fakers[0]

    def anywhere(make):
        return [make(fakers[rng.integers(len(fakers))]) for _ in range(n_values)]

    def one_of(*makers):
        return [makers[rng.integers(len(makers))]() for _ in range(n_values)]

    return {
        "email": anywhere(lambda faker: faker.email()),
        "iban": [_group(value, 4, rng) for value in anywhere(lambda faker: faker.iban())],
        "credit_card": [
            _group(american.credit_card_number(), 4, rng, " -") for _ in range(n_values)
        ],
        "ip_address": one_of(american.ipv4, american.ipv4_public, american.ipv6),
        "ssn": one_of(american.ssn),
        "phone": [_respell_phone(rng, american.phone_number()) for _ in range(n_values)],
        "person_name": anywhere(lambda faker: _respell_name(rng, faker)),
    }


def _group(value, size, rng, separators=" "):
    """Write half of the numbers in groups."""
    if rng.random() < 0.5 or (len(value) % size and separators != " "):
        return value
    separator = separators[rng.integers(len(separators))]
    return separator.join(value[at : at + size] for at in range(0, len(value), size))


def _respell_phone(rng, value):
    if rng.random() < 0.5:
        return value
    country = rng.choice(["1", "44", "49", "33", "351", "358"])
    return f"+{country} {rng.integers(20, 999)} {rng.integers(100_000, 9_999_999)}"


def _respell_name(rng, faker):
    first, last = faker.first_name(), faker.last_name()
    spellings = (
        f"{first} {last}",
        f"{last}, {first}",
        f"{first} {first[0]}. {last}",
        f"{first} {last}".upper(),
        f"Dr. {first} {last}",
    )
    return spellings[rng.integers(len(spellings))]


def negatives(seed=1, n_values=N_VALUES):
    """Values that are no personal data, by kind: each is close to one of the types."""
    rng = np.random.default_rng(seed)
    faker = Faker("en_US")
    faker.seed_instance(seed)

    def digits(count):
        return "".join(map(str, rng.integers(0, 10, count)))

    def number(low, high):
        return int(rng.integers(low, high))

    makers = {
        "order number": lambda: f"{digits(4)}-{digits(4)}-{digits(2)}",
        "invoice": lambda: f"INV-{number(2015, 2026)}-{digits(6)}",
        "nine digits": lambda: digits(9),
        "ten digits": lambda: digits(10),
        "16 digits without Luhn": lambda: _break_luhn(f"4{digits(15)}"),
        "16 digits": lambda: digits(16),
        "barcode": lambda: digits(13),
        "iso date": faker.date,
        "american date": lambda: faker.date("%m/%d/%Y"),
        "compact date": lambda: faker.date("%Y%m%d"),
        "timestamp": lambda: faker.date("%Y-%m-%d %H:%M:%S"),
        "time": lambda: faker.date("%H:%M:%S"),
        "unix time": lambda: str(number(1_000_000_000, 1_800_000_000)),
        "decimal": lambda: f"{rng.normal(0, 1e3):.3f}",
        "price": lambda: f"${number(1, 9999):,}.{digits(2)}",
        "coordinates": lambda: f"{rng.uniform(-90, 90):.4f}, {rng.uniform(-180, 180):.4f}",
        "uuid": lambda: str(uuid.UUID(bytes=rng.bytes(16))),
        "mac address": faker.mac_address,
        "three-part version": lambda: f"{number(0, 30)}.{number(0, 30)}.{number(0, 300)}",
        "four-part version": lambda: ".".join(str(number(0, 25)) for _ in range(4)),
        "build": lambda: f"10.0.{number(10_000, 30_000)}.{number(0, 4000)}",
        "product code": lambda: f"{faker.bothify('??##').upper()}-{digits(4)}-{digits(2)}",
        "iban with wrong check": lambda: _break_iban(faker),
        "ratio": lambda: f"{number(1, 99)}/{number(1, 99)}",
        "handle": lambda: f"@{faker.user_name()}",
        "url": faker.url,
        "street": faker.street_address,
        "street name": faker.street_name,
        "city": faker.city,
        "company": faker.company,
        "job": faker.job,
        "country": faker.country,
        "month": faker.month_name,
        "colour": faker.color_name,
        "sentence": lambda: faker.sentence(4),
        "catch phrase": faker.catch_phrase,
    }
    return {kind: [make() for _ in range(n_values)] for kind, make in makers.items()}


def _break_iban(faker):
    """Exchange two neighbouring different digits, which the check always finds."""
    number = faker.iban()
    for at in range(len(number) - 1, 4, -1):
        if number[at] != number[at - 1] and number[at - 1 : at + 1].isdigit():
            return number[: at - 1] + number[at] + number[at - 1] + number[at + 1 :]
    raise AssertionError(number)


def _break_luhn(number):
    """Change the last digit if the number happens to pass the check, by a second way of summing."""
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(number)]
    if sum(map(int, "".join(map(str, doubled)))) % 10 == 0:
        number = number[:-1] + str((int(number[-1]) + 1) % 10)
    return number
