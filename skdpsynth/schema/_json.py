"""Schemas as JSON text."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..exceptions import SchemaError
from ..privacy import Purchase, unite_purchases
from ._kinds import KINDS, Numeric, is_name

__all__ = ["read_json", "read_text", "write_json"]

JSON_FORMAT = "skdpsynth-schema"
JSON_VERSION = 1
# fields of numeric kinds that schemas of earlier releases lack
STEPS = ("decimals", "step")


def write_json(
    columns: Mapping[Hashable, Any],
    target: Any,
    bought_with: tuple[Purchase, ...],
    indent: int | None,
) -> str:
    """Return the columns and the target of a schema, and what was paid for it, as JSON text."""
    document = {
        "format": JSON_FORMAT,
        "version": JSON_VERSION,
        "target": target,
        "columns": [_column_to_json(name, kind) for name, kind in columns.items()],
    }
    if bought_with:
        document["bought_with"] = [_purchase_to_json(one, columns) for one in bought_with]
    return json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)


def _purchase_to_json(purchase: Purchase, columns: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {
        "id": purchase.identity,
        # JSON has no number for infinity
        "epsilon": purchase.epsilon if purchase.epsilon < math.inf else "inf",
        "delta": purchase.delta,
        "adjacency": purchase.adjacency,
        "secure_noise": purchase.secure_noise,
        "columns": [name for name, kind in columns.items() if purchase in kind.bought_with],
    }


def _purchase_from_json(entry: Any, where: str) -> tuple[Purchase, Any]:
    """Return a purchase and the names of what was bought, None where it does not say."""
    if not isinstance(entry, dict):
        raise SchemaError(f"{where}: expected an object, got {entry!r}.")
    required = {"id", "epsilon", "delta", "adjacency"}
    missing, unknown = required - set(entry), set(entry) - required - {"secure_noise", "columns"}
    if missing or unknown:
        raise SchemaError(
            f"{where}: missing fields {sorted(missing)}, unknown fields {sorted(unknown)}. What a "
            "schema was bought with stays in its file: every fit has to count it."
        )
    names = entry.get("columns")
    if names is not None and not (isinstance(names, list) and all(map(is_name, names))):
        raise SchemaError(f"{where}: the field 'columns' must be a list of names, got {names!r}.")
    epsilon = entry["epsilon"]
    try:
        purchase = Purchase(
            identity=entry["id"],
            epsilon=math.inf if epsilon == "inf" else epsilon,
            delta=entry["delta"],
            adjacency=entry["adjacency"],
            secure_noise=entry.get("secure_noise", True),
        )
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{where}: {error}.") from None
    return purchase, names


def _read_purchases(
    entries: Any, columns: dict[Hashable, Any]
) -> tuple[dict[Hashable, Any], tuple[Purchase, ...]]:
    """Return the columns, each with what it was bought with, and all purchases."""
    if not isinstance(entries, list):
        raise SchemaError("The field 'bought_with' must be a list of purchases.")
    purchases: tuple[Purchase, ...] = ()
    for position, entry in enumerate(entries):
        purchase, names = _purchase_from_json(entry, f"bought_with[{position}]")
        purchases = unite_purchases(purchases, [purchase])
        if names is None or any(name not in columns for name in names):
            # a column was renamed by hand: it may be any of them
            names = list(columns)
        for name in names:
            bought_with = unite_purchases(columns[name].bought_with, [purchase])
            columns[name] = replace(columns[name], bought_with=bought_with)
    return columns, purchases


def _column_to_json(name: Hashable, kind: Any) -> dict[str, Any]:
    column = {"name": name, "kind": type(kind).__name__.lower(), "nullable": kind.nullable}
    if isinstance(kind, Numeric):
        given = {name: getattr(kind, name, None) for name in STEPS}
        steps = {name: value for name, value in given.items() if value is not None}
        return {**column, "low": kind.low, "high": kind.high, **steps}
    other = {} if kind.other is None else {"other": kind.other}
    return {**column, "levels": list(kind.levels), **other}


def _column_from_json(entry: Any, where: str) -> tuple[Hashable, Any]:
    if not isinstance(entry, dict):
        raise SchemaError(f"{where}: expected an object, got {entry!r}.")
    fields = dict(entry)
    name = fields.pop("name", None)
    if not is_name(name):
        raise SchemaError(f"{where}: the field 'name' must be a string or a number, got {name!r}.")
    where = f"{where} ({name!r})"
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise SchemaError(f"{where}: unknown kind {kind!r}; expected one of {list(KINDS)}.")
    required = {"low", "high"} if issubclass(KINDS[kind], Numeric) else {"levels"}
    optional = {"nullable", "other"} if "levels" in required else {"nullable", *STEPS}
    if kind == "count":
        optional.discard("decimals")
    missing, unknown = required - set(fields), set(fields) - required - optional
    if missing or unknown:
        raise SchemaError(
            f"{where}: missing fields {sorted(missing)}, unknown fields {sorted(unknown)}."
        )
    try:
        return name, KINDS[kind](**fields)
    except SchemaError as error:
        raise SchemaError(f"{where}: {error}") from None


def read_text(path: Path) -> str:
    """Return the text of a file, without the mark some programs put before it.

    Raises
    ------
    SchemaError
        If there is no such file, or it is not text in UTF-8.
    """
    shown = str(path) if len(str(path)) <= 80 else f"{str(path)[:77]}..."
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long for a name, or with a null character
        is_file = False
    if not is_file:
        raise SchemaError(f"{shown!r} is neither a JSON object nor a file.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError(f"{str(path)!r} is not text in UTF-8: {error}.") from None


def read_json(text: str) -> tuple[dict[Hashable, Any], Any, tuple[Purchase, ...]]:
    """Return the columns and the target that JSON text holds, and what was paid for them.

    Raises
    ------
    SchemaError
        If the text is not a schema; the message says where.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise SchemaError("Not a schema: the JSON is nested too deeply.") from None
    except ValueError as error:
        # also of integers with thousands of digits
        raise SchemaError(f"Not JSON: {error}.") from None
    if not isinstance(document, dict) or document.get("format") != JSON_FORMAT:
        raise SchemaError(f'Not a schema: expected an object with "format": "{JSON_FORMAT}".')
    if document.get("version") != JSON_VERSION:
        raise SchemaError(
            f"The schema has version {document.get('version')!r}, this release reads version "
            f"{JSON_VERSION}; a newer version needs a newer release."
        )
    if not isinstance(document.get("columns"), list):
        raise SchemaError("The field 'columns' must be a list of columns.")
    columns: dict[Hashable, Any] = {}
    for position, entry in enumerate(document["columns"]):
        name, kind = _column_from_json(entry, f"columns[{position}]")
        if name in columns:
            raise SchemaError(f"columns[{position}]: the name {name!r} appears twice.")
        columns[name] = kind
    columns, purchases = _read_purchases(document.get("bought_with", []), columns)
    return columns, document.get("target"), purchases
