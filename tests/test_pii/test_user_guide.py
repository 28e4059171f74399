"""The examples of the user guide's page on personal data run as they are printed."""

from test_documentation.pages import run_page


def test_examples(tmp_path):
    names = run_page("user_guide/pii.rst", tmp_path)
    patients, masked, pipeline = names["patients"], names["masked"], names["pipeline"]
    assert set(masked["name"]) == {"[person_name]"}
    assert set(masked["contact"]) == {"[email]"}
    synthetic = pipeline.sample(20)
    assert list(synthetic.columns) == ["name", "age", "ill"]
    assert not set(synthetic["name"]) & set(patients["name"])
    assert pipeline.privacy_spent_.is_private
    codes = patients[["age"]].assign(code=[f"PAT-{row}" for row in range(len(patients))])
    assert names["detector"].fit(codes).columns_ == {"code": "patient_number"}
