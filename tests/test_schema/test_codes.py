from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skdpsynth.exceptions import TableMismatchError
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal
from skdpsynth.schema._codes import decode_column, encode_column, read_dtype

nan = np.nan


@pytest.mark.parametrize(
    ("values", "kind", "codes"),
    [
        (["b", "a"], Categorical(["a", "b"]), [1, 0]),
        ([2, 1], Ordinal([1, 2]), [1, 0]),
        ([2.0, nan], Ordinal([1, 2], nullable=True), [1, nan]),
        ([True, False], Categorical([0, 1]), [1, 0]),
        ([0, 1], Categorical([True, False]), [1, 0]),
        (["1", 1, None], Categorical([1, "1"], nullable=True), [1, 0, nan]),
        (["a", "zzz"], Categorical(["a", "rest"], other="rest"), [0, 1]),
        (pd.Categorical(["b", "a"]), Categorical(["a", "b"]), [1, 0]),
        (pd.Categorical(["b", None], ["x", "b"]), Categorical(["b"], nullable=True), [0, nan]),
        (pd.Categorical(["zzz"]), Categorical(["a", "b"], other="b"), [1]),
        (pd.array([2, None], dtype="Int64"), Categorical([1, 2], nullable=True), [1, nan]),
        (pd.array([True, None], dtype="boolean"), Categorical([0, 1], nullable=True), [1, nan]),
        (pd.array(["a", None], dtype="string"), Categorical(["a"], nullable=True), [0, nan]),
        ([5, 20, -3], Count(0, 10), [0.5, 1, 0]),
        (pd.Series([True, 5, 10**20], dtype=object), Count(0, 10), [0.1, 0.5, 1]),
        ([5.0, nan], Count(0, 10, nullable=True), [0.5, nan]),
        ([1.5, 9.0], Continuous(1, 2), [0.5, 1]),
        ([True, False], Count(0, 2), [0.5, 0]),
        (pd.array([5, None], dtype="Int8"), Count(0, 10, nullable=True), [0.5, nan]),
        (pd.array([0.5, None], dtype="Float32"), Continuous(0, 1, nullable=True), [0.5, nan]),
        (
            pd.Series([5, None, 2.5], dtype=object),
            Continuous(0, 10, nullable=True),
            [0.5, nan, 0.25],
        ),
        (pd.Series([Decimal(5)], dtype=object), Count(0, 10), [0.5]),
        (pd.Series([None, None], dtype=object), Count(0, 10, nullable=True), [nan, nan]),
        (pd.Categorical([5, None, 5]), Count(0, 10, nullable=True), [0.5, nan, 0.5]),
    ],
)
def test_codes(values, kind, codes):
    column = pd.Series(values)
    assert_array_equal(encode_column(column, kind, "x"), codes)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["a", "q"], Categorical(["a", "b"]), r"'q', which is not .* levels \['a', 'b'\].*other="),
        (["1"], Categorical([1]), r"'1', which is not one of its levels \[1\]"),
        ([1], Categorical(["1"]), r"holds 1, which .* \['1'\]; the level is the str '1': convert"),
        (["?"], Categorical(["a"]), r"holds '\?', .* missing value, read .* na_values=.*nullable"),
        (["b"], Categorical(["a"]), r"holds 'b', .* add it to the levels, or pass Categorical\("),
        ([np.inf], Categorical([1.0]), "holds inf"),
        (pd.Categorical(["q"]), Categorical(["a"]), "holds 'q'"),
        (["x" * 99], Categorical(["a"]), r"holds 'x+\.\.\., which"),
        ([[1], [2]], Categorical(["a"]), r"holds \[1\], a list"),
        (["a", None], Categorical(["a"]), r"missing value.*Categorical\(\.\.\., nullable=True\)"),
        ([1.0, nan], Count(0, 1), r"missing value.*Count\(\.\.\., nullable=True\)"),
        (pd.array([1, None], dtype="Int64"), Count(0, 1), "missing value"),
        ([1.0, nan], Continuous(0, 1), r"missing value.*Continuous\(\.\.\., nullable=True\)"),
        ([1.0, -np.inf], Continuous(0, 1), r"infinite value \(-inf\).* bound, 0.0 or 1.0"),
        ([1.0, 1.5], Count(0, 3), r"holds 1.5, which is not an integer.*Continuous\(0, 3\)"),
        (["1", "2"], Count(0, 3), r"holds '1' \(str\); convert it with pd.to_numeric"),
        ([1, "two"], Continuous(0, 3), r"holds 'two' \(str\); convert"),
        ([1, "NA"], Continuous(0, 3), r"holds 'NA' \(str\); if .* missing value, read the file"),
        (["1,5"], Continuous(0, 3), r"holds '1,5' \(str\); .* with decimal=','\.$"),
        (["2022-01-31"], Count(0, 3), r"holds '2022-01-31' \(str\); make dates numbers"),
        ([1, [2]], Continuous(0, 3), r"holds \[2\] \(list\)"),
        (pd.Categorical(["u"]), Continuous(0, 3), r"holds 'u' \(str\)"),
        (pd.array(["1"], dtype="string"), Continuous(0, 3), r"holds '1' \(str\)"),
        (pd.Series([1, 1j], dtype=object), Continuous(0, 3), "complex"),
    ],
)
def test_values_that_do_not_fit_are_errors_that_name_the_way_out(values, kind, message):
    column = pd.Series(values)
    with pytest.raises(TableMismatchError, match=f"Column 'age'.*{message}"):
        encode_column(column, kind, "age")


