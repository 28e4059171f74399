"""The page for those who come from other libraries: what it says of this one is right."""

import inspect
import re

import skdpsynth
from skdpsynth import DPMixtureSynthesizer, NapsuMQSynthesizer, NumPyroSynthesizer
from skdpsynth.mixture import NAModel

from .pages import DOC, run_page

PAGE = "user_guide/coming_from.rst"


def test_examples(tmp_path):
    names = run_page(PAGE, tmp_path)
    assert [len(table) for table in names["tables"]] == [2_000] * 5
    assert set(names["tree"].sample(20, conditions={"ill": "yes"})["ill"]) == {"yes"}
    assert names["bought"]["visits"] == names["schema"]["visits"]
    assert names["bought"].ledger.spent().epsilon <= 1.0
    for synthesizer in ("napsu", "mixture", "tree"):
        assert names[synthesizer].privacy_spent_.is_private


def test_names_in_the_tables_exist():
    text = (DOC / PAGE).read_text(encoding="utf-8")
    parameters = {
        *inspect.signature(DPMixtureSynthesizer).parameters,
        *inspect.signature(NapsuMQSynthesizer).parameters,
        *inspect.signature(NumPyroSynthesizer).parameters,
    }
    for name in ("clipping_norm", "n_steps", "sampling_rate", "distributions", "queries", "guide"):
        assert name in text
        assert name in parameters
    for name in ("load", "report", "PIIMasker", "TableSchema"):
        assert re.search(rf"\b{name}\b", text)
        assert hasattr(skdpsynth, name)
    assert f"skdpsynth.mixture.{NAModel.__name__}" in text
