"""Tables in and out: CSV and Parquet files, read against a schema and written all or nothing."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from pandas.api import types

from .._files import write_atomically
from ..datasets import apply_schema
from ..exceptions import TableMismatchError
from ..schema import Count, Discrete, Numeric, TableSchema
from ._decimals import read_decimals, with_points
from ._hints import way_out
from ._house import Problem, say
from ._parquet import (
    PARQUET_START,
    keep_categories,
    parquet_bytes,
    read_parquet,
    require_pyarrow,
)
from ._table_options import Reading, TableFormat, nullable_schema

__all__ = [
    "TableFormat",
    "check_output",
    "check_spelling",
    "fit_rows",
    "infer_types",
    "read_raw",
    "read_row_by_row",
    "read_rows",
    "read_source",
    "read_typed",
    "select_columns",
    "tell_leading_zeros",
    "write_bytes",
    "write_table",
]

PARQUET = (".parquet", ".pq")
TEXT = (".csv", ".tsv", ".txt")
DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}
STDOUT = Path("-")
GZIP_START = b"\x1f\x8b"
_LEADING_ZERO = re.compile(r"[-+]?0\d+")


def read_rows(
    path: Path, schema: TableSchema, reading: Reading, *, tell: bool = True
) -> pd.DataFrame:
    """Return the rows of a file as a reduced schema describes them.

    Parameters
    ----------
    path : Path
    schema : TableSchema
        Of all columns: those to drop are known by it, or by the file.
    reading : Reading
        What is left out, and the function that gets the rows first.
    tell : bool, default=True
        Whether to warn that the function sees private rows.
    """
    raw, table_format = read_source(path, schema, reading, tell=tell)
    return fit_rows(raw, schema, reading, table_format, path)


def fit_rows(
    raw: pd.DataFrame, schema: TableSchema, reading: Reading, table_format: TableFormat, path: Path
) -> pd.DataFrame:
    """Return what `read_source` gave as the reduced schema describes it."""
    reduced = reading.reduce(schema)
    if not reading.drop_na:
        return select_columns(raw, reduced, table_format, path)
    columns = nullable_schema(reduced, True)
    frame = select_columns(raw, columns, table_format, path).dropna(ignore_index=True)
    if not len(frame):
        raise Problem(f"Every row of {path} has a missing value: --drop-na leaves none.")
    # once more: without missing values counts are integers
    return apply_schema(frame, reduced)


def read_source(
    path: Path,
    schema: TableSchema | None,
    reading: Reading,
    *,
    tell: bool = True,
    source: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, TableFormat]:
    """Return the table of a file after `preprocess`, without the columns to drop, and its format.

    The parameters are those of `read_rows`; a schema of None knows no column. `source` is what
    `read_row_by_row` gives, where it was read for `preprocess` already.
    """
    table_format = reading.table_format
    if reading.code.preprocess is None:
        raw = read_raw(path, table_format)
        known = set(raw.columns)
        if tell and schema is not None:
            tell_leading_zeros(raw, schema)
    else:
        if source is None:
            source = read_row_by_row(path, schema, table_format)
        raw = reading.code.before(source, tell)
        known = {*source.columns, *raw.columns}
        if schema is not None:
            # a number that the function spelled has a point
            table_format = replace(table_format, decimal=".")
    known = {str(name) for name in (*known, *(() if schema is None else schema.names))}
    absent = [name for name in reading.drop if name not in known]
    if absent:
        raise Problem(f"--drop: {path} has no columns {absent}; it has {list(raw.columns)}.")
    kept = [name for name in raw.columns if str(name) not in reading.drop]
    if not kept:
        raise Problem(f"--drop leaves no column of {path}.")
    return raw[kept], table_format


def tell_leading_zeros(raw: pd.DataFrame, schema: TableSchema) -> None:
    """Tell of texts with leading zeros in columns of numbers, which will lose them."""
    for name in raw.columns:
        if str(name) in _numeric_names(schema) and not types.is_numeric_dtype(raw[name].dtype):
            texts = raw[name].astype(object)
            padded = texts.map(lambda text: bool(_LEADING_ZERO.fullmatch(str(text).strip())))
            if padded.any():
                say(
                    f"Column {str(name)!r} has leading zeros, such as {texts[padded].iloc[0]!r}, "
                    "as postal codes and telephone numbers do. As numbers they lose them: if they "
                    'are codes, declare the column "kind": "categorical" with the codes as '
                    "levels, or leave it out of the schema."
                )


def select_columns(
    raw: pd.DataFrame, schema: TableSchema, table_format: TableFormat, path: Path
) -> pd.DataFrame:
    """Return the columns of the schema with its types, and say which columns are left out."""
    known = {str(name) for name in schema.names}
    left_out = [str(name) for name in raw.columns if str(name) not in known]
    try:
        texts = read_decimals(raw, _numeric_names(schema), table_format.decimal)
        frame = keep_categories(apply_schema(texts, schema, table_format.missing), raw, schema)
    except TableMismatchError as error:
        raise TableMismatchError(f"{error}{way_out(str(error))}") from error
    if left_out:
        say(f"Columns of {path.name} that the schema does not have are left out: {left_out}")
    return frame


def _numeric_names(schema: TableSchema) -> list[str]:
    return [str(name) for name, kind in schema.columns.items() if isinstance(kind, Numeric)]


def read_raw(path: Path, table_format: TableFormat) -> pd.DataFrame:
    """Return the table of a file: text as it stands there, or the types of Parquet.

    Raises
    ------
    Problem
        If the file is not a table; the message says what to do.
    """
    content = _read_bytes(path)
    return _parse(content, path, table_format)


def read_typed(path: Path, reading: Reading) -> pd.DataFrame:
    """Return the table of a file with types: those of Parquet, or inferred from text."""
    frame, table_format = read_source(path, None, reading, tell=False)
    if not _is_parquet(path):
        frame = infer_types(frame, table_format)
    return frame.dropna(ignore_index=True) if reading.drop_na else frame


def read_row_by_row(
    path: Path, schema: TableSchema | None, table_format: TableFormat
) -> pd.DataFrame:
    """Return the table of a file for a user's function, no value of it depending on other rows.

    Types inferred from whole columns would: with one word in a column of numbers, ``1.0`` is not a
    number any more in all other rows, and another level, or none. So would dtypes: all that they
    depend on is whether the file is text, and the types that a Parquet file declares.

    Parameters
    ----------
    path : Path
    schema : TableSchema or None
        Of what the function returns; it may share columns with the file. None has no column.
    table_format : TableFormat

    Returns
    -------
    DataFrame
        Of text files, columns of objects: floats where the schema's column of that name is numeric
        and the value is a number, levels where it has them, and stripped texts otherwise; NaN or
        None where missing. Of Parquet files, pandas' nullable dtypes for the types of the file.
    """
    content = _read_bytes(path)
    raw = _parse(content, path, table_format)
    if content.startswith(PARQUET_START):
        return raw
    kinds = {} if schema is None else {str(name): k for name, k in schema.columns.items()}
    numeric = [] if schema is None else _numeric_names(schema)
    raw = read_decimals(raw, numeric, table_format.decimal)
    return pd.DataFrame(
        {name: _as_kind(raw[name], kinds.get(name), table_format.missing) for name in raw.columns}
    )


def _as_texts(column: pd.Series, missing: tuple[str, ...]) -> pd.Series:
    """Return stripped texts, None where missing."""
    texts = column.astype(object).map(str.strip)
    return texts.mask(texts.isin(["", *missing]), None)


def _as_kind(column: pd.Series, kind: Any, missing: tuple[str, ...]) -> pd.Series:
    """Return the values of a column as objects, each read by itself."""
    texts = _as_texts(column, missing)
    values = [text if isinstance(text, str) else None for text in texts.tolist()]
    if isinstance(kind, Discrete):
        levels = {str(level): level for level in kind.levels}
        values = [None if text is None else levels.get(text, text) for text in values]
    elif kind is not None:
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        values = [
            text if text is not None and np.isnan(number) else number
            for text, number in zip(values, numbers.tolist(), strict=True)
        ]
    return pd.Series(values, index=column.index, dtype=object)


def _parse(content: bytes, path: Path, table_format: TableFormat) -> pd.DataFrame:
    if content.startswith(PARQUET_START):
        return read_parquet(content)
    if path.suffix in PARQUET:
        raise Problem(f"{path} is not a Parquet file; name it .csv if it is text.")
    if content.startswith(b"PK\x03\x04"):
        raise Problem(f"{path} is a spreadsheet or an archive; export it as CSV.")
    encoding = "utf-8-sig" if table_format.encoding == "utf-8" else table_format.encoding
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise Problem(
            f"{path} is not text in {table_format.encoding}; name its encoding, for instance "
            "--encoding latin-1."
        ) from None
    delimiter = table_format.delimiter_of(path)
    _check_text(text, delimiter, path)
    return pd.read_csv(
        io.StringIO(text),
        sep=delimiter,
        dtype=str,
        keep_default_na=False,
        skipinitialspace=True,
        index_col=False,
    )


def _read_bytes(path: Path) -> bytes:
    if not path.exists():
        raise Problem(f"There is no file {str(path)!r}.")
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(GZIP_START) else content


def _is_parquet(path: Path) -> bool:
    """Return whether a file that exists begins as a Parquet file does, compressed or not."""
    with path.open("rb") as file:
        is_compressed = file.read(len(GZIP_START)) == GZIP_START
    with (gzip.open if is_compressed else open)(path, "rb") as file:
        return bool(file.read(len(PARQUET_START)) == PARQUET_START)


def _check_text(text: str, delimiter: str, path: Path) -> None:
    """Check that all rows have as many fields as the header, whose names are distinct."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        header = next((row for row in reader if row), None)
        if header is None:
            raise Problem(f"{path} is empty; its first line should name the columns.")
        _check_header(header, delimiter, path)
        for row in reader:
            if row and len(row) != len(header):
                raise Problem(
                    f"{path}, line {reader.line_num}: the header has {len(header)} fields, this "
                    f"row has {len(row)}. Is a value that contains {DELIMITERS.get(delimiter)} "
                    "without quotation marks, or is --delimiter another one?"
                )
    except csv.Error as error:
        raise Problem(
            f"{path}, line {reader.line_num}: {error}. Is a quotation mark not closed?"
        ) from None


