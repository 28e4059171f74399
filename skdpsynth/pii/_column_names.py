"""What the name of a column says about its values."""

from __future__ import annotations

import re
from collections.abc import Hashable

__all__ = ["name_points_to"]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])(?!Pv[46])")
# each matches somewhere in a name spelt in small letters, with one space between its words
_NAMES = {
    "email": r"\be ?mails?\b|\bmail (address|adresse)\b|\bmail\b",
    "iban": r"\biban\b|\bbank account\b|\baccount (number|no)\b",
    "credit_card": r"\b(credit|debit|payment|bank) ?card\b|\bcard (number|no|num)\b|\bccn?\b|"
    r"\bcc (number|no|num)\b|\bpan\b",
    "ip_address": r"\bips?\b|\bip ?(address|addr|v ?4|v ?6)\b|\b(remote|client|host) addr(ess)?\b",
    "ssn": r"\bssn\b|\bsocial (security|sec|insurance)\b|\bss (number|no)\b",
    "phone": r"\b(tele)?phones?\b|\b(tele)?phone ?(number|no|num)\b|\bmobile\b|\bcell\b|"
    r"\bcellphone\b|\btel\b|\btelefon\b|\bfax\b|\bmsisdn\b|\bcontact (number|no)\b",
    "person_name": r"^names?$|\b(first|last|middle|maiden|full|given|family|sur|fore|person|"
    r"patient|client|customer|employee|student|contact|account ?holder|card ?holder|owner|doctor|"
    r"physician|author|passenger|member|guest) ?names?\b|\bsurname\b|"
    r"\bfore?name\b|\b(vor|nach)name\b|\b[fl]name\b|\bcardholder\b|\bpatient\b",
}
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _NAMES.items()}


def name_points_to(name: Hashable, kind: str) -> bool:
    """Whether the name of a column says that it holds personal data of this type.

    Parameters
    ----------
    name : column name
        Words may be separated by spaces, ``_``, ``-``, ``.`` or capitals.
    kind : str
        A built-in type, or one of the user's: then the words of the type must occur in the name.

    Examples
    --------
    >>> name_points_to("customerEmail", "email"), name_points_to("emailed", "email")
    (True, False)
    >>> name_points_to("home_address", "address")
    True
    """
    words = _spell(str(name))
    pattern = _PATTERNS.get(kind)
    if pattern is None:
        return f" {_spell(kind)} " in f" {words} "
    return bool(pattern.search(words))


def _spell(name: str) -> str:
    """Return the words of a name in small letters, one space apart."""
    return " ".join(re.findall(r"[^\W_]+", _CAMEL.sub(" ", name))).lower()
