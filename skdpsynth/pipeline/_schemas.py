"""Public schemas on their way through the steps: what one step returns, the next one reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from .._base import BaseSynthesizer
from ..preprocessing import (
    TableFormat,
    TableTransformer,
    decode_table,
    join_target,
    public_format,
    read_frame,
)
from ..privacy import Purchase
from ..schema import TableSchema, check_schema, draft_privately
from ._masking import without_masking
from ._steps import is_passthrough, would_draft

__all__ = [
    "SchemaPath",
    "draft_schema",
    "drafts_schema",
    "join_schemas",
    "lend_schemas",
    "mark_claims",
    "mark_leak",
    "mark_purchases",
    "read_target",
    "trace_schemas",
]


class SchemaPath(NamedTuple):
    """What is known about the table at every step.

    Attributes
    ----------
    table : TableSchema or None
        The schema of X, with the target where that is known; None where the first step has none.
    read : dict of int to TableSchema
        What the transformers of this package read, by position of the step.
    lent : dict of int to TableSchema
        The schemas of steps that have none of their own and would draft one.
    """

    table: TableSchema | None
    read: dict[int, TableSchema]
    lent: dict[int, TableSchema]


def draft_schema(steps: Sequence[tuple[str, Any]], X: Any, y: Any) -> TableSchema | None:
    """Return a schema read from the rows, y included, if the first step would read one."""
    first = next((step for _, step in steps[:-1] if not is_passthrough(step)), None)
    if not (isinstance(first, TableTransformer) and would_draft(first)):
        return None
    frame, table_format = read_frame(X, ensure_min_samples=2)
    if y is None:
        return draft_privately(frame)
    frame, table_format = join_target(frame, table_format, y)
    return draft_privately(frame, target=table_format.names[-1])


def trace_schemas(
    steps: Sequence[tuple[str, Any]], has_y: bool, drafted: TableSchema | None = None
) -> SchemaPath:
    """Follow the schemas through the steps, without any row.

    Parameters
    ----------
    steps : sequence of (str, estimator)
        The last one is the synthesizer.
    has_y : bool
        Whether the target comes as y, and so passes by the transformers.
    drafted : TableSchema, default=None
        The schema of X that the first step takes, having none.

    Returns
    -------
    SchemaPath
    """
    read: dict[int, TableSchema] = {}
    lent: dict[int, TableSchema] = {}
    known: TableSchema | None = None
    target: TableSchema | None = None
    is_first, table = True, None
    for position, (_, step) in enumerate(steps[:-1]):
        if is_passthrough(step):
            continue
        own = _own_schema(step)
        if own is None and is_first and drafted is not None:
            own, lent[position] = drafted, _without_target(drafted) if has_y else drafted
        if own is not None:
            target = own.select([own.target]) if own.target is not None else target
            known = _without_target(own) if has_y else own
        elif known is not None and isinstance(step, TableTransformer) and would_draft(step):
            lent[position] = known
        else:
            known = None
        if known is not None:
            read[position] = known
        table, is_first = (known if is_first else table), False
        known = None if known is None else _output_schema(step, known)
    position, synthesizer = len(steps) - 1, steps[-1][1]
    if is_first:
        return SchemaPath(check_schema(getattr(synthesizer, "schema", None)), read, lent)
    has_none = isinstance(synthesizer, BaseSynthesizer) and synthesizer.schema is None
    if known is not None and has_none:
        lent[position] = (join_schemas(known, target) if has_y else known) or known
    if has_y:
        table = join_schemas(table, target)
    return SchemaPath(table, read, lent)


def drafts_schema(steps: Sequence[tuple[str, Any]]) -> bool:
    """Whether the synthesizer of these steps has no schema, and is lent none by those before it."""
    synthesizer = steps[-1][1]
    if not isinstance(synthesizer, BaseSynthesizer) or synthesizer.schema is not None:
        return False
    return len(steps) - 1 not in trace_schemas(without_masking(steps), has_y=False).lent


def _own_schema(step: Any) -> TableSchema | None:
    return check_schema(step.schema) if isinstance(step, TableTransformer) else None


def _without_target(schema: TableSchema) -> TableSchema:
    return schema if schema.target is None else schema.drop([schema.target])


def join_schemas(features: TableSchema | None, target: TableSchema | None) -> TableSchema | None:
    """Return the schema with the one column of y, where there is any, as its target."""
    if features is None or target is None or target.target in features:
        return features
    return features.replace(target).with_target(target.target)


def read_target(synthesizer: Any) -> TableSchema | None:
    """Return the schema of the column that y became in a fitted synthesizer of this package."""
    if not isinstance(synthesizer, BaseSynthesizer):
        return None
    return synthesizer.schema_.select([synthesizer.schema_.target])


def _output_schema(step: TableTransformer, schema: TableSchema) -> TableSchema:
    """Return the schema of what a step makes of such tables, from a row made of the schema."""
    n_columns = len(schema)
    unknown = TableFormat("pandas", schema.names, (np.dtype(object),) * n_columns)
    row = decode_table(np.zeros((1, n_columns)), schema, public_format(unknown, schema))
    return clone(step).set_params(schema=schema).fit(row).output_schema_


@contextmanager
def lend_schemas(estimator: Any, schemas: dict[int, TableSchema]) -> Iterator[None]:
    """Give steps a schema for the time of a fit, which must leave the parameters as they are."""
    for position, schema in schemas.items():
        estimator.steps[position][1].set_params(schema=schema)
    try:
        yield
    finally:
        for position in schemas:
            estimator.steps[position][1].set_params(schema=None)


def mark_purchases(synthesizer: Any, purchases: Sequence[Purchase]) -> None:
    """Record what schemas of the steps were bought for in the fitted synthesizer's ledger."""
    if isinstance(synthesizer, BaseSynthesizer):
        for purchase in purchases:
            synthesizer.ledger_.mark_bought_schema(purchase)
        synthesizer.privacy_spent_ = synthesizer.ledger_.spent()


def mark_claims(synthesizer: Any, notes: tuple[str, ...]) -> None:
    """Record what the guarantee of the fitted synthesizer rests on beside the proofs."""
    if isinstance(synthesizer, BaseSynthesizer):
        spent = synthesizer.ledger_.spent()
        synthesizer.privacy_spent_ = replace(spent, notes=(*spent.notes, *notes))


def mark_leak(synthesizer: Any) -> None:
    """Record in the ledger of the fitted synthesizer that a step read the rows."""
    if isinstance(synthesizer, BaseSynthesizer):
        synthesizer.ledger_.mark_drafted_schema()
        synthesizer.privacy_spent_ = synthesizer.ledger_.spent()
