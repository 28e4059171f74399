"""The published format of a table is the same for all tables that fit a schema."""

import io
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from skdpsynth.pii import PIIMasker
from skdpsynth.preprocessing import (
    BoundedDiscretizer,
    MissingnessEncoder,
    TableEncoder,
    decode_table,
    encode_table,
    join_target,
    public_format,
    read_frame,
)
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema

STR = pd.Series(["a"]).dtype
LARGE = 2**63 + 2**62  # beyond int64, and clipped to the bounds like any other large value


def read(table, kind_or_schema):
    """Return the published format of a table that fits."""
    schema = kind_or_schema
    if not isinstance(schema, TableSchema):
        schema = TableSchema({"x": schema})
    frame, table_format = read_frame(table, schema)
    encode_table(frame, schema)
    return public_format(table_format, schema)


def read_dtype(values, kind, dtype):
    frame = pd.DataFrame({"x": pd.Series(values, dtype=dtype)})
    return read(frame, kind).dtypes[0]


KINDS = {
    "count": (Count(0, 9), [1]),
    "real": (Continuous(0, 9), [1]),
    "integer levels": (Categorical([0, 1]), [1]),
    "float levels": (Ordinal([0.5, 1.0]), [1.0]),
    "numeric levels": (Ordinal([0.5, 1]), [1]),
    "boolean levels": (Categorical([False, True]), [True]),
    "string levels": (Categorical(["a", "b"]), ["a"]),
    "mixed levels": (Categorical([0, "unknown"]), [0]),
}
NUMPY = {
    "count": ("int64", "float64"),
    "real": ("float64", "float64"),
    "integer levels": ("int64", "float64"),
    "float levels": ("float64", "float64"),
    "numeric levels": ("float64", "float64"),
    "boolean levels": ("bool", "object"),
    "string levels": (STR, STR),
    "mixed levels": ("object", "object"),
}
NULLABLE = {
    "count": "Int64",
    "real": "Float64",
    "integer levels": "Int64",
    "float levels": "Float64",
    "numeric levels": "Float64",
    "boolean levels": "boolean",
    "string levels": "string",
    "mixed levels": "object",
}


def make_nullable(kind):
    if hasattr(kind, "levels"):
        return type(kind)(kind.levels, nullable=True)
    return type(kind)(kind.low, kind.high, nullable=True)


@pytest.mark.parametrize("case", KINDS)
def test_dtypes_follow_from_the_kind_and_the_family(case):
    kind, values = KINDS[case]
    maybe = make_nullable(kind)
    dtypes = ["object"]
    if not isinstance(values[0], str):
        dtypes += ["int8", "uint16", "int64", "float32", "float64", "bool"]
    for dtype in dtypes:
        assert read_dtype(values, kind, dtype) == NUMPY[case][0]
        assert read_dtype(values, maybe, dtype) == NUMPY[case][1]
    for dtype in ["Int8", "UInt64", "Float32", "boolean", "string"]:
        if (dtype == "string") == isinstance(values[0], str):
            assert read_dtype(values, kind, dtype) == NULLABLE[case]
            assert read_dtype(values, maybe, dtype) == NULLABLE[case]
    if not isinstance(values[0], str):
        # a column without values has whatever dtype its reader likes
        for dtype in ["Int64", "string"] if case == "string levels" else ["Int64"]:
            assert read_dtype([pd.NA], maybe, dtype) == NULLABLE[case]


@pytest.mark.parametrize("case", KINDS)
@pytest.mark.parametrize("nullable", [False, True])
def test_arrow_dtypes_follow_from_the_kind(case, nullable):
    pyarrow = pytest.importorskip("pyarrow")
    kind, values = KINDS[case]
    kind = make_nullable(kind) if nullable else kind
    expected = {
        "Int64": pyarrow.int64(),
        "Float64": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "string": pyarrow.string(),
    }
    expected = {name: pd.ArrowDtype(dtype) for name, dtype in expected.items()}
    given = pyarrow.large_string() if isinstance(values[0], str) else pyarrow.int8()
    found = read_dtype(values, kind, pd.ArrowDtype(given))
    assert found == expected.get(NULLABLE[case], np.dtype(object))
    if nullable:
        assert read_dtype([None], kind, pd.ArrowDtype(pyarrow.null())) == found