def _check_header(header: list[str], delimiter: str, path: Path) -> None:
    if len(header) == 1:
        found = [other for other in DELIMITERS if other in header[0] and other != delimiter]
        if found:
            spelled = DELIMITERS[found[0]].strip("'")
            raise Problem(
                f"{path} has a single column, named {header[0][:80]!r}. Its columns seem to be "
                f"separated by {DELIMITERS[found[0]]}: pass --delimiter '{spelled}'."
            )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise Problem(f"{path} has several columns named {repeated}; rename them.")


def infer_types(raw: pd.DataFrame, table_format: TableFormat) -> pd.DataFrame:
    """Return a table with numbers where a whole column of texts consists of them.

    Texts with leading zeros, such as postal codes, remain texts, and columns that have a type
    already keep it.
    """
    return pd.DataFrame({name: _infer(raw[name], table_format) for name in raw.columns})


def _infer(column: pd.Series, table_format: TableFormat) -> pd.Series:
    values = column.astype(object)
    if isinstance(column.dtype, pd.CategoricalDtype) or not values.map(_is_text).all():
        return column
    texts = _as_texts(values.fillna(""), table_format.missing)
    numbers = pd.to_numeric(with_points(texts, table_format.decimal), errors="coerce")
    known = texts.notna()
    is_code = texts[known].str.fullmatch(r"0\d+").any() if known.any() else False
    if not is_code and not (numbers.isna() & known).any():
        return numbers
    return texts


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or value is None or value is pd.NA or value != value


