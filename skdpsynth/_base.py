"""BaseSynthesizer: the one way from a table to a synthetic table, written once."""

from __future__ import annotations

import os
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm.auto import tqdm

from ._contracts import FitPlan, Model, Plan, as_fit_plan, warn_of_noise
from ._fitting import first_import_of_jax
from ._parameters import Constraint, as_generator, check_count, check_parameters
from ._reading import encode_conditions, read_table
from ._saving import save
from .exceptions import SchemaError, TableMismatchError
from .preprocessing import decode_table, encode_table, join_target, read_frame
from .privacy import Mechanisms, NoiseSource, PrivacyLedger
from .schema import TableSchema, check_schema, take_column

__all__ = ["BaseSynthesizer"]


class _UsedSeeds:
    """Seeds that an estimator, or a clone of it, was fitted with."""

    def __init__(self, template: _UsedSeeds | None = None) -> None:
        self._template = template
        self._seeds: list[Any] = []

    def add(self, random_state: Any) -> None:
        if random_state is not None:
            # a clone has a copy of a RandomState, which counts as any other
            self._seeds.append(random_state if isinstance(random_state, Integral) else "state")
            if self._template is not None:
                self._template.add(random_state)

    def __contains__(self, random_state: Any) -> bool:
        return (random_state if isinstance(random_state, Integral) else "state") in self._seeds


