"""The examples of the user guide's page run as they are printed."""

import numpy as np
from test_documentation.pages import run_page


def test_examples(tmp_path):
    names = run_page("user_guide/clustmix.rst", tmp_path)
    assert len(names["X"]) == len(names["y"]) == 5_000
    assert names["synthesizer"].privacy_spent_.is_private
    np.testing.assert_allclose(np.linalg.norm(names["means"][0] - names["means"][1]), 1.0)
    assert not names["published"].privacy_spent_.is_private
    sizes = np.bincount(names["labels"])
    assert sizes.min() >= 40
    assert sizes.max() <= 60
