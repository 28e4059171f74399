"""What is public about a table: the kind, bounds or levels, and nullability of every column.

A schema is an input of the curator, like ε: nothing in it may be learned from the private rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from ..exceptions import SchemaWarning
from ..privacy import Mechanisms, NoiseSource, PrivacyLedger, Purchase, unite_purchases
from ._columns import Columns
from ._draft import draft_table
from ._json import read_json, read_text, write_json
from ._kinds import ColumnKind
from ._purchase import buy_columns

__all__ = ["TableSchema"]


class TableSchema(Columns):
    """The public columns of a table, in order, and which of them is the target.

    Parameters
    ----------
    columns : mapping of name to column kind
        The insertion order is the order of the columns.
    target : name, default=None
        The column that `sample_xy` splits off.

    Examples
    --------
    >>> from skdpsynth import Categorical, Count
    >>> schema = TableSchema(
    ...     {"age": Count(17, 90), "income": Categorical(["<=50K", ">50K"])}, target="income"
    ... )
    >>> schema
    TableSchema(2 columns, target='income')
      'age': Count(17, 90)
      'income': Categorical(['<=50K', '>50K'])
    >>> schema.feature_names
    ('age',)
    >>> TableSchema.from_json(schema.to_json()) == schema
    True
    """

    def __init__(self, columns: Mapping[Any, ColumnKind], target: Hashable = None) -> None:
        super().__init__(columns, target)
        self._purchases = unite_purchases(*(kind.bought_with for kind in self._columns.values()))
        self._ledger: PrivacyLedger | None = None

    @property
    def bought_with(self) -> tuple[Purchase, ...]:
        """What bounds and levels were bought for with `from_private`, purchase by purchase.

        Every fit counts them in ``privacy_spent_.total``, each once. Schemas made from this one by
        `select`, `drop`, `replace` or `with_target` have them too, since what they repeat was
        bought together; so have copies, pickles and files, JSON as well. A column that was bought
        takes its purchase along: a schema that has columns of several others has the purchases of
        all. Only bounds and levels that are typed anew are not known to have been bought. Purchases
        take no part in comparisons of schemas.
        """
        return self._purchases

    @property
    def ledger(self) -> PrivacyLedger | None:
        """The ledger of the purchase if the schema was bought with `from_private`, else None.

        It is kept where the schema is of one purchase, and is not written to JSON, which has the
        sum only; see `bought_with`. It takes no part in comparisons.
        """
        return self._ledger

    def _derive(self, columns: Mapping[Any, ColumnKind], target: Hashable) -> Self:
        return super()._derive(columns, target)._paid_for(self._purchases, self._ledger)

    def replace(self, columns: Mapping[Any, ColumnKind] | Columns) -> Self:
        """Return a schema in which these columns have these kinds; new names come last.

        Parameters
        ----------
        columns : mapping of name to column kind, or TableSchema
        """
        replaced = super().replace(columns)
        given = columns if isinstance(columns, TableSchema) else None
        return replaced if given is None else replaced._paid_for(given.bought_with, given.ledger)

    def _paid_for(
        self, purchases: tuple[Purchase, ...], ledger: PrivacyLedger | None = None
    ) -> Self:
        """Return this schema as one whose bounds and levels were also bought with these."""
        schema = type(self)(self._columns, self._target)
        schema._purchases = unite_purchases(self._purchases, purchases)
        if len(schema._purchases) <= 1:
            schema._ledger = self._ledger or ledger
        return schema

    @classmethod
    def from_frame(
        cls, public_frame: Any, target: Hashable = None, max_levels: int = 1000
    ) -> TableSchema:
        """Draft a schema from *public* data.

        .. warning::
           Bounds, levels, decimals, steps and nullability are copied from the data. On private
           data this leaks: the oldest person's age becomes a bound, a rare diagnosis a level, and
           one price of a tenth of a cent a third decimal. Call it on public data (another year's
           release, made-up rows that span the code book) and read the result before using it.

        Booleans, strings, objects and categories become `Categorical` (an ordered pandas
        category `Ordinal`), with sorted levels or the category's own. Integers become `Count`,
        except a column of just 0 and 1, which becomes ``Categorical([0, 1])``. Floats become
        `Continuous`, except integers that pandas stores as floats because some are missing,
        which count as integers. A constant numeric column gets an upper bound one above (large
        values: twice) its value. An integer target with at most 20 distinct values becomes
        `Categorical`, and so do as few integers of which some are beyond 2⁵³. Intervals, as of
        ``pd.cut``, become levels that spell them.

        At most 20 distinct floats that occur ten times each on average, and twice at least,
        become `Ordinal` levels, unless they are consecutive whole numbers. Other floats get the
        `decimals` that all of them are written with, if these are at most 8 in 10 rows or more;
        ten or more distinct numbers, or repeated ones, get a `step` if all of them are whole steps
        apart.

        What may not be meant is told by a `SchemaWarning` for each finding, with what to change:
        identifiers; dates, in words or as numbers such as 20240131; numbers that are texts, such as
        ``"$1,200"``, ``"7%"`` or ``"<1"``; texts for missing values; constant columns. A column
        without any value is left out, and told of too.

        Parameters
        ----------
        public_frame : DataFrame or array of shape (n_rows, n_columns)
            Public rows. The columns of an array are named ``"x0"``, ``"x1"``, ...
        target : name, default=None
            The target column.
        max_levels : int, default=1000
            A column of more distinct strings is taken for an identifier or free text: an error.

        Returns
        -------
        TableSchema

        Warns
        -----
        SchemaWarning
            Where a column may not be what it is drafted as, or is left out because it is empty.

        Raises
        ------
        TableMismatchError
            If columns have too many levels, or hold dates or other unsupported values; all of them
            are named. If the target, or every column, is empty.

        Examples
        --------
        >>> import pandas as pd
        >>> public = pd.DataFrame({"age": [17, 90], "sex": ["F", "M"], "label": [2, 1]})
        >>> TableSchema.from_frame(public, target="label")
        TableSchema(3 columns, target='label')
          'age': Count(17, 90)
          'sex': Categorical(['F', 'M'])
          'label': Categorical([1, 2])
        """
        draft = draft_table(public_frame, max_levels, target)
        draft.require_kinds([] if target is None else [target])
        schema = cls(draft.columns, target)
        for doubt in draft.all_doubts:
            warnings.warn(f"{doubt.reason} {doubt.python}", SchemaWarning, stacklevel=2)
        return schema

    @classmethod
    def from_private(
        cls,
        frame: Any,
        epsilon: float,
        delta: float,
        kinds: Mapping[Any, Any] | None = None,
        *,
        target: Hashable = None,
        adjacency: str = "add_remove",
        nullable: bool | Iterable[Hashable] = True,
        random_state: Any = None,
    ) -> TableSchema:
        r"""Buy the bounds and levels of a *private* table for a privacy budget of their own.

        The schema is (`epsilon`, `delta`)-differentially private. What a synthesizer spends on the
        same rows comes on top: together they are at least (ε₁ + ε₂, δ₁ + δ₂)-private. What is known
        beforehand, such as the code book of a column, is better declared in `kinds`: it costs
        nothing, and the noise of the others is smaller.

        Parameters
        ----------
        frame : DataFrame or array of shape (n_rows, n_columns)
            Private rows. The columns of an array are named ``"x0"``, ``"x1"``, ...
        epsilon : float in (0, inf]
            Privacy loss in nats; ``inf`` keeps everything that occurs, without noise.
        delta : float in (0, 1)
            Probability with which the loss may exceed ε.
        kinds : mapping of column name to kind, default=None
            ``"continuous"``, ``"count"``, ``"ordinal"`` or ``"categorical"``, or the class, to have
            bounds or levels bought; an instance such as ``Count(0, 120)``, with its own `nullable`,
            to declare the column. For other columns the dtype decides, which is taken for public:
            integers are counts, floats continuous, all others categorical.
        target : name, default=None
            The target column.
        adjacency : {"add_remove", "replace_one"}, default="add_remove"
            Which tables are neighbours.
        nullable : bool or list of column names, default=True
            Which of the columns that are not declared may have missing values; whether there are
            any is private.
        random_state : int, RandomState or None, default=None
            An integer fixes the noise, which whoever knows it can subtract: for public rows and
            tests only.

        Returns
        -------
        TableSchema
            Its `ledger` has what was released, and `bought_with` the sum, as a purchase that is
            told from every other one.

        Raises
        ------
        SchemaError
            If `kinds`, `nullable` or `target` do not fit the table; or if nothing in some column is
            frequent enough to stand out of the noise, such as in an identifier. The latter is
            found after the budget was spent.
        TableMismatchError
            If a column holds dates or other unsupported values, or missing ones and is not
            nullable. As when reading in `fit`, the message may quote a value.
        ValueError
            If a number is outside its range or the budget is too small for any count.

        Notes
        -----
        *Decimals and steps* are not bought: what is public of them is declared in `kinds`, as in
        ``Continuous(0, 10_000, decimals=2)``.

        *Bounds* are zero or signed powers of two: from 2⁻³² to 2⁵² for real numbers, where a range
        that begins below 2⁻³¹ begins at zero; for counts from 1 to 2⁵³, the upper ones less one.
        A noisy histogram counts the rows between two neighbouring such numbers, and zeros. The
        bounds are the outer edges of the outermost cells whose noisy count reaches a threshold that
        empty cells, in all columns together, reach with probability 10⁻⁴. Fewer rows than that may
        lie further out; `fit` moves them to the bounds. A column far from zero, such as a year,
        gets a range much wider than its values: declare it, or subtract a public number.

        *Levels* are those whose noisy counts reach a higher threshold (`plan_stable_histogram`): a
        level that only one row has is released with a probability that is part of δ. All other
        values become one level, whether there are any or not: ``"(other)"`` if some level is a
        string, else the level with the greatest noisy count, because a code of one's own would look
        like a number of the table. To tell rare numbers apart, convert the column to strings.
        Levels are sorted; where ordinal levels have another order, it is known: declare them. A
        boolean dtype has the levels False and True at no cost.

        With d columns to buy, the noise has a standard deviation of √d/μ rows, or √(2d)/μ under
        replace-one, where μ is close to that of :math:`(ε, δ)`.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from skdpsynth import Count
        >>> rng = np.random.default_rng(0)
        >>> private = pd.DataFrame({
        ...     "wage": rng.lognormal(3, 1, 5000),
        ...     "region": rng.choice(["north", "south", "moon"], 5000, p=[0.6, 0.399, 0.001]),
        ...     "age": rng.integers(17, 91, 5000),
        ... })
        >>> schema = TableSchema.from_private(
        ...     private, epsilon=0.5, delta=1e-6, kinds={"age": Count(0, 120)}, random_state=0
        ... )
        >>> schema
        TableSchema(3 columns)
          'wage': Continuous(2.0, 256.0, nullable=True)
          'region': Categorical(['north', 'south', '(other)'], nullable=True, other='(other)')
          'age': Count(0, 120)
        >>> round(schema.ledger.spent().epsilon, 2)
        0.5
        """
        ledger = PrivacyLedger(epsilon, delta, adjacency)
        desk = Mechanisms(ledger, NoiseSource(random_state))
        columns = buy_columns(frame, kinds, target, nullable, desk)
        purchase = Purchase.of(ledger.spent())
        declared = [kind for kind in (kinds or {}).values() if not isinstance(kind, str | type)]
        for name, kind in columns.items():
            if not any(kind is given for given in declared):
                columns[name] = replace(kind, bought_with=(purchase,))
        return cls(columns, target)._paid_for((purchase,), ledger)

    def to_json(self, path: str | Path | None = None, indent: int | None = 2) -> str:
        """Return the schema as JSON text, and write it to `path` when one is given.

        The text of a schema that was bought says what with, so that fits that read it count it.
        """
        text = write_json(self._columns, self._target, self._purchases, indent)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    @classmethod
    def from_json(cls, text_or_path: str | Path) -> TableSchema:
        """Read a schema from JSON text or from the file that holds it.

        Raises
        ------
        SchemaError
            If the text is not a schema; the message says where.
        """
        text = str(text_or_path).removeprefix("\ufeff")
        if isinstance(text_or_path, Path) or not text.lstrip().startswith(("{", "[")):
            text = read_text(Path(text_or_path))
        columns, target, purchases = read_json(text)
        return cls(columns, target)._paid_for(purchases)