def check_output(
    path: Path, force: bool, inputs: Iterable[Path | None] = (), is_table: bool = False
) -> None:
    """Raise before any work is done, and any budget spent, if a file cannot be written.

    Raises
    ------
    Problem
        If it is there already and `force` is not given, or is one of the inputs, or its folder is
        not there or read-only.
    """
    if path == STDOUT:
        return
    if is_table:
        _table_suffix(path)
    if path.is_dir():
        raise Problem(f"{path} is a folder; name a file in it.")
    read = [other for other in inputs if other is not None and other.exists()]
    if path.exists() and any(path.samefile(other) for other in read):
        raise Problem(f"{path} is an input of this command, which is never replaced.")
    if path.exists() and not force:
        raise Problem(f"{path} exists already; --force replaces it.")
    folder = path.parent
    if not folder.is_dir():
        raise Problem(f"{path} cannot be written: there is no folder {str(folder)!r}.")
    if not os.access(folder, os.W_OK):
        raise Problem(f"{path} cannot be written: the folder {str(folder)!r} is read-only.")


def check_spelling(schema: TableSchema, path: Path, table_format: TableFormat) -> None:
    """Raise before any budget is spent if names and levels cannot be written in the encoding."""
    if path != STDOUT and _table_suffix(path) in PARQUET:
        return
    kinds = schema.columns.values()
    levels = [level for kind in kinds if isinstance(kind, Discrete) for level in kind.levels]
    for text in map(str, (*schema.names, *levels)):
        _encode(text, table_format)


