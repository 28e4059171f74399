"""Every fit gives what is stored of it, and every saved file what was sampled from its model."""

from __future__ import annotations

import functools
import re
from typing import Any

import pytest

import skdpsynth

from .fits import FITS
from .records import STORED, differing, path_of, read, run, sampled, to_json

FLOAT = r"-?(0x[0-9a-f.]+p[+-][0-9]+|inf)"
# of a model and a guide, as parameters of DPMixtureSynthesizer
BEFORE_NUMPYRO_SYNTHESIZER = "before_numpyro_synthesizer.synth"
SAVED = [name for name, fit in FITS.items() if fit.is_saved]


@functools.cache
def found(name: str) -> dict[str, Any]:
    """Return what a fit gives now."""
    if not FITS[name].is_possible:
        pytest.skip(f"{FITS[name].needs} is not installed")
    return run(FITS[name])[1]


def skip_unless_alike(stored: dict[str, Any]) -> None:
    """Skip where numbers cannot be expected to be equal to the bit."""
    if differs := differing(stored["installed"]):
        pytest.skip(f"stored with other versions: {differs}")


def assert_close(value: Any, stored: Any, where: str, rel: float = 1e-9) -> None:
    """Raise unless two records are equal but for the last digits of their numbers."""
    if isinstance(stored, dict):
        assert list(value) == list(stored), where
        for key, item in stored.items():
            assert_close(value[key], item, f"{where}.{key}", rel)
    elif isinstance(stored, list):
        assert len(value) == len(stored), where
        for number, (one, other) in enumerate(zip(value, stored, strict=True)):
            assert_close(one, other, f"{where}[{number}]", rel)
    elif is_float(stored):
        assert is_float(value), where
        expected = pytest.approx(float.fromhex(stored), rel=rel, abs=0)
        assert float.fromhex(value) == expected, where
    else:
        assert value == stored, where
        assert type(value) is type(stored), where


def is_float(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(FLOAT, value) is not None


@pytest.mark.parametrize("name", FITS)
def test_a_fit_spends_what_is_stored(name):
    # in every environment: what is charged and for what does not depend on the last bits
    stored, value = read(name), found(name)
    for key in ("spent", "ledger", "purchase"):
        assert_close(value[key], stored[key], key)


@pytest.mark.parametrize("name", FITS)
def test_a_fit_is_stored_to_the_bit(name):
    stored = read(name)
    skip_unless_alike(stored)
    value = found(name)
    assert list(value) == list(stored)
    for key, part in stored.items():
        if FITS[name].scores_vary and key in ("score", "scores"):
            assert_close(value[key], part, key, rel=1e-6)
        else:
            assert value[key] == part, key


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_file_loads(name):
    fit, stored = FITS[name], read(name)
    loaded = skdpsynth.load(path_of(name, "synth"), **fit.functions)
    assert type(loaded) is fit.cls
    # read from the file, not computed anew
    assert to_json(loaded.privacy_spent_) == stored["spent"]
    assert [to_json(entry) for entry in loaded.ledger_.entries] == stored["ledger"]
    assert loaded.n_records_ == stored["n_records"]
    assert len(sampled(loaded)["rows"]) == len(stored["sampled"]["rows"])


def test_a_file_of_a_class_that_has_another_name_now_loads():
    """Before `NumPyroSynthesizer`, a model and guide were parameters of `DPMixtureSynthesizer`."""
    fit = FITS["model_guide"]
    loaded = skdpsynth.load(STORED / BEFORE_NUMPYRO_SYNTHESIZER, **fit.functions)
    assert type(loaded) is skdpsynth.NumPyroSynthesizer
    assert loaded.get_params()["sampling_rate"] == fit.parameters["sampling_rate"]
    assert len(sampled(loaded)["rows"]) == len(read("model_guide")["sampled"]["rows"])


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_file_samples_the_stored_rows(name):
    fit, stored = FITS[name], read(name)
    skip_unless_alike(stored)
    loaded = skdpsynth.load(path_of(name, "synth"), **fit.functions)
    assert sampled(loaded) == stored["sampled"]


def test_no_file_is_stored_that_no_fit_makes():
    names = {path.name for path in STORED.iterdir()}
    made = {*(f"{name}.json" for name in FITS), *(f"{name}.synth" for name in SAVED)}
    assert names == made | {BEFORE_NUMPYRO_SYNTHESIZER}
