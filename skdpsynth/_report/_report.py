"""report: a synthetic table beside the real one, as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from .._base import BaseSynthesizer
from .._contracts import FitPlan
from .._extras import how_to_install
from ..exceptions import SchemaError
from ..metrics import marginal_tvds
from ..privacy import PrivacySpent
from ..schema import TableSchema, as_plain_frame
from . import _sections as sections
from ._page import make_page
from ._words import PYTHON, Words

__all__ = ["Report", "make_report", "report"]

TITLE = "A synthetic table beside the real one"

NOT_PRIVATE = (
    "This report is not private. It was computed from the real rows, without noise: its numbers "
    "and pictures are covered by no privacy guarantee, even if the synthetic table is. Keep it as "
    "you keep the real table."
)


class Report:
    """A self-contained HTML page; a notebook shows it.

    Parameters
    ----------
    html : str
        The page.
    """

    def __init__(self, html: str) -> None:
        self._html = html

    def to_html(self) -> str:
        """Return the page."""
        return self._html

    def save(self, path: str | Path) -> Path:
        """Write the page to a file.

        Parameters
        ----------
        path : path
            With the suffix ``.html``; a file of that name is replaced.

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            If the name is that of another kind of file, such as a PDF.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in ("", ".html", ".htm"):
            raise ValueError(
                f"A report is an HTML page, which {path.name!r} would hide: name it "
                f"{path.with_suffix('.html').name!r}. A browser prints it to PDF."
            )
        path.write_text(self._html, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        # in a frame, so that its style and the notebook's do not mix
        return (
            f'<iframe srcdoc="{escape(self._html)}" title="Report of a synthetic table" '
            'style="width: 100%; height: 40rem; border: 1px solid #d5d9e0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"Report({len(self._html) // 1024:,} kB of HTML; save(path) writes it)"


def report(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema | None = None,
    *,
    synthesizer: Any = None,
    privacy: PrivacySpent | None = None,
    test: pd.DataFrame | None = None,
    edges: Mapping[Any, Sequence[float]] | None = None,
    max_columns: int = 40,
    title: str = TITLE,
) -> Report:
    """Compare a synthetic table with the real one on a self-contained HTML page.

    The page has the guarantee in words, one-way marginals, cumulative sums, means and standard
    deviations, the dependence of every two columns, and models trained on synthetic rows. It loads
    nothing from the network and can be printed.

    Parameters
    ----------
    real, synthetic : DataFrame
        Tables that hold the columns of the schema; others are ignored.
    schema : TableSchema, optional
        By default that of the synthesizer.
    synthesizer : synthesizer or pipeline, optional
        Fitted; its guarantee, plan and ledger are told. Without it the page says that nothing is
        known of the privacy of the synthetic table.
    privacy : PrivacySpent, optional
        The guarantee, where the synthesizer is not at hand.
    test : DataFrame, optional
        Real rows that the synthesizer has not seen, to test models on.
    edges : mapping of column name to increasing sequence of numbers, optional
        Bins in which distances are measured, as in `marginal_tvd`.
    max_columns : int, default=40
        Of a wider table the columns that are farthest apart are drawn, and the target.
    title : str
        Heading of the page.

    Returns
    -------
    Report
        Its `save` writes the page.

    Raises
    ------
    SchemaError
        If neither schema nor synthesizer is given.
    TableMismatchError
        A column is absent, a table is empty, or a value is not among the levels of its column.
    ImportError
        If matplotlib is not installed.

    Notes
    -----
    **A report is not private.** It is computed from the real rows without noise.

    Examples
    --------
    >>> import pandas as pd
    >>> import skdpsynth
    >>> from skdpsynth import Categorical, Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "smoker": Categorical(["no", "yes"])})
    >>> real = pd.DataFrame({"age": [21, 35, 62, 70], "smoker": ["no", "no", "yes", "yes"]})
    >>> page = skdpsynth.report(real, real.iloc[[0, 0, 2, 2]], schema).to_html()
    >>> "This report is not private" in page
    True
    """
    return make_report(
        real,
        synthetic,
        schema,
        synthesizer=synthesizer,
        privacy=privacy,
        test=test,
        edges=edges,
        max_columns=max_columns,
        title=title,
    )


def make_report(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema | None = None,
    *,
    synthesizer: Any = None,
    privacy: PrivacySpent | None = None,
    test: pd.DataFrame | None = None,
    edges: Mapping[Any, Sequence[float]] | None = None,
    max_columns: int = 40,
    title: str = TITLE,
    words: Words = PYTHON,
) -> Report:
    """Return a report as :func:`report` does, whose advice is given in these words."""
    schema = _find_schema(schema, synthesizer)
    real, synthetic, test = (_read(table, schema) for table in (real, synthetic, test))
    shown, note = _choose_columns(real, synthetic, schema, edges, max_columns)
    edges = {name: bins for name, bins in (edges or {}).items() if name in shown}
    if privacy is None:
        privacy = getattr(synthesizer, "privacy_spent_", None)
    new_figure = _figure_class()
    content = [
        sections.at_a_glance(real, synthetic, shown, edges, schema, privacy),
        sections.privacy(
            privacy, getattr(synthesizer, "ledger_", None), _find_plan(synthesizer), words
        ),
        sections.marginals(real, synthetic, shown, edges, new_figure()),
        sections.sums(real, synthetic, shown, new_figure()),
        sections.moments(real, synthetic, shown, new_figure()),
        sections.dependence(real, synthetic, shown, edges, new_figure()),
        sections.usefulness(real, synthetic, test, schema, new_figure(), words),
    ]
    return Report(make_page(title, content, NOT_PRIVATE, f"Made with skdpsynth. {note}".strip()))


def _find_schema(schema: TableSchema | None, synthesizer: Any) -> TableSchema:
    schema = getattr(synthesizer, "schema_", None) if schema is None else schema
    if not isinstance(schema, TableSchema):
        raise SchemaError(
            "A report takes a TableSchema, as schema=... or from a fitted synthesizer, got "
            f"{schema!r}."
        )
    return schema


def _find_plan(synthesizer: Any) -> FitPlan | None:
    """Return what the fit was to buy; None where that cannot be told any more."""
    fitted = synthesizer[-1] if hasattr(synthesizer, "steps") else synthesizer
    if not isinstance(fitted, BaseSynthesizer) or not hasattr(fitted, "schema_"):
        return None
    try:
        return fitted.plan(fitted.schema_)
    except ValueError:
        # parameters were changed since
        return None


def _read(table: Any, schema: TableSchema) -> Any:
    """Return the columns of the schema, as far as the table has them, as a pandas frame."""
    table = as_plain_frame(table)
    if not isinstance(table, pd.DataFrame):
        return table
    return table[[name for name in schema if name in table.columns]]


def _choose_columns(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema,
    edges: Mapping[Any, Sequence[float]] | None,
    max_columns: int,
) -> tuple[TableSchema, str]:
    """Return the schema of the columns to draw, and a note if some are left out."""
    if max_columns < 2:
        raise ValueError(f"max_columns must be at least 2, got {max_columns!r}.")
    if len(schema) <= max_columns:
        return schema, ""
    distances = marginal_tvds(real, synthetic, schema, 1, edges=edges).set_index("column_1")["tvd"]
    if schema.target is not None:
        distances[schema.target] = 2.0
    kept = set(distances.nlargest(max_columns).index)
    note = (
        f"Of {len(schema)} columns the {max_columns} whose marginals are farthest apart are "
        "compared, the target among them."
        if schema.target is not None
        else f"Of {len(schema)} columns the {max_columns} farthest apart are compared."
    )
    return schema.select([name for name in schema if name in kept]), note


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"A report needs matplotlib: {how_to_install('plot')}") from error
    return Figure