@pytest.mark.parametrize(
    ("codes", "kind", "dtype", "values"),
    [
        ([0.2, 0.8, 7, -3], Categorical(["a", "b"]), object, ["a", "b", "b", "a"]),
        ([0, nan], Categorical(["a"], nullable=True), object, ["a", nan]),
        ([0, 1], Categorical([3, 4]), "int64", [3, 4]),
        ([0, nan], Categorical([3, 4], nullable=True), "int64", [3.0, nan]),
        ([0, nan], Categorical([False, True], nullable=True), "bool", [False, nan]),
        ([0, 1], Categorical([0, 1]), "bool", [False, True]),
        ([0, 1], Categorical([0, 300]), "int8", [0, 300]),
        ([0.25, 0.26], Count(0, 10), "int64", [2, 3]),
        ([0.25, nan], Count(0, 10, nullable=True), "int64", [2.0, nan]),
        ([0.5, 2.0, -1], Continuous(1, 2), "float64", [1.5, 2, 1]),
        ([0.25], Continuous(0, 9), "int32", [2]),
        ([1.0], Count(0, 300), "int8", [300]),
        ([0.0], Count(-1, 3), "uint8", [-1]),
        ([0.0, 1.0, nan], Count(0, 1, nullable=True), "bool", [False, True, nan]),
    ],
)
def test_decoded_values(codes, kind, dtype, values):
    column = pd.Series(decode_column(np.array(codes, dtype=float), kind, np.dtype(dtype), "x"))
    expected = pd.Series(
        values, dtype=object if dtype in (object, "bool") and nan in values else None
    )
    pd.testing.assert_series_equal(column, expected, check_dtype=False)
    if not np.isnan(codes).any() and dtype not in ("int8", "uint8"):
        assert column.dtype == (np.dtype(dtype) if dtype is not object else expected.dtype)


def test_counts_in_object_columns_are_python_integers():
    column = decode_column(np.array([0.5, nan]), Count(0, 4, nullable=True), np.dtype(object), "x")
    assert type(column[0]) is int
    assert np.isnan(column[1])


def test_a_missing_code_in_a_column_that_is_not_nullable_is_an_error():
    with pytest.raises(TableMismatchError, match=r"Column 'x'.*nullable=True"):
        decode_column(np.array([nan]), Count(0, 1), np.dtype(int), "x")


def test_a_kept_dtype_tells_no_values_apart():
    assert read_dtype(pd.CategoricalDtype(["a secret"]), "x") == "category"
    assert read_dtype(pd.CategoricalDtype(["a secret"], ordered=True), "x") == "ordered category"
    assert read_dtype(np.dtype("U17"), "x") == np.dtype("U")


def test_the_largest_count_is_exact():
    kind = Count(-(2**52), 2**52)
    column = pd.Series([2**52, 2**52 - 1, 1, 0, -(2**52)])
    codes = encode_column(column, kind, "x")
    assert_array_equal(decode_column(codes, kind, np.dtype(np.int64), "x"), column)