def test_categorical_columns_stay_categorical_when_they_have_levels():
    for ordered, expected in ((False, "category"), (True, "ordered category")):
        dtype = pd.CategoricalDtype([1, 0], ordered=ordered)
        assert read_dtype([1, 0], Categorical([0, 1], nullable=True), dtype) == expected
        assert read_dtype([1, 0], Count(0, 1), dtype) == "int64"
        assert read_dtype([1, 0], Count(0, 1, nullable=True), dtype) == "float64"


@pytest.mark.parametrize(
    ("levels", "nullable", "expected"),
    [
        ([0, 2**53], True, "float64"),
        ([0, 2**53 + 1], True, "Int64"),
        ([0, 2**53 + 1], False, "int64"),
        ([-(2**63), 2**63 - 1], False, "int64"),
        ([0, 2**64 - 1], True, "UInt64"),
        ([0, 2**64 - 1], False, "uint64"),
        ([-1, 2**63], False, "object"),
        ([0, 2**80], False, "object"),
        ([0.5, 2**53 + 1], False, "object"),
        ([0, 0.5, True, "a"], False, "object"),
        ([0, "b"], True, "object"),
    ],
)
def test_no_dtype_changes_large_levels(levels, nullable, expected):
    kind = Categorical(levels, nullable=nullable)
    assert read_dtype(levels[:1], kind, None) == expected


def as_frame(values):
    return pd.DataFrame({"x": values})


def as_array(values):
    return np.array([[value] for value in values])


def as_list(values):
    return [[value] for value in values]


def downcast(values):
    return as_frame(pd.to_numeric(pd.Series(values), downcast="float"))


def downcast_integer(values):
    return as_frame(pd.to_numeric(pd.Series(values), downcast="unsigned"))


def convert(values):
    return as_frame(pd.Series(values)).convert_dtypes()


def as_csv(values, **options):
    text = "x,y\n" + "\n".join(f"{'' if value is None else value},0" for value in values)
    return pd.read_csv(io.StringIO(text), **options)[["x"]]


def as_nullable_csv(values):
    return as_csv(values, dtype_backend="numpy_nullable")


def as_arrow_csv(values):
    pytest.importorskip("pyarrow")
    return as_csv(values, dtype_backend="pyarrow")


def as_polars(values):
    pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"x": values}, strict=False)


def as_arrow_table(values):
    csv = pytest.importorskip("pyarrow.csv")
    text = "x,y\n" + "\n".join(f"{'' if value is None else value},0" for value in values)
    options = csv.ConvertOptions(strings_can_be_null=True)
    return csv.read_csv(io.BytesIO(text.encode()), convert_options=options).select(["x"])


READERS = (as_frame, as_array, as_list, as_csv, as_nullable_csv, as_arrow_csv, as_arrow_table)
READERS += (as_polars, convert, downcast, downcast_integer)
NUMBERS = set(READERS)
STRINGS = NUMBERS - {downcast, downcast_integer}
TYPED = {as_frame, as_list, as_array}  # one column may mix types
LARGE_READERS = NUMBERS - {as_polars}

