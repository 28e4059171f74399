"""SynthesizerPipeline: transformers and a synthesizer, there and back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .._parameters import check_count
from ..exceptions import PrivacyLeakWarning
from ..privacy import PrivacyLedger, PrivacySpent
from ..schema import (
    TableSchema,
    column_names,
    first_rows,
    purchases_of,
    select_columns,
    take_column,
)
from ._conditions import carry_conditions, transform_rows
from ._masking import mask_rows, masking_steps, place_after, put_back, set_aside, without_masking
from ._restore import JointFormat, read_format, split_at
from ._schemas import (
    draft_schema,
    join_schemas,
    lend_schemas,
    mark_claims,
    mark_leak,
    mark_purchases,
    read_target,
    trace_schemas,
)
from ._seeds import Seeds
from ._steps import (
    check_steps,
    describe_claims,
    describe_leak,
    describe_mixing,
    describe_spent,
    is_passthrough,
    leaf_steps,
    learns_from_rows,
    try_steps,
)

__all__ = ["SynthesizerPipeline", "make_synthesizer_pipeline"]

# a value that comes back by chance, with probability a half, does so in all with 1e-15
ROWS_TO_TRY = 50


class SynthesizerPipeline(Pipeline):
    """Transformers followed by a synthesizer, whose rows go back through the transformers.

    `fit` is that of scikit-learn's pipeline. `sample`, `sample_xy` and `sample_datasets` return
    rows like those of X: each step's ``inverse_transform`` is applied, the last one first. The
    target y is passed to the synthesizer as it is.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers with ``inverse_transform``, or ``"passthrough"``, and last a synthesizer. A
        `PIIMasker` comes first; the synthesizer does not see the columns it masks. The
        schema of a transformer of this package is passed on: one that has none, and the
        synthesizer, take the schema of what they are given.
    memory : str or joblib.Memory, default=None
        Where fitted transformers are cached, and with them the private rows they transformed.
    verbose : bool, default=False
        Whether the time of each step is printed.

    Attributes
    ----------
    leaking_steps_ : tuple of str
        Names of the steps that learned from the rows without a budget, or do not treat them one by
        one.
    claimed_steps_ : tuple of str
        Names of the steps that are taken to treat rows one by one, which is your claim.
    privacy_spent_ : PrivacySpent
        The guarantee of the synthesizer; not private if a step leaks.
    ledger_ : PrivacyLedger
        Every release of the synthesizer.
    schema_ : TableSchema
        The schema of the table, where the first step has one.
    n_records_ : int
        Row count: noisy under add/remove, exact under replace-one.

    See Also
    --------
    make_synthesizer_pipeline : Names the steps by itself.
    skdpsynth.total_privacy_cost : What a search over pipelines costs on private rows.

    Notes
    -----
    *Why a step may leak.* The guarantee covers what the synthesizer releases of the table it is
    given. If every row is transformed by itself, tables that differ in one row still do so when
    transformed, and the guarantee holds for X. A mean, a range or a list of categories that a step
    reads from the rows changes all transformed rows with a single one; and it is kept, un-noised,
    in the fitted step. A step does not leak if

    - it is a transformer of this package with a public schema or bounds,
    - it is a `PIIMasker` that is told which columns to mask,
    - it is an ``OrdinalEncoder`` or ``OneHotEncoder`` that is given all categories, or
    - its tags say that it needs no fit, as those of ``FunctionTransformer`` do, and it treats rows
      one by one: it returns one row for each row, in its place, computed from that row alone.

    Any other step gets a `PrivacyLeakWarning` by its name before it is fitted, and `privacy_spent_`
    says that the result is not private. Whether rows are treated one by one is tried after the fit,
    on many choices of the rows, alone, together and in other orders, and on made-up ones; a step
    that fails is warned of and marked likewise. This test is not a proof: a step that passes is
    *taken* to treat rows one by one, a note in `privacy_spent_` calls it your claim, and
    `claimed_steps_` names it. The test looks at the rows, so that whether a step is marked depends
    on them. A mark says that there is no guarantee; that a step is not marked says nothing new,
    provided that the claim is true, for then no table would have it marked.

    Without a schema for X the dtypes of X are repeated as they
    are, which can depend on its values: integers become floats where one is missing.

    `score` and `score_samples` are densities of the *transformed* rows: they compare pipelines with
    the same transformers only. `TSTRScorer` compares any.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth import Categorical, Count, DPMixtureSynthesizer, TableSchema
    >>> from skdpsynth.pipeline import make_synthesizer_pipeline
    >>> from skdpsynth.preprocessing import BoundedDiscretizer
    >>> schema = TableSchema({"age": Count(0, 99), "sick": Categorical(["no", "yes"])}, "sick")
    >>> private = pd.DataFrame({"age": [20, 70] * 500, "sick": ["no", "yes"] * 500})
    >>> pipeline = make_synthesizer_pipeline(
    ...     BoundedDiscretizer(schema, n_bins=20), DPMixtureSynthesizer(random_state=0)
    ... ).fit(private)
    >>> pipeline.sample(2, random_state=0).dtypes.equals(private.dtypes)
    True
    """

    def __init__(self, steps: Any, *, memory: Any = None, verbose: bool = False) -> None:
        super().__init__(steps, memory=memory, verbose=verbose)

    def __getitem__(self, key: Any) -> Any:
        """Return a step, or a pipeline of some: a plain one where the synthesizer is left out."""
        if (
            isinstance(key, slice)
            and range(len(self.steps))[key][-1:] != range(len(self.steps))[-1:]
        ):
            return Pipeline(self.steps[key], memory=self.memory, verbose=self.verbose)
        return super().__getitem__(key)

    def fit(self, X: Any, y: Any = None, **params: Any) -> SynthesizerPipeline:
        """Fit the transformers and the synthesizer, which spends its budget once.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            The private table.
        y : array-like of shape (n_rows,), default=None
            The target; no step transforms it.
        **params : dict
            Metadata of the steps, as in scikit-learn's pipeline.

        Returns
        -------
        self : SynthesizerPipeline

        Raises
        ------
        TypeError
            If a step has no inverse, or the last one is not a synthesizer; the message names it.

        Warns
        -----
        PrivacyLeakWarning
            For every step that learns from the rows, or does not treat them one by one.
        """
        check_steps(self.steps)
        rest, steps = mask_rows(self._masking, X), without_masking(self.steps)
        drafted = draft_schema(steps, rest, y)
        leaks = [] if drafted is None else self._transformers[:1]
        path = trace_schemas(steps, y is not None, drafted)
        with lend_schemas(self, path.lent), set_aside(self):
            leaks += [step for step in leaf_steps(self.steps[:-1]) if learns_from_rows(step[1])]
            for name, step in leaks:
                _warn(describe_leak(name, step))
            super().fit(X, y, **params)
        leaking = [name for name, _ in leaks]
        # at once, as the steps are fitted, whatever fails from here on
        self.leaking_steps_ = tuple(leaking)
        if leaking:
            mark_leak(self._synthesizer)
        self.claimed_steps_: tuple[str, ...] = ()
        known = [*path.read.values(), *self.get_params(deep=True).values()]
        mark_purchases(self._synthesizer, purchases_of(known))
        schemas = [schema for schema in known if isinstance(schema, TableSchema)]
        mixing, claimed = try_steps(
            self._transformers, rest, y, leaking, schemas, has_metadata=bool(params)
        )
        self.has_y_ = y is not None
        self.claimed_steps_ = tuple(claimed)
        if mixing:
            self.leaking_steps_ = (*leaking, *(name for name, _, _ in mixing))
            mark_leak(self._synthesizer)
        mark_claims(self._synthesizer, describe_claims(claimed))
        self._table_schema, self._format = None, JointFormat(None, None, None)
        if self._transformers:
            target = read_target(self._synthesizer) if self.has_y_ else None
            self._table_schema = join_schemas(path.table, target)
            self._format = read_format(rest, y, self._table_schema, target)
        for name, step, reason in mixing:
            _warn(describe_mixing(name, step, reason))
        return self

    def sample(
        self,
        n_samples: int = 1,
        *,
        conditions: Mapping[Any, Any] | None = None,
        random_state: Any = None,
    ) -> Any:
        """Draw synthetic rows from the point estimate, turned back into rows like those of X.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows; 0 gives an empty table.
        conditions : mapping of column name to value, default=None
            All rows have these values. They are carried through the steps.
        random_state : int, Generator, RandomState or None, default=None
            Fixes the rows drawn, and what steps with a `random_state` of None draw.

        Returns
        -------
        table : DataFrame, pyarrow.Table or ndarray of shape (n_samples, n_features_in_)
            Columns, order and container of X.

        Raises
        ------
        ValueError
            If `n_samples` is not a non-negative integer, or the conditions have probability zero.
        TableMismatchError
            If a condition does not fit its column or does not survive the steps: a binned number
            does not, nor one outside the bounds, nor a column that a step mixes with others.
        """
        check_is_fitted(self)
        rng = Seeds(random_state)
        # transformers of scikit-learn refuse tables without rows
        n_drawn = max(check_count(n_samples, "n_samples"), 1)
        given = self._carry(conditions)
        table = self._go_back(
            self._synthesizer.sample(n_drawn, **given, random_state=rng.draw()), rng
        )
        return first_rows(put_back(self._masking, table, rng), n_samples)

    def sample_xy(
        self,
        n_samples: int = 1,
        *,
        conditions: Mapping[Any, Any] | None = None,
        random_state: Any = None,
    ) -> tuple[Any, Any]:
        """Draw synthetic rows, split into X and y; a ValueError if there is no target.

        Parameters are those of `sample`.
        """
        check_is_fitted(self)
        if not self.has_y_ and (self._transformers or self._masking):
            schema = getattr(self, "schema_", None)
            if schema is None or schema.target is None:
                raise ValueError(
                    "sample_xy needs a target: fit with y, or give the first step a schema that "
                    "names one (schema.with_target)."
                )
            table = self.sample(n_samples, conditions=conditions, random_state=random_state)
            at = schema.names.index(schema.target)
            return split_at(table, schema.target, place_after(self._masking, at, len(schema)))
        rng = Seeds(random_state)
        n_drawn = max(check_count(n_samples, "n_samples"), 1)
        given = self._carry(conditions)
        X, y = self._synthesizer.sample_xy(n_drawn, **given, random_state=rng.draw())
        X, y = self._go_back(X, rng), self._format.restore_target(y)
        X = put_back(self._masking, X, rng)
        return first_rows(X, n_samples), first_rows(y, n_samples)

    def sample_datasets(
        self, m: int, n_samples: int | None = None, *, random_state: Any = None
    ) -> Iterator[Any]:
        """Yield `m` synthetic tables, each from one draw of the parameters' posterior.

        Parameters
        ----------
        m : int
            Number of tables.
        n_samples : int, default=None
            Rows of each; by default the released row count `n_records_`.
        random_state : int, Generator, RandomState or None, default=None

        Yields
        ------
        table : DataFrame or ndarray of shape (n_samples, n_columns)
            With the target as last column after ``fit(X, y)``.
        """
        check_is_fitted(self)
        rng = Seeds(random_state)
        tables = self._synthesizer.sample_datasets(m, n_samples, random_state=rng.draw())
        return (put_back(self._masking, self._go_back_jointly(table, rng), rng) for table in tables)

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """Return the log density of every row, transformed, under the fitted model; not private.

        X, y and the array returned are as in the synthesizer; no Jacobian of the steps is added.
        """
        check_is_fitted(self)
        table = transform_rows(self._masking + self._transformers, X)
        return self._synthesizer.score_samples(table, *(() if y is None else (y,)))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the synthesizer's score of the transformed rows; not private."""
        check_is_fitted(self)
        table = transform_rows(self._masking + self._transformers, X)
        return self._synthesizer.score(table, y)

    @property
    def privacy_spent_(self) -> PrivacySpent:
        """The guarantee of the synthesizer; not private if a step leaks."""
        repeats_dtypes = bool(self._transformers) and self._table_schema is None
        spent = self._synthesizer.privacy_spent_
        return describe_spent(spent, self.leaking_steps_, repeats_dtypes)

    @property
    def ledger_(self) -> PrivacyLedger:
        """Every release of the synthesizer."""
        return self._synthesizer.ledger_

    @property
    def n_records_(self) -> int:
        """Row count: noisy under add/remove, exact under replace-one."""
        return self._synthesizer.n_records_

    @property
    def schema_(self) -> TableSchema:
        """The schema of the table; an AttributeError where the first step has none."""
        if not self._transformers:
            return self._synthesizer.schema_
        if self._table_schema is None:
            raise AttributeError("The first step of the pipeline has no schema of X.")
        return self._table_schema

    @property
    def _synthesizer(self) -> Any:
        return self.steps[-1][1]

    @property
    def _masking(self) -> list[tuple[str, Any]]:
        return masking_steps(self.steps[:-1])

    @property
    def _transformers(self) -> list[tuple[str, Any]]:
        return [step for step in without_masking(self.steps[:-1]) if not is_passthrough(step[1])]

    def _carry(self, conditions: Any) -> dict[str, Any]:
        """Return the conditions on the synthesizer's columns, as a keyword if there are any."""
        if conditions is None:
            return {}
        if not self._transformers or not isinstance(conditions, Mapping):
            return {"conditions": conditions}
        fitted = self._synthesizer.schema_
        target = {fitted.target} if self.has_y_ else set()
        features = {name: value for name, value in conditions.items() if name not in target}
        rng = Seeds(0)
        rows = self._go_back(self._synthesizer.sample(ROWS_TO_TRY, random_state=rng.draw()), rng)
        names = column_names(rows) if self._format.features is None else self._format.features.names
        places = carry_conditions(features, self._transformers, rows, names)
        carried = {fitted.names[place]: value for place, value in places.items()}
        return {"conditions": {**carried, **{n: conditions[n] for n in target & set(conditions)}}}

    def _go_back(self, table: Any, rng: Seeds) -> Any:
        for _, step in reversed(self._transformers):
            table = rng.lend(step).inverse_transform(table)
        return self._format.restore_features(table)

    def _go_back_jointly(self, table: Any, rng: Seeds) -> Any:
        if not self.has_y_ or not self._transformers:
            return self._go_back(table, rng)
        last = len(column_names(table)) - 1
        features = select_columns(table, range(last))
        return self._format.join(self._go_back(features, rng), take_column(table, last))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        first = next((step for _, step in self.steps if not is_passthrough(step)), None)
        if hasattr(first, "__sklearn_tags__"):
            read = get_tags(first).input_tags
            tags.input_tags.allow_nan = read.allow_nan
            tags.input_tags.categorical = read.categorical
            tags.input_tags.string = read.string
        return tags


def make_synthesizer_pipeline(
    *steps: Any, memory: Any = None, verbose: bool = False
) -> SynthesizerPipeline:
    """Return a `SynthesizerPipeline` whose steps are named after their classes.

    Parameters
    ----------
    *steps : estimators
        Transformers, and a synthesizer as the last.
    memory : str or joblib.Memory, default=None
        Where fitted transformers are cached, and with them the private rows they transformed.
    verbose : bool, default=False
        Whether the time of each step is printed.

    Returns
    -------
    SynthesizerPipeline

    Examples
    --------
    >>> from skdpsynth import DPMixtureSynthesizer
    >>> from skdpsynth.pipeline import make_synthesizer_pipeline
    >>> from skdpsynth.preprocessing import TableEncoder
    >>> list(make_synthesizer_pipeline(TableEncoder(), DPMixtureSynthesizer()).named_steps)
    ['tableencoder', 'dpmixturesynthesizer']
    """
    named = make_pipeline(*steps).steps
    return SynthesizerPipeline(named, memory=memory, verbose=verbose)


def _warn(text: str) -> None:
    warnings.warn(text, PrivacyLeakWarning, stacklevel=3)
