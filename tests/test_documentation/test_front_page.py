"""The example of the front page runs."""

import pytest

from .pages import run_page

pytest.importorskip("statsmodels")


def test_example(tmp_path):
    names = run_page("index.rst", tmp_path)
    assert names["synthetic"].shape == (1_000, 8)
    assert names["synthesizer"].privacy_spent_.is_private
