"""Made-up values that have the format of the real ones.

Where ranges exist that are never given to anyone, the fakes come from there: social security
numbers beyond 900, the exchange 555-01, ``example.org``, addresses reserved for documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .._extras import how_to_install
from ._checksums import luhn_digit, make_iban
from ._patterns import COUNTRY_CODES

__all__ = ["FAKES", "fake_identifier", "make_faker"]


def make_faker(locale: str, seed: int | None) -> Any:
    """Return Faker's generator for a locale.

    Raises
    ------
    ImportError
        If Faker is not installed; the message says how to.
    ValueError
        If Faker has no such locale.
    """
    try:
        from faker import Faker
    except ImportError as error:
        raise ImportError(
            f'strategy="replace" needs Faker: {how_to_install("pii")}; "redact" and "drop" do '
            "without."
        ) from error
    try:
        faker = Faker(locale)
    except AttributeError as error:
        raise ValueError(f"Faker has no locale {locale!r}; one is 'en_US'.") from error
    faker.seed_instance(seed)
    return faker


def fake_email(faker: Any, like: str | None, column: str = "") -> str:
    """Return an address in a domain that is reserved for examples."""
    made = faker.ascii_safe_email()
    return made.upper() if like is not None and like.isupper() else made


def fake_name(faker: Any, like: str | None, column: str = "") -> str:
    """Return a name with as many words, in the same order and case."""
    if like is None:
        return _name_for(faker, column, f"{faker.first_name()} {faker.last_name()}")
    _, comma, given = (part.strip() for part in like.partition(","))
    if comma:
        made = f"{faker.last_name()}, {_given_names(faker, given.split())}"
    elif len(like.split()) == 1:
        made = _name_for(faker, column, faker.first_name())
    else:
        made = f"{_given_names(faker, like.split()[:-1])} {faker.last_name()}"
    if like.isupper():
        return made.upper()
    return made.lower() if like.islower() else made


def _name_for(faker: Any, column: str, otherwise: str) -> str:
    """Return the part of a name that the name of its column asks for."""
    if re.search(r"last|family|sur|nachname|lname|maiden", column, re.IGNORECASE):
        return str(faker.last_name())
    if re.search(r"first|given|fore|vorname|fname", column, re.IGNORECASE):
        return str(faker.first_name())
    return otherwise


def _given_names(faker: Any, like: list[str]) -> str:
    """Return given names, initials where there were some."""
    names = [faker.first_name() for _ in like]
    return " ".join(
        name[: len(old.rstrip("."))] + "." * old.endswith(".")
        if len(old.rstrip(".")) == 1
        else name
        for name, old in zip(names, like, strict=True)
    )


def fake_ssn(faker: Any, like: str | None, column: str = "") -> str:
    """Return a number that nobody has: area 900 to 999, and not the group of a taxpayer number."""
    digits = faker.numerify("9##") + f"{faker.random_int(1, 49):02d}" + faker.numerify("###%")
    return _lay_out(digits, "123-45-6789" if like is None else like)


def fake_card(faker: Any, like: str | None, column: str = "") -> str:
    """Return a number with the issuer's first digits, the length and a Luhn digit."""
    like = "4000 0000 0000 0000" if like is None else like
    old = re.sub(r"\D", "", like)
    kept = 1 if old[0] == "4" else 2 if old[0] == "5" or old[:2] in ("34", "37") else 4
    payload = old[:kept] + faker.numerify("#" * (len(old) - kept - 1))
    return _lay_out(payload + luhn_digit(payload), like)


def fake_iban(faker: Any, like: str | None, column: str = "") -> str:
    """Return an IBAN of the same country and with letters in the same places."""
    if like is None:
        return str(faker.iban())
    old = re.sub(r"\s", "", like).upper()
    template = re.sub(r"[A-Z]", "?", re.sub(r"\d", "#", old[4:]))
    made = make_iban(old[:2], faker.bothify(template).upper())
    return _lay_out(made.lower() if like.islower() else made, like)


def fake_phone(faker: Any, like: str | None, column: str = "") -> str:
    """Return a number of the same country; a North American one from the fictitious 555-01xx."""
    like = "(202) 555-0100" if like is None else like
    extension = re.search(r" ?(?:x|ext\.? ?)\d+$", like, re.IGNORECASE)
    suffix = "" if extension is None else re.sub(r"\d", "#", extension[0])
    number = like if extension is None else like[: extension.start()]
    digits = re.sub(r"\D", "", number)
    is_american = len(digits) == 10 and digits[0] in "23456789"
    if (len(digits) == 11 and digits[0] == "1") or (is_american and not number.startswith("+")):
        made = digits[:-10] + f"{faker.random_int(2, 9)}" + faker.numerify("##55501##")
    else:
        kept = _n_kept(number, digits)
        made = digits[:kept] + faker.numerify("%" + "#" * (len(digits) - kept - 1))
    return _lay_out(made, number) + faker.numerify(suffix)


def _n_kept(number: str, digits: str) -> int:
    """Return how many digits are the calling code, or the 0 that national numbers begin with."""
    zeros = len(digits) - len(digits.lstrip("0"))
    if not number.startswith(("+", "00")):
        return min(zeros, 1)
    code = digits[zeros:]
    length = next((size for size in (1, 2) if code[:size] in COUNTRY_CODES), 3)
    return min(zeros + length, len(digits) - 1)


def fake_ip(faker: Any, like: str | None, column: str = "") -> str:
    """Return an address that is reserved for documentation (RFC 5737 and RFC 3849)."""
    if like is not None and ":" in like:
        groups = [f"{faker.random_int(1, 0xFFFF):x}" for _ in range(6)]
        return ":".join(["2001", "db8", *groups])
    network = faker.random_element(("192.0.2", "198.51.100", "203.0.113"))
    return f"{network}.{faker.random_int(1, 254)}"


def fake_identifier(faker: Any, like: str | None, column: str = "") -> str:
    """Return a code with digits for digits and letters for letters, in the same case."""
    made = []
    for old in like or "AA000000":
        if old.isdigit():
            made.append(str(faker.random_digit()))
        elif old.isalpha():
            letter = faker.random_lowercase_letter()
            made.append(letter.upper() if old.isupper() else letter)
        else:
            made.append(old)
    return "".join(made)


FAKES: dict[str, Callable[[Any, str | None, str], str]] = {
    "email": fake_email,
    "iban": fake_iban,
    "credit_card": fake_card,
    "ip_address": fake_ip,
    "ssn": fake_ssn,
    "phone": fake_phone,
    "person_name": fake_name,
}


def _lay_out(characters: str, like: str) -> str:
    """Return the characters with the spaces and signs of `like` between them."""
    fresh = iter(characters)
    laid = [next(fresh, "") if old.isalnum() else old for old in like]
    return "".join(laid) + "".join(fresh)
