"""The examples of the user guide's page on personal data run as they are printed."""

import re
import textwrap
from pathlib import Path

PAGE = Path(__file__).parents[2] / "doc" / "user_guide" / "pii.rst"


def test_examples():
    block = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", re.MULTILINE)
    names = {}
    for code in block.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(textwrap.dedent(code), str(PAGE), "exec"), names)
    patients, masked, pipeline = names["patients"], names["masked"], names["pipeline"]
    assert set(masked["name"]) == {"[person_name]"}
    assert set(masked["contact"]) == {"[email]"}
    synthetic = pipeline.sample(20)
    assert list(synthetic.columns) == ["name", "age", "ill"]
    assert not set(synthetic["name"]) & set(patients["name"])
    assert pipeline.privacy_spent_.is_private
    codes = patients[["age"]].assign(code=[f"PAT-{row}" for row in range(len(patients))])
    assert names["detector"].fit(codes).columns_ == {"code": "patient_number"}