# kind, values of a table, values of one more record, readers
NEIGHBOURS = {
    "a hole in counts": (Count(0, 99, nullable=True), [1, 2], None, NUMBERS),
    "only holes but one": (Count(0, 99, nullable=True), [None, None], 3, NUMBERS - {convert}),
    "a fraction": (Continuous(0, 100), [1, 2], 2.5, NUMBERS),
    "a fraction or a hole": (Continuous(0, 100, nullable=True), [1, None], 2.5, NUMBERS),
    "a float count": (Count(0, 9), [1, 2], 3.0, NUMBERS),
    "a byte more": (Count(0, 300), [1, 255], 256, NUMBERS),
    "beyond the bounds": (Count(0, 9), [1, 2], 300, NUMBERS),
    "beyond int64": (Count(0, 9), [1, 2], LARGE, LARGE_READERS),
    "beyond int64, nullable": (Count(0, 9, nullable=True), [1, None], LARGE, TYPED),
    "beyond uint64": (Count(0, 9), [1, 2], 10**20, {as_frame, as_list, as_array, as_csv}),
    "beyond float32": (Continuous(0, 9), [0.1, 0.2], 1e300, NUMBERS),
    "a truth value": (Count(0, 1), [True, False], 2, TYPED),
    "a hole in levels": (Categorical([0, 1], nullable=True), [0, 1], None, NUMBERS),
    "a fraction in levels": (Categorical([0.5, 1.0]), [1, 1], 0.5, NUMBERS),
    "an unknown fraction": (Categorical([0, 1], other=1), [0, 1], 0.5, NUMBERS),
    "a level of another type": (Categorical([0, 1, "u"]), [0, 1], "u", {as_frame, as_list}),
    "a large unknown": (Categorical([0, 1], other=1), [0, 1], LARGE, LARGE_READERS),
    "an unknown of another type": (Categorical(["a", "b"], other="b"), ["a", "b"], 3, TYPED),
    "a hole in strings": (Categorical(["a", "b"], nullable=True), ["a", "b"], None, STRINGS),
    "one string": (Categorical(["a", "b"], nullable=True), [None] * 2, "b", STRINGS - {convert}),
    "a hole in booleans": (
        Categorical([False, True], nullable=True),
        [False, True],
        None,
        STRINGS,
    ),
    "one boolean": (
        Categorical([False, True], nullable=True),
        [None] * 2,
        True,
        STRINGS - {convert},
    ),
}


# pandas tries casts of large numbers to integers, of which numpy 1 warns
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@pytest.mark.parametrize(
    ("case", "reader"),
    [(case, reader) for case, row in NEIGHBOURS.items() for reader in READERS if reader in row[3]],
)
def test_one_record_does_not_change_the_format(case, reader):
    kind, values, extra, _ = NEIGHBOURS[case]
    formats = [
        read(reader(rows), kind)
        for rows in (values, [*values, extra], [values[0], extra], [*values, values[0]])
    ]
    assert formats == [formats[0]] * 4
    assert len({pickle.dumps(table_format) for table_format in formats}) == 1


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("Int64", ["Int64", "boolean", "Int64"]),
        ("int64[pyarrow]", ["int64[pyarrow]", "bool[pyarrow]", "int64[pyarrow]"]),
        ("int64", ["int64", "object", "int64"]),
    ],
)
def test_objects_have_the_backend_of_the_other_columns(backend, expected):
    if "arrow" in backend:
        pytest.importorskip("pyarrow")
    flag = Categorical([False, True], nullable=True)
    schema = TableSchema({"code": Categorical([0, 1], other=1), "flag": flag, "n": Count(0, 9)})
    numbers = pd.Series([0, 1], dtype=backend)
    for codes in (numbers, numbers.astype(object), pd.Series([0, "word"], dtype=object)):
        frame = pd.DataFrame({"code": codes, "flag": [None, True], "n": numbers})
        assert [str(dtype) for dtype in read(frame, schema).dtypes] == expected


def test_an_array_of_strings_remains_one_unless_a_value_may_be_missing():
    strings, numbers = np.array([["a", "b"]]), np.array([[1, 2]])
    level, maybe = Categorical(["a", "b"]), Categorical(["a", "b"], nullable=True)
    for kind, array, expected in (
        (level, strings, "U"),
        (level, strings.astype(object), "O"),
        (maybe, strings, "O"),
        (maybe, strings.astype(object), "O"),
        (Count(0, 9), numbers.astype("int8"), "i"),
        (Count(0, 9, nullable=True), numbers, "f"),
        (Continuous(0, 9), numbers, "f"),
    ):
        schema = TableSchema({"x": kind, "y": kind})
        table_format = read(array, schema)
        assert {dtype.kind for dtype in table_format.dtypes} == {expected}


