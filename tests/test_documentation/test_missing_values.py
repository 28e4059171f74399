"""The page on missing values runs, and the shares it states are those of the synthetic table."""

import pytest

from .pages import run_page


def test_examples(tmp_path, capsys):
    names = run_page("user_guide/missing_values.rst", tmp_path)
    private, synthetic = names["private"], names["synthetic"]
    shares = synthetic.isna().mean()
    # 3,000 rows and noise of some tens of rows: a standard deviation of about 0.012 and 0.01
    assert shares["income"] == pytest.approx(private["income"].isna().mean(), abs=0.08)
    assert shares["owner"] == pytest.approx(0.05, abs=0.06)
    assert shares["age"] == 0
    message = capsys.readouterr().out
    assert "'owner'" in message
    assert "nullable" in message
    assert names["restored"].equals(private)
    columns = names["encoder"].transform(private).columns
    assert list(columns) == ["age", "income", "owner", "income_missing", "owner_missing"]
    assert list(names["pipeline"].sample(5)) == list(private)
