import sys

import pandas as pd
import pytest

from skdpsynth.datasets import load_rand_hie
from skdpsynth.metrics import marginal_tvd
from skdpsynth.schema import Categorical, TableSchema

pytest.importorskip("statsmodels")


@pytest.fixture(scope="module")
def hie():
    return load_rand_hie()


def test_shapes_and_names(hie):
    assert hie.frame.shape == (20190, 8)
    assert tuple(hie.frame.columns) == hie.schema.names
    assert hie.schema.target == hie.target.name == "fair_or_poor"
    pd.testing.assert_frame_equal(hie.data.join(hie.target), hie.frame)
    assert tuple(hie.data.columns) == hie.schema.feature_names


def test_rows_keep_to_the_schema(hie):
    assert not hie.frame.isna().any().any()
    for name, kind in hie.schema.columns.items():
        if isinstance(kind, Categorical):
            assert set(hie.frame[name]) == set(kind.levels)
        else:
            assert hie.frame[name].between(kind.low, kind.high).all()
    assert marginal_tvd(hie.frame, hie.frame, hie.schema) == 0.0


def test_bounds_are_not_those_of_the_rows(hie):
    wider = [
        kind.high > hie.frame[name].max()
        for name, kind in hie.schema.columns.items()
        if name in ("mdvis", "lpi", "fmde", "disea")
    ]
    assert all(wider)


def test_target_is_self_rated_health(hie):
    from statsmodels.datasets import randhie

    source = randhie.load_pandas().data
    assert ((hie.target == "yes") == (source["hlthf"] + source["hlthp"] > 0)).all()
    assert (hie.target == "yes").sum() == source["hlthf"].sum() + source["hlthp"].sum()


def test_groups_are_runs_of_rows_with_one_plan(hie):
    plan = ["lncoins", "idp", "lpi", "fmde"]
    assert (hie.frame.groupby(hie.groups)[plan].nunique() == 1).all(axis=None)
    assert hie.groups.diff().dropna().isin([0, 1]).all()
    assert 2000 < hie.groups.nunique() < 2500


def test_calls_do_not_share_rows(hie):
    frame = load_rand_hie().frame
    frame["mdvis"] = -1
    assert (load_rand_hie().frame["mdvis"] >= 0).all()


def test_schema_survives_json(hie):
    assert TableSchema.from_json(hie.schema.to_json()) == hie.schema


def test_description_names_every_column(hie):
    assert all(name in hie.DESCR for name in hie.schema.names)


def test_without_statsmodels(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[demo\]"'):
        load_rand_hie()
