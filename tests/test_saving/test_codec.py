"""Parameters and fields of every type, through JSON and arrays and back."""

import dataclasses
import json
import math
import typing
from collections import OrderedDict
from types import MappingProxyType

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from estimators import all_estimators
from numpy.testing import assert_array_equal

import skdpsynth._product_mixture._layout as layout_module
from skdpsynth import Categorical
from skdpsynth._catalogue import METHODS
from skdpsynth._product_mixture._layout import Block
from skdpsynth._saving._arrays import ARRAY_DTYPES, from_npy, to_npy
from skdpsynth._saving._codec import Decoder, Encoder
from skdpsynth._saving._conform import check_fields, conforms, field_hints
from skdpsynth._saving._registry import read_registry

REGISTRIES = {name: read_registry(method.stored) for name, method in METHODS.items()}
CLASSES = {cls: entry for own in REGISTRIES.values() for cls, entry in own.classes.items()}


def through_json(value, functions=None):
    encoder = Encoder(functions or {})
    node = json.loads(json.dumps(encoder.encode(value), allow_nan=False))
    objects = json.loads(json.dumps(encoder.objects, allow_nan=False))
    decoder = Decoder([from_npy(to_npy(a)) for a in encoder.arrays], functions or {})
    decoder.decode_objects(objects)
    return decoder.decode(node)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(10**40),
        0.1,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        math.inf,
        -math.inf,
        "",
        "\ud800 ä 🦉 \0 \u2028",
        [1, [2.0, "3"], None],
        (),
        ((1,), (2, (3,))),
        {1: "a", "1": "b", (2, "c"): [True]},
        {True: 1, 0: 2.0},
        {"b": 1, "a": 2},
        {("x", "y"), ("z",)},
        frozenset({None}),
        np.float32(0.1),
        np.int64(3),
        np.bool_(True),
        np.uint8(255),
        {np.int64(1): np.float64(0.5)},
        np.dtype("int64"),
        np.dtype(object),
        np.dtype("U"),
        pd.Int64Dtype(),
        pd.Float64Dtype(),
        pd.BooleanDtype(),
        pd.StringDtype(),
        pd.Series(["a"]).dtype,
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_come_back_with_their_types(value):
    back = through_json(value)
    assert back == value
    assert repr(back) == repr(value)
    assert type(back) is type(value)


def test_not_a_number_comes_back():
    assert math.isnan(through_json(math.nan))
    assert math.isnan(through_json(np.float32("nan")))


@pytest.mark.parametrize("mapping", [OrderedDict(b=1, a=2), MappingProxyType({"b": 1, "a": 2})])
def test_mappings_become_dicts_in_their_order(mapping):
    back = through_json(mapping)
    assert type(back) is dict
    assert list(back.items()) == [("b", 1), ("a", 2)]


def test_strings_of_numpy_become_strings():
    assert type(through_json(np.str_("a"))) is str


@pytest.mark.parametrize("dtype", ["O", "U"])
def test_arrays_of_strings_come_back(dtype):
    array = np.array([["a", "bb"], ["ä", ""]], dtype=dtype)
    back = through_json(array)
    assert_array_equal(back, array)
    assert back.dtype.kind == dtype


@pytest.mark.parametrize("name", ARRAY_DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 3), (2, 3), (2, 3, 4)])
def test_arrays_come_back_bit_for_bit(name, shape):
    count = math.prod(shape)
    raw = np.random.default_rng(0).integers(0, 2, count * np.dtype(name).itemsize, dtype=np.uint8)
    array = raw.view(name).reshape(shape)
    back = from_npy(to_npy(array))
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()
    assert back.shape == shape
    assert back.flags.writeable


def test_axes_keep_their_order_in_memory():
    square = np.arange(12.0).reshape(3, 4)
    for array in [square, square.T, square[:, ::2], square.T[::2], square.T[:, ::2]]:
        back = from_npy(to_npy(array))
        assert_array_equal(back, array)
        steps = [abs(step) for step in array.strides]
        assert (steps[0] > steps[1]) == (back.strides[0] > back.strides[1])


def test_big_endian_arrays_are_turned_round():
    array = np.array([1.5, -2.0], dtype=">f8")
    assert_array_equal(from_npy(to_npy(array)), array)


def test_what_is_shared_is_stored_once_and_shared_again():
    array, kind = np.arange(3.0), Categorical(["a", "b"])
    encoder = Encoder({})
    encoder.encode([array, array, kind, kind, Categorical(["a", "b"])])
    assert (len(encoder.arrays), len(encoder.objects)) == (1, 2)
    first, second, *kinds = through_json([array, array, kind, kind])
    assert first is second
    assert kinds[0] is kinds[1]


def test_functions_are_not_stored_but_put_in_again():
    def function():
        """To be passed by whoever loads."""

    encoder = Encoder({"model": function})
    assert encoder.encode((1, function)) == {"tuple": [1, {"function": "model"}]}
    assert through_json([function], {"model": function}) == [function]


@pytest.mark.parametrize(
    "value",
    [object(), range(3), iter([]), lambda: 0, 1j, b"bytes", pd.Series([1]), jnp.zeros(1), int],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="cannot be saved"):
        Encoder({}).encode([value])


@pytest.mark.parametrize(
    "array",
    [
        np.array([None]),
        np.array([1j]),
        np.array(["2020-01-01"], "M8[s]"),
        np.array(["a", 1], object),
        np.array([b"a"]),
        np.zeros(1, [("a", float)]),
        np.zeros(1, np.float16),
    ],
    ids=lambda array: str(array.dtype),
)
def test_other_arrays_are_refused(array):
    with pytest.raises(TypeError, match=r"an array of dtype .* cannot be saved"):
        Encoder({}).encode(array)


