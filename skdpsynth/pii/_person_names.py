"""Names of persons: words that are written like names, some of which are common ones."""

from __future__ import annotations

import re
import unicodedata

from ._name_lists import AMBIGUOUS_ALONE, FAMILY_NAMES, GIVEN_NAMES, NOT_IN_NAMES

__all__ = ["person_name_probability"]

_TITLE = re.compile(
    r"^(?:(?:mr|mrs|ms|miss|dr|prof|sir|herr|frau|dott|ing|sr|sra)\.?\s+)+", re.IGNORECASE
)
_SUFFIX = re.compile(
    r",?\s+(?:jr|sr|ii|iii|iv|md|phd|dds|dvm|b\.?sc|m\.?sc|esq)\.?$", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?")
_MOST_WORDS = 5


def person_name_probability(value: str) -> float:
    """Return how much a value looks like the name of a person.

    With a common given name, more so with a common family name too, or with a title or a middle
    initial, it is one; a few capitalised words without any of these may be anything.
    """
    value = _without_accents(value.strip())
    untitled = _TITLE.sub("", value, count=1)
    words = _split(untitled)
    if not words or not _is_cased_like_a_name(value, words):
        return 0.0
    lower = [word.lower().rstrip(".") for word in words]
    # a family name alone may be one of these words: Hill, Park, West
    if len(lower) > 1 and not NOT_IN_NAMES.isdisjoint(lower):
        is_name = len(lower) == 2 and lower[0] in GIVEN_NAMES and lower[1] in FAMILY_NAMES
        return 0.8 if is_name else 0.0
    has_initial = any(len(word) == 2 and word[1] == "." for word in words[1:-1])
    if len(lower) > 1 and (has_initial or untitled != value):
        return 0.9
    return _probability(lower)


def _without_accents(value: str) -> str:
    if value.isascii():
        return value
    characters = unicodedata.normalize("NFKD", value)
    return "".join(char for char in characters if not unicodedata.combining(char))


def _split(value: str) -> list[str]:
    """Return the words of a name, given names first, or nothing if there is anything else."""
    family, comma, given = _SUFFIX.sub("", value).partition(",")
    if comma and (not given.strip() or "," in given):
        return []
    words = f"{given} {family}".split()
    fits = len(words) <= _MOST_WORDS and all(_WORD.fullmatch(word) for word in words)
    return words if fits else []


def _is_cased_like_a_name(value: str, words: list[str]) -> bool:
    if value.isupper() or value.islower():
        # not one letter or the like, and no code such as "USD"
        return len(value) > 3
    # particles such as "de" and "van" are written small; a sentence has more small words
    small = [word for word in words if word[0].islower()]
    return words[-1][0].isupper() and len(small) < len(words) / 2


def _probability(words: list[str]) -> float:
    """Return the probability of words in small letters, given names first."""
    if len(words) == 1:
        is_given = all(part in GIVEN_NAMES for part in words[0].split("-"))
        is_name = (is_given or words[0] in FAMILY_NAMES) and words[0] not in AMBIGUOUS_ALONE
        return 0.6 if is_name else 0.3
    # one part of a double name is enough
    has_given = any(part in GIVEN_NAMES for word in words[:-1] for part in word.split("-"))
    has_family = any(part in FAMILY_NAMES for part in words[-1].split("-"))
    if has_given:
        return 0.95 if has_family else 0.8
    return 0.6 if has_family else 0.3
