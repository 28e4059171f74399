"""The examples of the user guide's page on pipelines run as they are printed."""

from sklearn.model_selection import GridSearchCV
from test_documentation.pages import run_page


def test_examples(tmp_path):
    names = run_page("user_guide/pipelines.rst", tmp_path)
    private, synthetic = names["private"], names["synthetic"]
    assert synthetic.dtypes.equals(private.dtypes)
    assert synthetic["pressure"].isna().any()
    assert len(names["X"]) == len(names["y"]) == 1_000
    assert isinstance(names["search"], GridSearchCV)
    assert names["chosen"].privacy_spent_.is_private
    assert names["cost"].n_fits == 7
    assert 1 < names["cost"].epsilon < 5
