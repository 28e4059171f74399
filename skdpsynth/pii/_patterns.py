"""How sure one value alone makes one that it is personal data of a type, between 0 and 1.

A value that has the form of a type but may as well be something else, such as nine bare digits,
gets less than a half: it counts only in a column whose name points to the type.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ._checksums import IBAN_LENGTHS, has_luhn_digit, is_iban
from ._person_names import person_name_probability

__all__ = ["COUNTRY_CODES", "PATTERNS", "VAGUE"]

# the probability of a value whose form does not tell it from other numbers or words
VAGUE = 0.4

_EMAIL = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_+-])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
_SSN = re.compile(
    r"(?!000|666|9\d\d)\d{3}(?P<separator>[- ]?)(?!00)\d{2}(?P=separator)(?!0000)\d{4}"
)
_CARD = re.compile(
    r"\d{12,19}|\d{4}([ -])\d{4}\1\d{4}(?:\1\d{1,4})?(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5}"
)
# Visa, Mastercard, American Express, Discover, Diners Club, JCB, UnionPay, Maestro
_ISSUERS = (
    (re.compile(r"4"), {13, 16, 19}),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),
    (re.compile(r"3[47]"), {15}),
    (re.compile(r"6011|64[4-9]|65"), {16, 19}),
    (re.compile(r"30[0-59]|3[689]"), {14, 16}),
    (re.compile(r"35(?:2[89]|[3-8])|2131|1800"), {15, 16}),
    (re.compile(r"62"), {16, 17, 18, 19}),
    (re.compile(r"50|5[6-8]|6[37]"), {12, 13, 14, 15, 16, 17, 18, 19}),
)
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", re.IGNORECASE)
_EXTENSION = re.compile(r" ?(?:x|ext\.? ?)\d{1,5}$", re.IGNORECASE)
_NORTH_AMERICAN = re.compile(
    r"(?:(?:\+|00)?1[-. ]?)?(?:\([2-9]\d\d\) ?[2-9]\d\d[-. ]|[2-9]\d\d(?P<separator>[-. ])[2-9]\d\d"
    r"(?P=separator))\d{4}"
)
_INTERNATIONAL = re.compile(r"(?:\+|00)(?P<number>[1-9]\d{0,3}(?:[ .()/-]{0,2}\d){6,13})")
_NATIONAL = re.compile(r"\(?0\d{1,4}\)?[ /.-]{1,2}\d(?:[ .-]?\d){4,9}")
_BARE_PHONE = re.compile(r"1?[2-9]\d\d[2-9]\d{6}|0[1-9]\d{8,10}")
# calling codes of one and of two digits; all others have three
COUNTRY_CODES = frozenset(
    """
    1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64
    65 66 81 82 84 86 90 91 92 93 94 95 98
    """.split()  # noqa: SIM905
)
_THREE_DIGIT_CODES = re.compile(r"2[1-69]|3[578]|42|50|59|6[789]|8[058]|9[679]")
# parts of a version are small numbers
_LARGEST_VERSION = 31


def email_probability(value: str) -> float:
    """Return 1 for one e-mail address with a top-level domain."""
    is_email = len(value) <= 254 and _EMAIL.fullmatch(value) and ".." not in value
    return 1.0 if is_email else 0.0


def ssn_probability(value: str) -> float:
    """Return 1 for a number that the Social Security Administration may have issued.

    No number has the area 000, 666 or 900 to 999, the group 00 or the serial number 0000. Without
    separators it is nine digits like any other.
    """
    match = _SSN.fullmatch(value)
    if match is None:
        return 0.0
    return 1.0 if match["separator"] else VAGUE


def credit_card_probability(value: str) -> float:
    """Return 1 for a number with an issuer's prefix and length and the Luhn check digit."""
    if not _CARD.fullmatch(value):
        return 0.0
    digits = re.sub(r"\D", "", value)
    issued = any(prefix.match(digits) and len(digits) in sizes for prefix, sizes in _ISSUERS)
    return 1.0 if issued and has_luhn_digit(digits) else 0.0


def iban_probability(value: str) -> float:
    """Return 1 for a number with the length of its country and the check digits modulo 97."""
    if not _IBAN.fullmatch(value) or value[:2].upper() not in IBAN_LENGTHS:
        return 0.0
    return 1.0 if is_iban(value.replace(" ", "").upper()) else 0.0


def phone_probability(value: str) -> float:
    """Return 1 for the international and the punctuated North American form.

    National numbers of other countries, and digits alone, look like many other numbers.
    """
    number = _EXTENSION.sub("", value)
    if _NORTH_AMERICAN.fullmatch(number):
        return 1.0
    international = _INTERNATIONAL.fullmatch(number)
    if international and _has_country_code(re.sub(r"\D", "", international["number"])):
        return 1.0 if number.startswith("+") else VAGUE
    return VAGUE if _NATIONAL.fullmatch(number) or _BARE_PHONE.fullmatch(number) else 0.0


def _has_country_code(digits: str) -> bool:
    if not 7 <= len(digits) <= 15:
        return False
    short = digits[0] in COUNTRY_CODES or digits[:2] in COUNTRY_CODES
    return short or bool(_THREE_DIGIT_CODES.match(digits))


def ip_address_probability(value: str) -> float:
    """Return 1 for an IPv4 or IPv6 address; four small numbers may be a version."""
    if len(value) > 45 or not ("." in value or value.count(":") >= 2):
        return 0.0
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return 0.0
    if address.version == 6:
        # "::" and "a::b" are addresses too, but rarely those of a person
        return 1.0 if value.count(":") >= 4 or len(value) >= 9 else VAGUE
    is_version = all(int(part) <= _LARGEST_VERSION for part in value.split("."))
    return VAGUE if is_version else 1.0


PATTERNS: Mapping[str, Callable[[str], float]] = MappingProxyType(
    {
        "email": email_probability,
        "iban": iban_probability,
        "credit_card": credit_card_probability,
        "ip_address": ip_address_probability,
        "ssn": ssn_probability,
        "phone": phone_probability,
        "person_name": person_name_probability,
    }
)