def test_names_of_classes_are_looked_up_in_the_registry_alone():
    for name in ("os.system", "Popen", "object", "DPMixtureSynthesizer"):
        for own in REGISTRIES.values():
            with pytest.raises(KeyError, match=name):
                Decoder([], {}, own).decode_objects([{"class": name, "fields": {}}])


COMMON = {
    *("Categorical", "Continuous", "Count", "Ordinal", "TableFormat", "TableSchema"),
    *("LedgerEntry", "PrivacyLedger", "PrivacySpent", "Purchase"),
    *("FailureEvent", "GaussianEvent", "SelectionEvent"),
    *("SubsampledGaussianEvent", "WithoutReplacementGaussianEvent"),
}
HISTOGRAMS = {"Bins", "FineGrid"}
MIXTURE = {"Block", "ColumnModel", "ComponentEstimates", "Layout", "MixtureModel", "Scalar"}
NETWORK = {"Domain", "Evidence", "GroupedBins", "JunctionTree", "Network", "Variable"}
LISTED = {
    "mixture": HISTOGRAMS
    | MIXTURE
    | {"CustomLatents", "CustomModel", "FunctionGuide", "MeanFieldGuide", "Part"}
    | {"NaiveBayes", "NaiveBayesModel"},
    "napsu": HISTOGRAMS
    | NETWORK
    | {"LaplacePosterior", "NapsuModel", "PerturbedPosterior", "SampledPosterior"},
    "clustmix": HISTOGRAMS | MIXTURE | {"ColumnCells", "ContinuousModel"},
}
LISTED["numpyro"] = LISTED["mixture"]


def test_the_list_of_classes_that_a_file_can_hold_is_closed():
    """Whoever adds a class to it says so here: all of them are made of what a file says."""
    assert set(read_registry().classes) == COMMON
    assert {name: set(own.classes) - COMMON for name, own in REGISTRIES.items()} == LISTED
    # of one wing, and in its files alike
    assert METHODS["numpyro"].stored == METHODS["mixture"].stored


def test_a_file_holds_classes_of_its_own_method_only():
    with pytest.raises(KeyError, match="NapsuModel"):
        Decoder([], {}, REGISTRIES["mixture"]).decode_objects(
            [{"class": "NapsuModel", "fields": {}}]
        )


def test_objects_refer_to_earlier_ones_only():
    node = {"class": "SampledPosterior", "fields": {"draws": {"object": 0}}}
    with pytest.raises(IndexError):
        Decoder([], {}, REGISTRIES["napsu"]).decode_objects([node])


@pytest.mark.parametrize("number", [-1, True, 1.0, "0", None])
def test_places_are_counted_from_the_start(number):
    with pytest.raises(TypeError, match="where a position is expected"):
        Decoder([np.zeros(1)], {}).decode({"array": number})


def test_every_synthesizer_of_the_package_can_be_saved():
    names = {name for name, _ in all_estimators() if name.endswith("Synthesizer")}
    assert names == {name for own in REGISTRIES.values() for name in own.synthesizers}
    for name, method in METHODS.items():
        assert REGISTRIES[name].synthesizers[method.class_name].cls is method.load()


@pytest.mark.parametrize("name", CLASSES)
def test_declared_types_of_all_fields_are_understood(name):
    entry = CLASSES[name]
    for field, hint in field_hints(entry.state or entry.cls).items():
        assert not (conforms(object(), hint) and hint is not typing.Any), field


def test_fields_that_are_missing_unknown_or_of_another_type_are_named():
    fields = dataclasses.asdict(Block(0, 0, 3, True, False, False))
    check_fields(Block, fields)
    for change in [{"start": 0.5}, {"start": True}, {"start": None}, {"is_ordered": 1}]:
        (name,) = change
        with pytest.raises(TypeError, match=f"Block.{name} is of type"):
            check_fields(Block, {**fields, **change})
    with pytest.raises(TypeError, match="has the fields"):
        check_fields(Block, {**fields, "more": 1})
    with pytest.raises(TypeError, match="has the fields"):
        check_fields(Block, {})


def test_registered_classes_have_names_of_their_own():
    for own in REGISTRIES.values():
        assert len(own.classes) == len(own.entries)
    assert layout_module.Block is CLASSES["Block"].cls


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (1, int, True),
        (np.int64(1), int, True),
        (True, int, False),
        (1.0, int, False),
        (1, float, True),
        (np.float32(1), float, True),
        (False, float, False),
        (np.bool_(True), bool, True),
        (1, bool, False),
        (None, int | None, True),
        ("a", int | None, False),
        ((1, 2), tuple[int, ...], True),
        ([1, 2], tuple[int, ...], False),
        ((1, "a"), tuple[int, str], True),
        ((1,), tuple[int, str], False),
        ({0: "a"}, typing.Mapping[int, str], True),
        ({"0": "a"}, typing.Mapping[int, str], False),
        ([0], typing.Sequence[int], True),
        ("ab", typing.Sequence[str], False),
        (print, typing.Callable[..., int], True),
        (3, typing.Callable[..., int], False),
        (np.zeros(1), np.ndarray, True),
    ],
)
def test_whether_values_are_of_a_declared_type(value, hint, expected):
    assert conforms(value, hint) is expected
