"""Random frames through fit, save, load and sample: the same columns and dtypes, or an error."""

import string
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import skdpsynth
from skdpsynth import (
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    PrivacyLeakWarning,
    TableMismatchError,
)

TEXT = st.text(string.printable + "äß漢🦉\u2028", max_size=5)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False)
COLUMNS = {
    "int": st.integers(-(2**40), 2**40),
    "small int": st.integers(-3, 3),
    "float": NUMBERS,
    "bool": st.booleans(),
    "text": TEXT,
    "category": TEXT,
    "ordered": st.integers(0, 3),
    "mixed": st.one_of(st.integers(0, 3), TEXT, st.booleans()),
    "date": st.dates().map(pd.Timestamp),
}
NAMES = [
    TEXT,
    TEXT,
    st.one_of(st.integers(-(10**20), 10**20), st.booleans(), st.floats(allow_nan=False)),
    # scikit-learn refuses a mixture of strings and others
    st.one_of(TEXT, st.integers(0, 3)),
    st.sampled_from(["x", "y", "z", "target"]),
    st.tuples(st.just("a"), st.integers(0, 9)),
]
# what ends in an error is drawn less often than the rest
KINDS = [kind for kind in COLUMNS for _ in range(1 if kind == "date" else 4)]


@st.composite
def frames(draw):
    """A frame of 8 rows, some of its values missing."""
    n_columns = draw(st.integers(1, 4))
    kinds = [draw(st.sampled_from(KINDS)) for _ in range(n_columns)]
    repeats = draw(st.integers(0, 9)) == 0
    names = draw(
        st.lists(
            draw(st.sampled_from(NAMES)),
            min_size=n_columns,
            max_size=n_columns,
            unique_by=None if repeats else lambda name: name,
        )
    )
    columns = [draw_column(draw, kind) for kind in kinds]
    frame = pd.concat(columns, axis=1, keys=range(n_columns))
    frame.columns = pd.Index(names, dtype=object, tupleize_cols=False)
    return frame


def draw_column(draw, kind):
    values = draw(st.lists(COLUMNS[kind], min_size=8, max_size=8))
    if draw(st.booleans()):
        gap = {"date": pd.NaT}.get(kind)
        values = [gap if i % 3 == 1 else value for i, value in enumerate(values)]
    if kind in ("category", "ordered"):
        return pd.Series(pd.Categorical(values, ordered=kind == "ordered"))
    dtype = object if kind == "mixed" else None
    column = pd.Series(values, dtype=dtype)
    if kind in ("int", "float", "bool", "text") and draw(st.booleans()):
        column = column.convert_dtypes()
    return column


@pytest.mark.parametrize("cls", [DPMixtureSynthesizer, NapsuMQSynthesizer])
@settings(suppress_health_check=list(HealthCheck))
@given(frame=frames())
def test_frames_come_back_alike_or_with_a_clear_error(cls, frame):
    small = {"n_passes": 1, "n_components": 1, "n_bins": 2}
    if cls is NapsuMQSynthesizer:
        # the networks of automatic queries are fitted without compiling anything
        small = {"n_bins": 2}
    synth = cls(epsilon=5.0, **small)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrivacyLeakWarning)
        try:
            synth.fit(frame)
        except (TypeError, ValueError) as error:
            event(f"fit: {type(error).__name__}: {str(error)[:60]}")
            return
    assert not any("datetime" in str(dtype) for dtype in frame.dtypes)
    assert frame.columns.is_unique
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "synth"
        try:
            synth.save(path)
        except TypeError:
            assert any(isinstance(name, float) and np.isinf(name) for name in frame.columns)
            return
        loaded = skdpsynth.load(path)
        content = path.read_bytes()
        loaded.save(path)
        assert path.read_bytes() == content
    event("round trip")
    samples = [s.sample(20, random_state=0) for s in (synth, loaded)]
    pd.testing.assert_frame_equal(*samples, check_exact=True)
    assert [*map(type, samples[1].columns)] == [*map(type, samples[0].columns)]
    assert samples[1].columns.tolist() == frame.columns.tolist()
    assert loaded.schema_ == synth.schema_


def test_dates_are_refused_with_a_message():
    frame = pd.DataFrame({"born": pd.to_datetime(["2020-01-01", "2021-01-01"])})
    with pytest.raises(TableMismatchError, match=r"'born'.*date"):
        DPMixtureSynthesizer().fit(frame)


def test_repeated_names_are_refused_with_a_message():
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    with pytest.raises(TableMismatchError, match=r"\['a'\]"):
        DPMixtureSynthesizer().fit(frame)


@pytest.mark.parametrize("name", [3, 2.5, True, "ä 漢", "", 10**30, float("-inf")])
def test_names_keep_their_type(tmp_path, name):
    frame = pd.DataFrame({name: [0, 1, 2, 3] * 5})
    with pytest.warns(PrivacyLeakWarning):
        synth = DPMixtureSynthesizer(n_passes=1, n_components=1).fit(frame)
    if name == float("-inf"):
        with pytest.raises(TypeError, match=r"'schema_' cannot be saved.*name -inf"):
            synth.save(tmp_path / "synth")
        return
    synth.save(tmp_path / "synth")
    (found,) = skdpsynth.load(tmp_path / "synth").sample(1).columns
    assert found == name
    assert type(found) is type(name)
