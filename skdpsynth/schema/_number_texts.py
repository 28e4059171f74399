"""Texts that look like numbers: with a currency, separated thousands, units, limits, ranges, ..."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ._codes import is_missing_text

__all__ = ["NumberTexts", "find_number_texts"]

# so many different texts are looked at, and this share of them must look like numbers
_MOST_TEXTS, _LEAST_SHARE = 5_000, 0.8
# codes of a few digits may be meant to be levels
_FEWEST_PLAIN = 11
_MOST_UNITS = 5
# such as 12k, which is not twelve of something
_MULTIPLES = {"k", "K", "M", "mn", "Mio", "mio", "bn", "B"}
_MISSING = {"not available", "not reported", "missing", "n.a.", "nil", "--", "na", "none", "tbd"}

_GAP = "[,.'’ _]"
_NUMBER = (
    rf"(?:\d{{1,3}}(?:{_GAP}\d{{3}})+(?:[.,]\d+)?"  # 1,234.50 1.234,50 1'234 1 234
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"  # 12,34,567
    r"|\d+(?:[.,]\d*)?|[.,]\d+)"
)
_SIGN = r"[-+−]? ?"
_CURRENCY = (
    r"(?:(?:US|A|AU|C|CA|NZ|HK|S|R|MX)?\$|[€£¥₹₽₩₺₫฿₪₴₦₱]|kr\.?|zł|Kč|Ft|Rs\.?|Fr\.?|lei|"
    r"CHF|EUR|USD|GBP|JPY|CNY|RMB|INR|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|AUD|CAD|NZD|HKD|SGD|BRL|MXN|"
    r"ZAR|KRW|TRY|RUB|ILS|THB)"
)
_UNIT = r"(?P<unit>(?:[^\W\d_]|[°µ/²³]){1,12}\.?)"
_LESS = r"(?:[<>]=?|[≤≥~≈]|less than|more than|under|over|below|above|up to|at least|about)"
_MORE = (
    r"(?:\+|or (?:more|less|over|older|younger|above|below)|and (?:over|above|older|more|under))"
)
_STYLES = tuple(
    (style, re.compile(pattern, re.IGNORECASE))
    for style, pattern in (
        ("zeros", r"0\d+"),
        ("plain", rf"{_SIGN}(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?"),
        ("scientific", rf"{_SIGN}{_NUMBER} ?[x×*·] ?10 ?\^? ?[-+−]?\d+"),
        ("thousands", rf"{_SIGN}\d{{1,3}}(?:{_GAP}\d{{3}})+(?:[.,]\d+)?"),
        ("thousands", rf"{_SIGN}\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d+)?"),
        ("comma", rf"{_SIGN}\d*,\d+(?:e[-+]?\d+)?"),
        ("percent", rf"{_SIGN}{_NUMBER} ?(?:%|‰|percent|per cent|pct\.?)"),
        ("currency", rf"{_SIGN}{_CURRENCY} ?{_SIGN}{_NUMBER}(?:[.,]-)?"),
        ("currency", rf"{_SIGN}{_NUMBER} ?{_CURRENCY}"),
        ("sign", rf"\( ?(?:{_CURRENCY} ?)?{_NUMBER} ?(?:%|{_CURRENCY})? ?\)"),
        ("sign", rf"(?:{_CURRENCY} ?)?{_NUMBER} ?[-−]"),
        ("limit", rf"{_LESS} ?{_SIGN}(?:{_CURRENCY} ?)?{_NUMBER} ?(?:%|{_UNIT})?"),
        ("limit", rf"(?:{_CURRENCY} ?)?{_NUMBER} ?(?:%|{_CURRENCY})? ?{_MORE}"),
        (
            "range",
            rf"[\[(]?(?:{_CURRENCY} ?)?{_NUMBER} ?%? ?(?:-|–|—|to|bis|\.\.\.?|[,;] ) ?"
            rf"(?:{_CURRENCY} ?)?{_NUMBER} ?(?:%|{_UNIT})?[\])]?",
        ),
        ("unit", rf"{_SIGN}{_NUMBER} ?{_UNIT}"),
    )
)
_DESCRIPTIONS = {
    "zeros": "leading zeros",
    "scientific": "powers of ten",
    "thousands": "separated thousands",
    "comma": "a decimal comma",
    "percent": "per cent signs",
    "currency": "a currency",
    "sign": "a minus sign that is spelled otherwise",
    "limit": "limits",
    "range": "ranges",
    "unit": "units",
}


class NumberTexts(NamedTuple):
    """What makes texts of a column look like numbers.

    Attributes
    ----------
    styles : tuple of str
        Keys of the descriptions, the most frequent first; empty for numbers as they are.
    example : str
        A text of the first style.
    other : str or None
        A text that is not a number.
    ambiguous : str or None
        A comma or a point that may separate thousands, or precede decimals: 12,345.
    has_decimal_comma : bool
        Whether decimals follow a comma.
    foreign : str
        What else than digits, points, commas, signs and exponents occurs.
    is_decided : bool
        Whether it is known which number each text is; not so of limits, ranges and mixed units.
    """

    styles: tuple[str, ...]
    example: str
    other: str | None
    ambiguous: str | None
    has_decimal_comma: bool
    foreign: str
    is_decided: bool

    def describe(self, name: object) -> str:
        """Return a sentence about the column."""
        if self.styles == ("zeros",):
            return (
                f"The values of {name!r} look like numbers with leading zeros, such as "
                f"{self.example!r}, as postal codes and telephone numbers do; they stay texts."
            )
        with_what = " and ".join(_DESCRIPTIONS[style] for style in self.styles)
        with_what = f" with {with_what}" if with_what else ""
        other = "" if self.other is None else f", and {self.other!r} is not a number"
        return (
            f"The values of {name!r} look like numbers{with_what}, such as {self.example!r}, but "
            f"are texts{other}: each is a level that has nothing to do with the others."
        )

    def converter(self, name: object, frame: str) -> str | None:
        """Return the line that makes numbers of the texts; None where a person has to decide."""
        if not self.is_decided:
            return None
        steps = ".str.replace('−', '-')" if "−" in self.foreign else ""
        if "sign" in self.styles:
            steps += r""".str.replace(r"^\((.*)\)$|^(.*)-$", r"-\1\2", regex=True)"""
        if self.has_decimal_comma:
            steps += """.str.replace(".", "").str.replace(",", ".")"""
        is_grouped = "thousands" in self.styles and not self.has_decimal_comma
        if is_grouped or self.foreign.replace("−", ""):
            steps += r""".str.replace(r"[^0-9.-]|\.(?=-?$)|(?<=\.)-$", "", regex=True)"""
        errors = "" if self.other is None else ', errors="coerce"'
        return f"{frame}[{name!r}] = pd.to_numeric({frame}[{name!r}]{steps}{errors})"


def find_number_texts(texts: Sequence[str]) -> NumberTexts | None:
    """Return in which way distinct texts look like numbers; None where they do not.

    Parameters
    ----------
    texts : sequence of str
        The distinct values of a column. Texts that stand for missing values are left out.
    """
    spaced = [_space(text) for text in texts[:_MOST_TEXTS]]
    known = [text for text in spaced if not _is_missing(text)]
    found = [(text, *_style_of(text)) for text in known]
    numbers = [text for text, style, _ in found if style is not None]
    if len(known) < 2 or len(numbers) < _LEAST_SHARE * len(known):
        return None
    counts = Counter(style for _, style, _ in found if style is not None)
    units = {unit for _, style, unit in found if style == "unit"}
    too_many = len(units) > _MOST_UNITS or len(numbers) < 2 * len(units)
    if counts["unit"] > len(numbers) / 2 and too_many:
        return None
    styles = [style for style, _ in counts.most_common() if style != "plain"]
    if not styles and len(numbers) < _FEWEST_PLAIN:
        return None
    if set(styles) <= {"limit", "range"} and len(known) == 2:
        # two classes, such as up to 50 and above, need no order
        return None
    has_decimal_comma, ambiguous = _read_separators(numbers)
    if has_decimal_comma and "thousands" in styles:
        # what looked like thousands may be three decimals
        joined = " | ".join(numbers)
        grouped = ["thousands"] if re.search(r"\d[.'’ _]\d{3}", joined) else []
        at = styles.index("thousands")
        styles[at : at + 1] = ["comma", *grouped] if "," in joined else grouped
    first = next(text for text, style, _ in found if style == counts.most_common(1)[0][0])
    example = next((text for text, style, _ in found if style in styles), first)
    is_vague = {"limit", "range", "scientific"} & set(styles)
    return NumberTexts(
        tuple(dict.fromkeys(styles)),
        example,
        next((text for text in spaced if text and _style_of(text)[0] is None), None),
        ambiguous,
        has_decimal_comma,
        "".join(sorted(set("".join(numbers)) - set("0123456789.,+-eE"))),
        not is_vague and len(units) <= 1 and not units & _MULTIPLES,
    )


def _read_separators(texts: Sequence[str]) -> tuple[bool, str | None]:
    """Return whether decimals follow a comma, and which mark may precede decimals or thousands."""
    bare = [re.sub(r"[^\d.,]", "", text) for text in texts]
    with_comma, with_point = ([text for text in bare if mark in text] for mark in ",.")
    groups = r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d*)?"
    grouped = bool(with_comma) and all(re.fullmatch(groups, text) for text in with_comma)
    decimal = all(re.fullmatch(r"\d*(?:\.\d{3})*,\d*", text) for text in with_comma)
    # an ordinary point elsewhere says that decimals do not follow a comma
    decimal &= not any(re.search(r"\.\d{1,2}(?!\d)", text) for text in with_point)
    if with_comma and decimal and not grouped:
        return True, None
    if with_comma:
        return False, "," if decimal else None
    if any(text.count(".") > 1 for text in with_point):
        return True, None
    is_vague = bool(with_point) and all(
        re.fullmatch(r"\d{1,3}\.\d{3}", text) for text in with_point
    )
    return False, "." if is_vague else None


def _space(text: str) -> str:
    return " ".join(str(text).split())


def _is_missing(text: str) -> bool:
    return is_missing_text(text) or text.lower() in _MISSING


def _style_of(text: str) -> tuple[str | None, str]:
    if len(text) > 60 or not any(character.isdigit() for character in text):
        return None, ""
    for style, pattern in _STYLES:
        match = pattern.fullmatch(text)
        if match is not None:
            unit = match.groupdict().get("unit") or ""
            is_code = style == "unit" and re.fullmatch(r"\d+[ADEGHI-JO-UX-Z]", text)
            is_none = is_code or (style == "range" and not _is_rising(text))
            return (None, "") if is_none else (style, unit)
    return None, ""


def _is_rising(text: str) -> bool:
    """Whether a range goes up, which a telephone number or a month does not."""
    parts = re.split(r"(?<=\d)[ %]*(?:-|–|—|to|bis|\.\.\.?|[,;] )", text, maxsplit=1)
    if len(parts) != 2 or re.fullmatch(r"\d{3}-\d{4}", text):
        return False
    low, high = (re.sub(r"\D", "", re.split(r"[^\d.,' ]*$", part)[0]) for part in parts)
    if not low or not high or (len(low) == 4 and len(high) == 2):
        return False
    return float(low) < float(high) or "." in text or "," in text
