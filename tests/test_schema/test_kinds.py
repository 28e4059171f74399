import pickle

import numpy as np
import pandas as pd
import pytest

from skdpsynth.exceptions import SchemaError
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal


def test_bounds_are_kept_as_python_numbers():
    assert Count(np.int8(1), 3.0) == Count(1, 3)
    assert type(Count(1, 3.0).high) is int
    assert type(Continuous(0, np.float32(1)).low) is float


def test_levels_keep_their_order_and_become_python_scalars():
    kind = Categorical(np.array([3, 1, 2]), nullable=True)
    assert kind.levels == (3, 1, 2)
    assert all(type(level) is int for level in kind.levels)
    assert Ordinal(pd.Index(["b", "a"])).levels == ("b", "a")


def test_other_is_returned_as_the_level_it_equals():
    assert Categorical(["a", "rest"], other="rest").other == "rest"
    assert Categorical([0, 1], other=False).other is not False


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Categorical([0, 1]), Categorical([False, True])),
        (Categorical([0, 1]), Categorical([0.0, 1.0])),
        (Categorical([0, 1]), Ordinal([0, 1])),
        (Categorical([0, 1]), Categorical([1, 0])),
        (Categorical([0, 1]), Categorical([0, 1], nullable=True)),
        (Categorical([0, 1]), Categorical([0, 1], other=1)),
        (Continuous(0, 1), Count(0, 1)),
        (Count(0, 1), Count(0, 1, nullable=True)),
        (Categorical([0, 1]), "not a kind"),
    ],
)
def test_kinds_that_differ_are_unequal(left, right):
    assert left != right


def test_equal_kinds_hash_alike_and_survive_pickling():
    kind = Categorical(["a", "b"], other="b")
    assert hash(kind) == hash(Categorical(["a", "b"], other="b"))
    assert pickle.loads(pickle.dumps(kind)) == kind


def test_kinds_are_frozen():
    with pytest.raises(AttributeError):
        Count(0, 1).low = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Continuous(2, 1), "crossed; low must be below high"),
        (lambda: Count(2, 2), "equal.*constant column is a Categorical with one level"),
        (lambda: Continuous(0, np.inf), "high must be a finite number, got inf"),
        (lambda: Continuous(np.nan, 1), "low must be a finite number, got nan"),
        (lambda: Continuous("0", 1), "low must be a finite number, got '0'"),
        (lambda: Continuous(False, 1), "low must be a finite number, got False"),
        (lambda: Continuous(-1.7e308, 1.7e308), "range high - low .* is not finite"),
        (lambda: Continuous(0, 5e-324), "narrower than 2.23e-308.*multiply the column"),
        (lambda: Continuous(-1e-310, 1e-310), "range high - low of -1e-310, 1e-310 is narrower"),
        (lambda: Count(0.5, 2), "low must be an integer, got 0.5; use Continuous"),
        (lambda: Count(0, 2**60), r"exceeds 2\*\*53.*identifier"),
        (lambda: Categorical([]), "levels is empty"),
        (lambda: Categorical(["a", "b", "a"]), "'a' and 'a' are equal"),
        (lambda: Categorical([1, True]), "1 and True are equal"),
        (lambda: Ordinal(["a", None]), r"missing value \(None\) is not a level.*nullable=True"),
        (lambda: Ordinal([1.0, np.nan]), "missing value .*nullable=True"),
        (lambda: Ordinal([1.0, np.inf]), "got inf"),
        (lambda: Categorical([pd.NA, "a"]), "missing value .*nullable=True"),
        (lambda: Categorical([pd.Timestamp("2020")]), r"convert the column.*astype\(str\)"),
        (lambda: Categorical([("a", 1)]), r"\(tuple\); convert"),
        (lambda: Categorical([[1]]), r"\(list\); convert"),
        (lambda: Categorical("abc"), "ordered sequence such as a list, got 'abc'"),
        (lambda: Categorical({"a"}), "ordered sequence"),
        (lambda: Categorical(3), "ordered sequence"),
        (lambda: Categorical(["a"], other="b"), r"other='b' is not one of the levels \['a'\]"),
    ],
)
def test_contradictions_are_errors(make, message):
    with pytest.raises(SchemaError, match=message):
        make()


def test_repr_is_code_for_short_kinds_and_shortened_for_long_ones():
    assert repr(Continuous(0, 1)) == "Continuous(0.0, 1.0)"
    assert repr(Count(1, 2, nullable=True)) == "Count(1, 2, nullable=True)"
    kind = Ordinal(["a", "b"], nullable=True, other="b")
    assert eval(repr(kind)) == kind
    assert repr(Categorical(range(100))) == "Categorical([0, 1, 2, 3, 4, ..., 99])"


@pytest.mark.parametrize("kind", [Count, Continuous])
def test_integers_that_no_float_holds_are_errors(kind):
    with pytest.raises(SchemaError, match="high is an integer too large for a float"):
        kind(0, 10**400)
    with pytest.raises(SchemaError, match="low is an integer too large for a float"):
        kind(-(10**400), 0)