def _encode(text: str, table_format: TableFormat) -> bytes:
    try:
        return text.encode(table_format.encoding)
    except UnicodeEncodeError as error:
        raise Problem(
            f"{text[error.start : error.end]!r} cannot be written in {table_format.encoding}; "
            "--encoding utf-8 has all letters."
        ) from None


def _table_suffix(path: Path) -> str:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix in PARQUET and path.suffix != ".gz":
        require_pyarrow()
        return suffix
    if suffix not in TEXT:
        raise click.UsageError(
            f"{path}: the name of a table ends in .csv, .tsv, .txt, .csv.gz or .parquet."
        )
    return suffix


def write_table(
    frame: pd.DataFrame, schema: TableSchema, path: Path, table_format: TableFormat
) -> None:
    """Write rows to a file in one go, or CSV to standard output for ``-``.

    Whole numbers are spelled as such where values are missing, and missing values as the first of
    the format's texts for them.
    """
    columns = {
        name: _as_integers(frame[name]) if _is_integer(name, schema) else frame[name]
        for name in frame.columns
    }
    frame = pd.DataFrame(columns)
    if path != STDOUT and _table_suffix(path) in PARQUET:
        write_bytes(path, parquet_bytes(frame))
        return
    absent = table_format.missing[0] if table_format.missing else ""
    text = frame.to_csv(
        index=False,
        sep=table_format.delimiter_of(path),
        na_rep=absent,
        decimal=table_format.decimal,
        lineterminator="\n",
    )
    if path == STDOUT:
        click.echo(text, nl=False)
        return
    content = _encode(text, table_format)
    write_bytes(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _is_integer(name: Any, schema: TableSchema) -> bool:
    if name not in schema:
        return False
    kind = schema[name]
    if isinstance(kind, Discrete):
        return {type(level) for level in kind.levels} == {int}
    return isinstance(kind, Count)


def _as_integers(column: pd.Series) -> pd.Series:
    if not types.is_float_dtype(column.dtype):
        return column
    known = column.dropna().to_numpy(dtype=np.float64)
    return column.astype("Int64") if bool((known == np.rint(known)).all()) else column


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that is whole or not there, or to standard output for ``-``."""
    if path == STDOUT:
        click.echo(content.decode("utf-8"), nl=False)
        return
    write_atomically(path, content)