def test_a_target_has_a_dtype_of_its_own():
    frame, table_format = read_frame(np.array([[1.5], [2.5]]))
    kinds = {"x0": Continuous(0, 9)}
    for y, kind, expected in (
        (["a", "b"], Categorical(["a", "b"]), object),
        (pd.Series(["a", "b"]), Categorical(["a", "b"]), object),
        (pd.Series([0, 1], dtype="category"), Categorical([0, 1]), np.int64),
        (pd.Series([0, 1], dtype="Int64"), Categorical([0, 1], nullable=True), np.float64),
        ([0, "a"], Categorical([0, "a"]), object),
        (["a", None], Categorical(["a"], nullable=True), object),
        (["a", np.nan], Categorical(["a"], nullable=True), object),
    ):
        schema = TableSchema({**kinds, "target": kind})
        joined, joined_format = join_target(frame, table_format, y)
        encode_table(joined, schema)
        assert public_format(joined_format, schema).dtypes == (np.float64, np.dtype(expected))


# Any two tables that fit a schema, read by one reader


@st.composite
def schemas(draw):
    bounds = st.tuples(st.integers(-(2**40), 2**40), st.integers(1, 2**40)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    )
    levels = st.sampled_from(
        [["b", "a", "cc"], [5, 3], [0, 1, 300], [0.5, -2.0], [1.0, 2.0], [0.5, 1], [False, True]]
    )
    kinds = {}
    for position in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([Count, Continuous, Categorical, Ordinal]))
        arguments = draw(bounds) if kind in (Count, Continuous) else (draw(levels),)
        kinds[f"c{position}"] = kind(*arguments, nullable=draw(st.booleans()))
    return TableSchema(kinds)


def values_of(kind):
    if isinstance(kind, Count):
        # clipped: a value may be beyond the bounds, and may be spelled as a float
        values = st.one_of(
            st.integers(kind.low, kind.high),
            st.sampled_from([2**53, 2**64 - 1, -1, 10**18, 3.0, 1e10]),
        )
    elif isinstance(kind, Continuous):
        values = st.one_of(
            st.floats(-1e300, 1e300, allow_nan=False), st.integers(kind.low, kind.high)
        )
    else:
        values = st.sampled_from(kind.levels)
    return st.one_of(values, st.none()) if kind.nullable else values


@st.composite
def texts(draw, schema):
    """The CSV text of a table that fits."""
    n_rows = draw(st.integers(1, 4))
    columns = [
        draw(st.lists(values_of(kind), min_size=n_rows, max_size=n_rows))
        for kind in schema.columns.values()
    ]
    # a column that is always there, as a line without text is no record
    rows = [(*row, 0) for row in zip(*columns, strict=True)]
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    return "\n".join([",".join([*schema.names, "id"]), *lines])


@pytest.mark.parametrize("backend", [None, "numpy_nullable", "pyarrow"])
@given(data=st.data())
def test_two_tables_from_csv_have_one_format(backend, data):
    if backend == "pyarrow":
        pytest.importorskip("pyarrow")
    schema = data.draw(schemas())
    options = {} if backend is None else {"dtype_backend": backend}
    tables = [
        pd.read_csv(io.StringIO(data.draw(texts(schema))), **options)[list(schema.names)]
        for _ in range(2)
    ]
    fits = []
    for table in tables:
        try:
            encode_table(table, schema)
        except ValueError:
            # pandas read -1 beside 2**64 - 1 as strings: a table that does not fit
            return
        fits.append(read(table, schema))
    assert fits[0] == fits[1]
    assert pickle.dumps(fits[0]) == pickle.dumps(fits[1])
    for make in (TableEncoder, BoundedDiscretizer, MissingnessEncoder):
        fitted = [make(schema).fit(table) for table in tables]
        assert pickle.dumps(fitted[0]) == pickle.dumps(fitted[1])
    masker = PIIMasker({schema.names[0]: "phone"}, set_aside=len(schema) > 1)
    rest = schema.select(schema.names[1:] or schema.names)
    rows = decode_table(np.zeros((1, len(rest))), rest, fits[0].select(rest.names))
    masked = [clone(masker).fit(table).inverse_transform(rows) for table in tables]
    assert masked[0].dtypes.equals(masked[1].dtypes)
