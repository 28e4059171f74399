"""The check digits of payment cards (Luhn) and of bank accounts (IBAN)."""

from __future__ import annotations

import string

__all__ = ["IBAN_LENGTHS", "has_luhn_digit", "is_iban", "luhn_digit", "make_iban"]

_LENGTHS_BY_COUNTRY = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
    "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
    "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _LENGTHS_BY_COUNTRY.split()}

# the digit sum of twice a digit
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_IBAN_CHARACTERS = frozenset(string.digits + string.ascii_uppercase)


def has_luhn_digit(number: str) -> bool:
    """Whether a number ends with its Luhn check digit.

    Parameters
    ----------
    number : str
        ASCII digits only.

    Notes
    -----
    ISO/IEC 7812-1, annex B: counted from the right, every second digit is doubled and the digits
    of the products are added; the sum is a multiple of ten. One number in ten passes by chance.

    Examples
    --------
    >>> has_luhn_digit("4539578763621486"), has_luhn_digit("4539578763621487")
    (True, False)
    """
    return len(number) > 1 and luhn_digit(number[:-1]) == number[-1]


def luhn_digit(payload: str) -> str:
    """Return the digit to append to `payload` so that `has_luhn_digit` is true."""
    digits = [int(character) for character in reversed(payload)]
    total = sum(_DOUBLED[digit] for digit in digits[::2]) + sum(digits[1::2])
    return str(-total % 10)


def is_iban(number: str) -> bool:
    """Whether a number has the country, length and check digits of an IBAN.

    Parameters
    ----------
    number : str
        Without spaces, in capitals.

    Notes
    -----
    ISO 13616: with the first four characters moved to the end and every letter written as a number
    from A = 10 to Z = 35, an IBAN is 1 modulo 97.

    Examples
    --------
    >>> is_iban("GB82WEST12345698765432"), is_iban("GB82WEST12345698765433")
    (True, False)
    """
    if IBAN_LENGTHS.get(number[:2]) != len(number) or not _IBAN_CHARACTERS.issuperset(number):
        return False
    return number[2:4].isdigit() and _remainder(number[4:] + number[:4]) == 1


def make_iban(country: str, account: str) -> str:
    """Return the IBAN of a country and a national account number: its check digits are computed."""
    check = 98 - _remainder(f"{account}{country}00")
    return f"{country}{check:02d}{account}"


def _remainder(number: str) -> int:
    return int("".join(str(int(character, 36)) for character in number)) % 97
