"""What a step does to the guarantee: can it go back, and does it learn from the rows?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from sklearn.utils import get_tags

from ..pii import PIIDetector, PIIMasker
from ..preprocessing import (
    BoundedDiscretizer,
    MissingnessEncoder,
    TableEncoder,
    TableTransformer,
)
from ..privacy import PrivacySpent
from ..schema import TableSchema
from ._row_by_row import find_mixing

__all__ = [
    "check_steps",
    "describe_claims",
    "describe_leak",
    "describe_mixing",
    "describe_spent",
    "is_passthrough",
    "leaf_steps",
    "learns_from_rows",
    "try_steps",
    "would_draft",
]

# what they do to single rows is known; a class derived from them may do otherwise
_KNOWN = (BoundedDiscretizer, MissingnessEncoder, TableEncoder, OneHotEncoder, OrdinalEncoder)

_INSTEAD = {
    "BoundedDiscretizer": "pass it a schema that is public",
    "KBinsDiscretizer": "BoundedDiscretizer bins between public bounds",
    "MissingnessEncoder": "pass it a schema that is public",
    "OneHotEncoder": "pass it all categories, or use TableEncoder with a schema",
    "OrdinalEncoder": "pass it all categories, or use TableEncoder with a schema",
    "SimpleImputer": "MissingnessEncoder fills without looking at the rows",
    "MinMaxScaler": "TableEncoder scales between the public bounds of a schema",
    "TableEncoder": "pass it a schema that is public",
    "PIIDetector": "set read_values=False",
    "PIIMasker": "pass it the columns to mask",
    "StandardScaler": "TableEncoder scales between the public bounds of a schema",
}


def is_passthrough(step: Any) -> bool:
    """Whether a step leaves the table as it is, as scikit-learn writes it."""
    return step is None or (isinstance(step, str) and step == "passthrough")


def leaf_steps(steps: Sequence[tuple[str, Any]], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the transformers, those of nested pipelines by names like those of parameters."""
    for name, step in steps:
        if isinstance(step, Pipeline):
            yield from leaf_steps(step.steps, f"{prefix}{name}__")
        elif not is_passthrough(step):
            yield prefix + name, step


def check_steps(steps: Sequence[tuple[str, Any]]) -> None:
    """Check that the last step is a synthesizer and that all others can go back.

    Raises
    ------
    TypeError
        The message names the step and the way out.
    """
    if not isinstance(steps, list | tuple) or any(
        not isinstance(step, list | tuple) or len(step) != 2 for step in steps
    ):
        raise TypeError(
            "steps must be a list of pairs such as [('encode', encoder), ('synth', synthesizer)], "
            f"got {steps!r}."
        )
    if not steps:
        raise ValueError("The pipeline is empty: its last step must be a synthesizer.")
    name, last = steps[-1]
    if not (hasattr(last, "fit") and hasattr(last, "sample")):
        kind = last if isinstance(last, str) else type(last).__name__
        raise TypeError(
            f"The last step of a SynthesizerPipeline must be a synthesizer, with fit and sample; "
            f"{name!r} is {kind}. Use sklearn.pipeline.Pipeline for other estimators."
        )
    for name, step in leaf_steps(steps[:-1]):
        problem = _no_way_back(step)
        if problem is not None:
            raise TypeError(
                f"Step {name!r} ({type(step).__name__}) {problem}. Without a way back, synthetic "
                "rows would not look like the table."
            )
    transformers = [step for step in steps[:-1] if not is_passthrough(step[1])]
    masking = [
        step for step in leaf_steps(steps[:-1]) if isinstance(step[1], PIIDetector | PIIMasker)
    ]
    if masking != transformers[: len(masking)]:
        raise TypeError(
            f"Step {masking[-1][0]!r} ({type(masking[-1][1]).__name__}) must come before all "
            "transformers, and in no pipeline of its own: it reads the table as it is."
        )


def _no_way_back(step: Any) -> str | None:
    """Return what is wrong with the inverse of a step, and the way out."""
    if isinstance(step, FunctionTransformer):
        if step.func is not None and step.inverse_func is None:
            return "has func but no inverse_func, which would leave the rows transformed; pass both"
        return None
    if isinstance(step, SimpleImputer) and not step.add_indicator:
        return (
            "does not keep which values were missing; use MissingnessEncoder, or no such step: "
            "synthesizers model missing values"
        )
    if isinstance(step, OneHotEncoder) and step.drop is None and step.handle_unknown == "error":
        return (
            "cannot turn back a row in which none of its columns is 1, and synthetic rows may be "
            "such; use OrdinalEncoder, or TableEncoder"
        )
    if not hasattr(step, "inverse_transform"):
        return (
            "has no inverse_transform; leave it out, since synthesizers read mixed tables as they "
            "come, or write one whose inverse is known, such as FunctionTransformer(func, "
            "inverse_func)"
        )
    return None


