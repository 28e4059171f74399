"""PIIDetector: which columns of a table are personal data, and of which type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted, validate_data

from .._fitting import whole_or_not_at_all
from ..preprocessing import TableTransformer
from ..schema import read_any_frame, shorten
from ._findings import IDENTIFIER, LEVELS, best_findings, find_in_column
from ._patterns import PATTERNS

__all__ = ["PIIDetector"]


class PIIDetector(TableTransformer):
    """Find the columns of a table that look like personal data.

    A column is judged by its values and by its name. The table passes through unchanged; what was
    found is in `findings_` and `columns_`.

    Parameters
    ----------
    types : sequence of str, default=None
        The types to look for, from ``"email"``, ``"iban"``, ``"credit_card"``, ``"ip_address"``,
        ``"ssn"`` (of the United States), ``"phone"``, ``"person_name"``, ``"identifier"`` and the
        keys of `detectors`; by default all of them.
    detectors : mapping of type to detector, default=None
        Detectors of further types, or instead of built-in ones. A detector is a callable that is
        given an array of n strings and returns n probabilities that each is of the type, or an
        object with ``predict_proba``, such as a fitted pipeline of scikit-learn that starts with a
        ``CountVectorizer``; of two columns of probabilities the last one is taken.
    read_values : bool, default=True
        Whether the values are looked at. With False only the names of the columns decide, which are
        public; a column whose name points to a type is then found with medium confidence.
    max_rows : int or None, default=10000
        So many rows, evenly spaced, are looked at; None for all.
    min_confidence : {"low", "medium", "high"}, default="medium"
        How sure a finding must be for its column to be in `columns_`.

    Attributes
    ----------
    findings_ : tuple of Finding
        ``(column, type, confidence, share, name_matches)``: everything for which there is some
        evidence. ``pandas.DataFrame(detector.findings_)`` shows it as a table.
    columns_ : dict of column to type
        The surest type of each column.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, when all are strings.

    See Also
    --------
    PIIMasker : Drops, redacts or replaces such columns.

    Notes
    -----
    *Confidence.* Let s be the share of the values, missing ones left out, that match.

    ==========  ================================================================================
    confidence  evidence
    ==========  ================================================================================
    high        s ≥ 0.8 for a type with a form of its own (e-mail, IBAN, credit card, IP, SSN);
                or s ≥ 0.5 and the name of the column points to the type
    medium      s ≥ 0.5; or s ≥ 0.2 and the name points to the type
    low         s ≥ 0.2; or the name alone points to the type
    ==========  ================================================================================

    *Identifiers* are judged as columns, where nothing else was found with medium confidence. It is
    medium where whole numbers, or codes of one form such as P00017, count up with the rows, where a
    range of numbers occurs once each, and where the name says so, as in ``patient_id``, and values
    hardly repeat; low where values just differ in almost every row. Of fewer than 50 values
    nothing is said.

    A value matches if it has the form and passes the check: Luhn's digit and an issuer's prefix for
    cards, 97 for IBANs, an area that is issued for social security numbers, a calling code for
    phones, the parser of the standard library for IP addresses, and a common given or family name
    for persons. Some forms are vague: nine or ten bare digits, national phone numbers outside
    North America, four small numbers that may be a version, capitalised words that are not common
    names. They match only in a column whose name points to the type.

    *What it misses.* Personal data inside longer text, rare names in columns with telling no name,
    other countries' identity numbers. Columns that single out persons together, such as birth date
    and postcode, look like nothing. That nothing is found does not make a table anonymous.

    *Privacy.* With `read_values`, which columns are found depends on the rows. In a
    `SynthesizerPipeline` that is a `PrivacyLeakWarning`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth.pii import PIIDetector
    >>> table = pd.DataFrame({"contact": ["ann@example.org", "bob@example.com"], "visits": [3, 1]})
    >>> PIIDetector().fit(table).columns_
    {'contact': 'email'}
    """

    def __init__(
        self,
        types: Sequence[str] | None = None,
        *,
        detectors: Mapping[str, Any] | None = None,
        read_values: bool = True,
        max_rows: int | None = 10_000,
        min_confidence: str = "medium",
    ) -> None:
        self.types = types
        self.detectors = detectors
        self.read_values = read_values
        self.max_rows = max_rows
        self.min_confidence = min_confidence

    @whole_or_not_at_all
    def fit(self, X: Any, y: Any = None) -> PIIDetector:
        """Look at the columns.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            The table. The columns of an array are named ``"x0"``, ``"x1"``, ...
        y : None
            Ignored.

        Returns
        -------
        self : PIIDetector

        Raises
        ------
        ValueError
            If a parameter is impossible, or a detector returns no probabilities.
        """
        detectors = self._check_parameters()
        frame, container = read_any_frame(X)
        validate_data(self, X if container == "numpy" else frame, reset=True, skip_check_array=True)
        self._names = tuple(frame.columns.tolist())
        rows = _some_rows(frame, self.max_rows)
        self.findings_ = tuple(
            found
            for position, name in enumerate(self._names)
            for found in find_in_column(
                name, rows.iloc[:, position] if self.read_values else None, detectors
            )
        )
        best = best_findings(self.findings_, self.min_confidence)
        self.columns_ = {name: found.type for name, found in best.items()}
        return self

    def transform(self, X: Any) -> Any:
        """Return the table as it is."""
        check_is_fitted(self)
        frame, container = read_any_frame(X)
        read = X if container == "numpy" else frame
        validate_data(self, read, reset=False, skip_check_array=True)
        return np.asarray(X) if container == "numpy" else X

    def inverse_transform(self, X: Any) -> Any:
        """Return the table as it is."""
        check_is_fitted(self)
        return X

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns."""
        return self._input_names(input_features)

    def _learns_from_rows(self) -> bool:
        """Whether the values decide which columns are found."""
        return self.read_values

    def _input_names(self, input_features: Any) -> np.ndarray:
        check_is_fitted(self)
        if input_features is None and not hasattr(self, "feature_names_in_"):
            return np.asarray([str(name) for name in self._names], dtype=object)
        return super()._input_names(input_features)

    def _check_parameters(self) -> dict[str, Any]:
        """Return the detector of every type to look for; None for a built-in one."""
        if self.min_confidence not in LEVELS:
            raise ValueError(
                f"min_confidence must be one of {list(LEVELS)}, got {self.min_confidence!r}."
            )
        if self.max_rows is not None and self.max_rows < 1:
            raise ValueError(f"max_rows must be a positive number or None, got {self.max_rows!r}.")
        own = dict(self.detectors or {})
        for kind, detector in own.items():
            if not (callable(detector) or hasattr(detector, "predict_proba")):
                raise ValueError(
                    f"The detector of {kind!r} is {detector!r}; pass a function of an array of "
                    "strings, or an object with predict_proba."
                )
        known = {**dict.fromkeys((*PATTERNS, IDENTIFIER)), **own}
        wanted = list(known) if self.types is None else list(self.types)
        unknown = [kind for kind in wanted if kind not in known]
        if unknown:
            raise ValueError(
                f"types names {shorten(unknown)}, for which there is no detector; there are "
                f"{shorten(known)}. Pass others as detectors={{type: detector}}."
            )
        return {kind: known[kind] for kind in wanted}


def _some_rows(frame: pd.DataFrame, max_rows: int | None) -> pd.DataFrame:
    if max_rows is None or len(frame) <= max_rows:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, max_rows).astype(int)]
