"""The page on intervals runs, and its interval is near the truth that it makes."""

from .pages import run_page


def test_example(tmp_path):
    rate = run_page("user_guide/inference.rst", tmp_path)["rate"]
    low, high = rate.interval(0.95)
    # 0.6 in the population; 1,500 rows have an error of about 0.013, and the noise less
    assert 0.5 < low < rate.estimate < high < 0.7
    assert rate.standard_error > 0.01