def would_draft(step: TableTransformer) -> bool:
    """Whether a transformer of this package would read what it needs from the rows."""
    given = ("schema", "bounds", "edges", "columns")
    return all(getattr(step, parameter, None) is None for parameter in given)


def learns_from_rows(step: Any) -> bool:
    """Whether what `fit` keeps of the step depends on the values of the rows.

    Transformers of this package do not under a public schema, encoders do not when they are given
    all categories, and others do not if their tags say that they need no fit; all that is not
    known not to is taken to learn.
    """
    if isinstance(step, PIIDetector | PIIMasker):
        return step._learns_from_rows()
    if isinstance(step, TableTransformer):
        return would_draft(step)
    if isinstance(step, OrdinalEncoder | OneHotEncoder):
        # both would count the rows of every category
        counts = step.min_frequency is not None or step.max_categories is not None
        return isinstance(step.categories, str) or counts
    return not hasattr(step, "__sklearn_tags__") or get_tags(step).requires_fit


def describe_leak(name: str, step: Any) -> str:
    """Return the warning about a step that learns from the rows."""
    kind = type(step).__name__
    instead = _INSTEAD.get(kind, "give the synthesizer the table as it is, with a schema")
    return (
        f"Step {name!r} ({kind}) learns from the rows, which no privacy guarantee covers: the "
        f"pipeline's privacy_spent_ will say so. On private rows, {instead}."
    )


def describe_mixing(name: str, step: Any, reason: str) -> str:
    """Return the warning about a step that does not treat rows one by one."""
    return (
        f"Step {name!r} ({type(step).__name__}) {reason}: it does not treat rows one by one. One "
        "row may then count many times or change others, which no privacy guarantee covers: the "
        "pipeline's privacy_spent_ will say so. On private rows, return one row for each row, in "
        "its place, computed from that row and from public numbers, levels and dtypes only."
    )


def describe_claims(names: Sequence[str]) -> tuple[str, ...]:
    """Return the notes about steps of which nothing is known but that they passed the test."""
    return tuple(
        f"step {name!r} is taken to treat rows one by one: that is your claim" for name in names
    )


def describe_spent(
    spent: PrivacySpent, leaking: Sequence[str], repeats_dtypes: bool
) -> PrivacySpent:
    """Return the guarantee of a synthesizer with what the steps before it do to it."""
    notes = list(spent.notes)
    if leaking:
        names = ", ".join(repr(name) for name in leaking)
        notes.append(
            "steps that learned from the rows, or do not treat them one by one: "
            f"{names}: not covered by the guarantee"
        )
    if repeats_dtypes:
        notes.append("no schema of X: its dtypes are repeated as they were")
    return replace(spent, public_schema=spent.public_schema and not leaking, notes=tuple(notes))


def try_steps(
    steps: Sequence[tuple[str, Any]],
    X: Any,
    y: Any,
    leaking: Sequence[str],
    schemas: Sequence[TableSchema],
    has_metadata: bool,
) -> tuple[list[tuple[str, Any, str]], list[str]]:
    """Try whether steps treat rows one by one; those that are known, or leak already, are not.

    Parameters
    ----------
    steps : sequence of (str, transformer)
        Fitted, without the synthesizer.
    X, y : table and target
        As the first of the steps is given them.
    leaking : sequence of str
        Names of steps that learn from the rows.
    schemas : sequence of TableSchema
        What is known of columns.
    has_metadata : bool
        Whether steps were given metadata, which cannot be divided by rows: then what is tried is
        how the fitted step transforms.

    Returns
    -------
    mixing : list of (str, transformer, str)
        Steps that do not, each with what was found.
    claimed : list of str
        Names of steps of which nothing else is known.
    """
    mixing, claimed = [], []
    rows = X
    for name, step in leaf_steps(steps):
        if type(step) in _KNOWN or _is_identity(step) or name in leaking:
            rows = step.transform(rows)
            continue
        transform = _transform_with(step) if has_metadata else _fit_transform_with(step)
        try:
            found = find_mixing(transform, rows, y, schemas)
        except Exception as error:
            error.add_note(f"Step {name!r} was tried on some of the rows, and on single ones.")
            raise
        if found is None:
            claimed.append(name)
        else:
            mixing.append((name, step, found))
        rows = transform(rows, y)
    return mixing, claimed


def _is_identity(step: Any) -> bool:
    return type(step) is FunctionTransformer and step.func is None


def _transform_with(step: Any) -> Callable[[Any, Any], Any]:
    return lambda X, y: step.transform(X)


def _fit_transform_with(step: Any) -> Callable[[Any, Any], Any]:
    """Return what a pipeline does with a step: what `fit` keeps, or does with y, is part of it."""

    def fit_transform(X: Any, y: Any) -> Any:
        copy = clone(step, safe=False)
        if hasattr(copy, "fit_transform"):
            return copy.fit_transform(X, y)
        return copy.fit(X, y).transform(X)

    return fit_transform
