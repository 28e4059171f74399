"""The JSON Schema of schema files, with which an editor completes and checks them."""

from __future__ import annotations

from typing import Any

from ..schema import JSON_FORMAT, JSON_VERSION, KINDS, LARGEST_COUNT, MOST_DECIMALS, Numeric

__all__ = ["json_schema"]

_NAME = {"type": ["string", "number"]}
_LEVEL = {"type": ["string", "number", "boolean"]}
_NULLABLE = {
    "description": "Whether values may be missing. A statement about the column, not about rows.",
    "type": "boolean",
    "default": False,
}
_DECIMALS = {
    "description": "Values have at most so many decimals; by default all digits.",
    "type": ["integer", "null"],
    "minimum": 0,
    "maximum": MOST_DECIMALS,
}
_MEANING = {
    "continuous": "Real numbers between two public bounds; values outside are moved to them.",
    "count": "Whole numbers between two public bounds, both included.",
    "ordinal": "One of finitely many public levels, from the lowest to the highest.",
    "categorical": "One of finitely many public levels without an order.",
}
_PURCHASE = {
    "type": "object",
    "required": ["id", "epsilon", "delta", "adjacency"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "epsilon": {"anyOf": [{"type": "number", "minimum": 0}, {"const": "inf"}]},
        "delta": {"type": "number", "minimum": 0, "maximum": 1},
        "adjacency": {"enum": ["add_remove", "replace_one"]},
        "secure_noise": {"type": "boolean"},
        "columns": {"description": "Which columns were bought.", "type": "array", "items": _NAME},
    },
    "additionalProperties": False,
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what ``TableSchema.to_json`` writes.

    What it cannot say, such as that low is below high, ``skdpsynth schema check`` checks.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "skdpsynth schema",
        "description": "What is public about a table. Nothing in it may be learned from private "
        "rows.",
        "type": "object",
        "required": ["format", "version", "columns"],
        "properties": {
            "$schema": {"type": "string"},
            "format": {"const": JSON_FORMAT},
            "version": {"const": JSON_VERSION},
            "target": {
                "description": "The name of the column to predict, or null.",
                "type": ["string", "number", "null"],
            },
            "columns": {
                "description": "The columns, in order.",
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["name", "kind"],
                    "properties": {"kind": {"enum": list(KINDS)}},
                    "allOf": [_when_kind(kind) for kind in KINDS],
                },
            },
            "bought_with": {
                "description": "What the schema was bought for. Every fit counts it: leave it.",
                "type": "array",
                "items": _PURCHASE,
            },
        },
    }


def _step_of(kind: str) -> dict[str, Any]:
    return {
        "description": "Values are low, low + step, low + 2 step, ... up to high.",
        "type": ["integer" if kind == "count" else "number", "null"],
        "exclusiveMinimum": 0,
    }


def _when_kind(kind: str) -> dict[str, Any]:
    """Return what a column of this kind must look like."""
    properties: dict[str, Any] = {
        "name": _NAME,
        "kind": {"const": kind, "description": _MEANING[kind]},
        "nullable": _NULLABLE,
    }
    if issubclass(KINDS[kind], Numeric):
        bound: dict[str, Any] = {"type": "number"}
        if kind == "count":
            bound = {"type": "integer", "minimum": -LARGEST_COUNT, "maximum": LARGEST_COUNT}
        properties |= {"low": bound, "high": bound, "step": _step_of(kind)}
        if kind == "continuous":
            properties["decimals"] = _DECIMALS
        required = ["name", "kind", "low", "high"]
    else:
        levels = {"type": "array", "minItems": 1, "uniqueItems": True, "items": _LEVEL}
        other = {**_LEVEL, "description": "The level that stands for values not among the levels."}
        properties |= {"levels": levels, "other": other}
        required = ["name", "kind", "levels"]
    shape = {"properties": properties, "required": required, "additionalProperties": False}
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": shape}
