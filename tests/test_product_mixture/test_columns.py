import pytest

from skdpsynth import Categorical, Continuous, Count, Ordinal, TableSchema
from skdpsynth._product_mixture._columns import MAX_INTEGER_LEVELS, model_columns

KINDS = {
    "two": Categorical(["a", "b"]),
    "three": Categorical(["a", "b", "c"]),
    "one": Categorical(["a"]),
    "ranked": Ordinal([1, 2, 3]),
    "real": Continuous(0, 1),
    "count": Count(0, 9),
    "coin": Count(4, 5),
    "wide": Count(1, MAX_INTEGER_LEVELS + 1),
}
FITTING = {
    "two": {"bernoulli", "categorical"},
    "three": {"categorical"},
    "one": {"categorical"},
    "ranked": {"categorical"},
    "real": {"histogram", "normal"},
    "count": {"histogram", "normal", "poisson", "categorical"},
    "coin": {"histogram", "normal", "poisson", "categorical", "bernoulli"},
    "wide": {"histogram", "normal", "poisson"},
}
FAMILIES = ["bernoulli", "categorical", "histogram", "normal", "poisson"]


def test_families_by_default():
    chosen = {c.name: c.distribution for c in model_columns(TableSchema(KINDS))}
    assert chosen == {
        "two": "bernoulli",
        "three": "categorical",
        "one": "categorical",
        "ranked": "categorical",
        "real": "histogram",
        "count": "histogram",
        "coin": "histogram",
        "wide": "histogram",
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", KINDS)
def test_a_family_fits_its_kinds_only(name, family):
    schema = TableSchema(KINDS)
    if family in FITTING[name]:
        columns = {c.name: c for c in model_columns(schema, {name: family})}
        assert columns[name].distribution == family
        assert columns[name].is_tabulated == (family not in ("normal", "poisson"))
        others = {c.name: c for c in model_columns(schema)}
        assert all(columns[other] == others[other] for other in KINDS if other != name)
    else:
        kind = type(KINDS[name]).__name__
        with pytest.raises(ValueError, match=rf"Column '{name}' is {kind}, .* '{family}' cannot"):
            model_columns(schema, {name: family})


def test_a_count_has_a_level_for_each_integer():
    columns = {c.name: c for c in model_columns(TableSchema(KINDS))}
    assert columns["count"].n_levels == 10
    assert columns["three"].n_levels == 3
    assert columns["ranked"].is_ordered
    assert not columns["three"].is_ordered


@pytest.mark.parametrize(
    ("distributions", "message"),
    [
        ({"absent": "normal"}, "names the column 'absent', which the table does not have"),
        ({"real": "gaussian"}, "'gaussian' cannot model; choose one of"),
        ({"real": 1}, "the family 1 cannot model; choose one of"),
        ("normal", "must be a mapping from column name to family .* got str"),
        (["normal"], "must be a mapping .* got list"),
    ],
)
def test_bad_families_are_named(distributions, message):
    with pytest.raises(ValueError, match=message):
        model_columns(TableSchema(KINDS), distributions)


def test_families_may_be_spelled_as_in_numpyro():
    column = model_columns(TableSchema({"n": Count(0, 9)}), {"n": "Poisson"})[0]
    assert column.distribution == "poisson"