class BaseSynthesizer(BaseEstimator, metaclass=ABCMeta):
    """Template of all synthesizers: read, release, infer; then sample and score.

    A subclass has the parameters `epsilon`, `delta`, `adjacency`, `schema`, `random_state` and
    `verbose`, declares in `_constraints` what its other parameters may be, and implements `_plan`.
    """

    _constraints: ClassVar[Mapping[str, Constraint]] = {}

    @abstractmethod
    def _plan(self, schema: TableSchema) -> Plan[Any]:
        """Return what a fit to tables of this schema does; raise where that is impossible."""

    def plan(self, schema: TableSchema | None = None) -> FitPlan:
        """Return what `fit` is going to buy with its budget, before any row is read.

        Parameters
        ----------
        schema : TableSchema, default=None
            Of the table to come, the target included; by default the parameter `schema`.

        Returns
        -------
        plan : FitPlan
            Every release to come with its share of the budget; print it, or call `to_frame`.

        Raises
        ------
        SchemaError
            If there is no schema.
        ValueError
            If a parameter is outside its range, alone or with this schema, or the table would
            take too much memory.
        """
        schema = check_schema(self.schema if schema is None else schema)
        if schema is None:
            raise SchemaError(
                "A plan is made of a schema, which is public; pass one to plan(schema), or set the "
                "parameter schema."
            )
        PrivacyLedger(self.epsilon, self.delta, self.adjacency)
        check_parameters(self)
        with first_import_of_jax():
            return as_fit_plan(self._plan(schema), self)

    def fit(self, X: Any, y: Any = None) -> Any:
        """Fit the model to a private table, spending the budget once.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            The private table.
        y : array-like of shape (n_rows,), default=None
            The target, modelled as one more column under its name, or ``"target"``.

        Returns
        -------
        self : object
            Fitted; if anything fails, it stays as it was before.

        Raises
        ------
        TableMismatchError
            If the table does not fit the schema; the message names column, value and way out.
        ValueError
            If a parameter is outside its range, or the table is too large for the method, as for
            `plan`.

        Warns
        -----
        SyntheticDataWarning
            If the noise hides the table, by its released row count.
        """
        ledger = PrivacyLedger(self.epsilon, self.delta, self.adjacency)
        noise = NoiseSource(self.random_state)
        table, names = read_table(X, y, self)
        if not table.has_public_schema:
            ledger.mark_drafted_schema()
        for purchase in table.schema.bought_with:
            ledger.mark_bought_schema(purchase)
        check_parameters(self)
        with first_import_of_jax():
            plan = self._plan(table.schema)
        unit, total = plan.progress
        with tqdm(total=total, desc=unit, disable=not self.verbose) as bar:
            release = plan.release(table, Mechanisms(ledger, noise, bar.update))
        model = plan.infer(release, as_generator(self.random_state))
        if "_used" in self.__dict__:
            self._used_seeds().add(self.random_state)
        # set all at once, so that a fit that fails or is interrupted changes nothing
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(
            names,
            schema_=table.schema,
            format_=table.format,
            has_y_=table.has_y,
            n_records_=max(round(release.n_records), 1),
            model_=model,
            ledger_=ledger,
            privacy_spent_=ledger.spent(),
        )
        warn_of_noise(self.schema_, self.n_records_, ledger)
        return self

    def sample(
        self,
        n_samples: int = 1,
        *,
        conditions: Mapping[Any, Any] | None = None,
        random_state: Any = None,
    ) -> Any:
        """Draw synthetic rows from the point estimate.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows; 0 gives an empty table.
        conditions : mapping of column name to value, default=None
            All rows have these values, the other columns their distribution given them (exact).
        random_state : int, Generator, RandomState or None, default=None
            Fixes the rows drawn; they are post-processing and cost no privacy.

        Returns
        -------
        table : DataFrame, pyarrow.Table or ndarray of shape (n_samples, n_features_in_)
            Columns, order and container of the X seen in `fit`; dtypes follow from the schema.

        Raises
        ------
        ValueError
            If `n_samples` is not a non-negative integer, or the conditions have probability zero.
        TableMismatchError
            If a condition does not fit its column.
        """
        check_is_fitted(self)
        codes = self._sample_codes(self.model_, n_samples, conditions, as_generator(random_state))
        return self._decode_features(codes)

    def sample_xy(
        self,
        n_samples: int = 1,
        *,
        conditions: Mapping[Any, Any] | None = None,
        random_state: Any = None,
    ) -> tuple[Any, Any]:
        """Draw synthetic rows, split at the target; parameters as in `sample`.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_features)
        y : Series, Arrow array or ndarray of shape (n_samples,)

        Raises
        ------
        ValueError
            If the table was fitted without a target.
        """
        check_is_fitted(self)
        if self.schema_.target is None:
            raise ValueError(
                "sample_xy needs a target: fit with y, or with a schema that names one "
                "(schema.with_target)."
            )
        rng = as_generator(random_state)
        return self._split(self._sample_codes(self.model_, n_samples, conditions, rng))

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
        m = check_count(m, "m")
        n_samples = self.n_records_ if n_samples is None else check_count(n_samples, "n_samples")
        rng = as_generator(random_state)
        return (
            decode_table(
                self.model_.draw_posterior(rng).sample_codes(n_samples, rng),
                self.schema_,
                self.format_,
            )
            for _ in range(m)
        )

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """Return the log density of every row under the fitted model; not private.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features_in_)
        y : array-like of shape (n_rows,), default=None
            After ``fit(X, y)``: with y the joint density, without it the density of X alone.

        Returns
        -------
        log_density : ndarray of shape (n_rows,)
            Natural logarithms; with respect to counting measure on levels, integers, values of
            a column with `decimals` or `step`, and missing values, and to the units of each other
            Continuous column.
        """
        check_is_fitted(self)
        if not self.has_y_ and y is not None:
            raise TableMismatchError(
                "y was passed, but the model was fitted without y: pass the whole table as X, its "
                "target among the columns."
            )
        frame, table_format = read_frame(X)
        read = X if table_format.container == "numpy" else frame
        validate_data(self, read, reset=False, skip_check_array=True)
        if "numpy" in (self.format_.container, table_format.container):
            # an array has no names: its columns are matched by position
            table_format = replace(table_format, names=self._feature_schema.names)
            frame = frame.set_axis(list(table_format.names), axis=1)
        schema = self._feature_schema if y is None else self.schema_
        if y is not None:
            frame, _ = join_target(frame, table_format, y, self.schema_.target)
        codes = encode_table(frame, schema)
        if self.has_y_ and y is None:
            codes = np.column_stack([codes, np.zeros(len(codes))])
            return self.model_.log_density(codes, without=len(self.schema_) - 1)
        return self.model_.log_density(codes)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log density, as `score_samples` defines it; not private."""
        return float(np.mean(self.score_samples(X, y)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted synthesizer to a file, which `skdpsynth.load` reads.

        It is JSON and arrays of numbers without pickles, holds parameters and released quantities
        only, and never `random_state`. A file of that name is replaced at once and only when the
        new one is whole.

        Parameters
        ----------
        path : str or path-like
            Where to; any suffix will do.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If a parameter is of a type that cannot be stored; the message names it.
        OSError
            If the file cannot be written; one that was there before is untouched.
        """
        save(self, path)

    @property
    def _feature_schema(self) -> TableSchema:
        return self.schema_.drop([self.schema_.target]) if self.has_y_ else self.schema_

    def _sample_codes(
        self, model: Model, n_samples: int, conditions: Any, rng: np.random.Generator
    ) -> np.ndarray:
        n_samples = check_count(n_samples, "n_samples")
        if conditions is None:
            return model.sample_codes(n_samples, rng)
        given = encode_conditions(conditions, self.schema_)
        codes = model.condition(given).sample_codes(n_samples, rng)
        for position, code in given.items():
            codes[:, position] = code
        return codes

    def _decode_features(self, codes: np.ndarray) -> Any:
        schema = self._feature_schema
        return decode_table(codes[:, : len(schema)], schema, self.format_.select(schema.names))

    def _split(self, codes: np.ndarray) -> tuple[Any, Any]:
        """Return X and y of decoded rows."""
        names, target = self.schema_.names, self.schema_.target
        at = names.index(target)
        features = self.schema_.drop([target])
        X = decode_table(
            np.delete(codes, at, axis=1), features, self.format_.select(features.names)
        )
        y = decode_table(
            codes[:, [at]], self.schema_.select([target]), self.format_.select([target])
        )
        return X, take_column(y, 0)

    def _used_seeds(self) -> _UsedSeeds:
        used: _UsedSeeds = self.__dict__.setdefault("_used", _UsedSeeds())
        return used

    def __sklearn_clone__(self) -> Any:
        clone = super().__sklearn_clone__()
        clone._used = _UsedSeeds(self._used_seeds())
        return clone

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        used = state.pop("_used", ())
        # whoever reads the seed of the noise from a file could subtract the noise: that of this
        # fit, or of a clone's, such as the best estimator of a search whose template this is
        if "model_" in state or self.random_state in used:
            state["random_state"] = None
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "density_estimator"
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
