"""What goes in as a container comes out as it, whatever stores its columns."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer

import skdpsynth
from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    Ordinal,
    TableSchema,
    make_synthesizer_pipeline,
    report,
)
from skdpsynth.displays import MarginalDisplay, MomentDisplay, PairwiseDisplay, TSTRDisplay
from skdpsynth.exceptions import TableMismatchError
from skdpsynth.metrics import CategoryDtypeEncoder, TSTRScorer, marginal_tvd
from skdpsynth.pii import PIIDetector, PIIMasker
from skdpsynth.preprocessing import (
    BoundedDiscretizer,
    MissingnessEncoder,
    TableEncoder,
    encode_table,
    read_frame,
)
from skdpsynth.schema import as_plain_frame

pyarrow = pytest.importorskip("pyarrow")
polars = pytest.importorskip("polars")

N = 120
COLUMNS = {
    "age": [20 + row % 50 for row in range(N)],
    "city": ["Ghent", "Lille", "Aachen"] * (N // 3),
    "fit": [True, False, None, True] * (N // 4),
    "wage": [None if row % 7 == 0 else row / 8 for row in range(N)],
    "beds": [None if row % 5 == 0 else row % 4 for row in range(N)],
    "ill": ["no", "yes", "no"] * (N // 3),
}
SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "city": Categorical(["Aachen", "Ghent", "Lille"]),
        "fit": Categorical([False, True], nullable=True),
        "wage": Continuous(0, 20, nullable=True),
        "beds": Count(0, 3, nullable=True),
        "ill": Ordinal(["no", "yes"]),
    },
    target="ill",
)


def arrow():
    return pyarrow.table(COLUMNS)


def arrow_dictionaries():
    table = arrow()
    for name in ("city", "ill"):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].dictionary_encode())
    # dictionaries of several chunks differ
    return pyarrow.concat_tables([table.slice(1, 50), table.slice(0, 1), table.slice(51)])


def record_batch():
    return arrow().combine_chunks().to_batches()[0]


def narrow_arrow():
    types = [("age", "uint8"), ("city", "large_string"), ("fit", "bool"), ("wage", "float32")]
    types += [("beds", "int16"), ("ill", "string_view")]
    return arrow().cast(pyarrow.schema(types))


def pandas_arrow():
    return arrow_dictionaries().to_pandas(types_mapper=pd.ArrowDtype)


def nullable():
    return pd.DataFrame(COLUMNS).convert_dtypes()


def narrow_nullable():
    return nullable().astype({"age": "UInt8", "wage": "Float32", "beds": "Int8"})


def polars_frame():
    return polars.DataFrame(COLUMNS)


def polars_categories():
    frame = polars_frame()
    city = frame["city"].cast(polars.Categorical)
    return frame.with_columns(city, frame["ill"].cast(polars.Enum(["no", "yes"])))


def categories():
    frame = pd.DataFrame(COLUMNS)
    ill = pd.Categorical(frame["ill"], ["no", "yes"], ordered=True)
    return frame.assign(city=frame["city"].astype("category"), ill=ill)


INTEGER, REAL = "int64[pyarrow]", "double[pyarrow]"
DICTIONARY = "dictionary<values=string, indices=int32, ordered=0>"
PLAIN_ARROW = ["int64", "string", "bool", "double", "int64", "string"]
CONTAINERS = {
    arrow: PLAIN_ARROW,
    arrow_dictionaries: ["int64", DICTIONARY, "bool", "double", "int64", DICTIONARY],
    record_batch: PLAIN_ARROW,
    narrow_arrow: PLAIN_ARROW,
    pandas_arrow: [
        INTEGER,
        f"{DICTIONARY}[pyarrow]",
        "bool[pyarrow]",
        REAL,
        INTEGER,
        f"{DICTIONARY}[pyarrow]",
    ],
    nullable: ["Int64", "string", "boolean", "Float64", "Int64", "string"],
    narrow_nullable: ["Int64", "string", "boolean", "Float64", "Int64", "string"],
    polars_frame: ["Int64", "String", "Boolean", "Float64", "Int64", "String"],
    polars_categories: [
        "Int64",
        "Categorical",
        "Boolean",
        "Float64",
        "Int64",
        "Enum(categories=['no', 'yes'])",
    ],
    categories: ["int64", "category", "object", "float64", "float64", "category"],
}


def dtypes(table):
    if isinstance(table, pyarrow.Table | pyarrow.RecordBatch):
        return [str(field.type) for field in table.schema]
    return [str(dtype) for dtype in table.dtypes]


def names(table):
    is_arrow = isinstance(table, pyarrow.Table | pyarrow.RecordBatch)
    return list(table.schema.names if is_arrow else table.columns)


@pytest.fixture(params=list(CONTAINERS), ids=lambda make: make.__name__)
def case(request):
    return request.param(), CONTAINERS[request.param]


def synthesizer(**parameters):
    return DPMixtureSynthesizer(schema=SCHEMA, n_components=2, random_state=0, **parameters)


def test_a_synthesizer_gives_back_what_it_was_given(case, tmp_path):
    table, expected = case
    fitted = synthesizer().fit(table)
    assert fitted.feature_names_in_.tolist() == list(SCHEMA.names)
    fitted.save(tmp_path / "model")
    for model in (fitted, skdpsynth.load(tmp_path / "model")):
        drawn = model.sample(30, random_state=1)
        assert type(drawn) is type(table)
        assert names(drawn) == list(SCHEMA.names)
        assert dtypes(drawn) == expected
        assert dtypes(model.sample(0)) == expected
        features, target = model.sample_xy(5)
        assert type(features) is type(table)
        assert dtypes(features) == expected[:-1]
        assert len(target) == 5
        assert np.isfinite(model.score(table))
        assert np.isfinite(model.score(drawn))
        assert dtypes(next(model.sample_datasets(1, 4))) == expected
        conditional = model.sample(3, conditions={"city": "Lille", "beds": None})
        assert as_plain_frame(conditional)["city"].tolist() == ["Lille"] * 3
        assert as_plain_frame(conditional)["beds"].isna().all()


def test_all_containers_lead_to_the_same_model(case):
    table, _ = case
    drawn = synthesizer().fit(table).sample(20, random_state=2)
    plain = synthesizer().fit(pd.DataFrame(COLUMNS)).sample(20, random_state=2)
    assert encode_table(read_frame(drawn)[0], SCHEMA) == pytest.approx(
        encode_table(plain, SCHEMA), nan_ok=True, abs=0
    )


def test_a_target_of_its_own(case):
    table, expected = case
    frame = synthesizer().fit(table).sample_xy(3)
    y = frame[1]
    fitted = synthesizer().fit(frame[0], ["no", "yes", "no"])
    assert dtypes(fitted.sample(2)) == expected[:-1]
    fitted = synthesizer().fit(frame[0], y)
    assert type(fitted.sample_xy(2)[0]) is type(table)
    assert type(fitted.sample_xy(2)[1]) is type(y)
    assert np.isfinite(fitted.score(frame[0], y))


def test_schemas_are_drafted_and_bought(case):
    table, _ = case
    drafted = TableSchema.from_frame(table, target="ill")
    assert drafted["age"] == Count(20, 69)
    assert sorted(drafted["city"].levels) == ["Aachen", "Ghent", "Lille"]
    assert drafted["fit"] == SCHEMA["fit"]
    assert isinstance(drafted["wage"], Continuous)
    assert drafted["beds"] == SCHEMA["beds"]
    bought = TableSchema.from_private(
        table, epsilon=float("inf"), delta=1e-6, kinds={"beds": "count", "ill": SCHEMA["ill"]}
    )
    assert set(bought["city"].levels) >= {"Aachen", "Ghent", "Lille"}
    # a column of objects, unlike one of a boolean dtype, may hold other levels
    assert set(bought["fit"].levels) >= {False, True}
    assert isinstance(bought["beds"], Count)


def test_transformers(case):
    table, expected = case
    for transformer in (
        TableEncoder(SCHEMA),
        BoundedDiscretizer(SCHEMA, n_bins=4),
        MissingnessEncoder(SCHEMA),
        PIIDetector(),
        PIIMasker({}),
    ):
        moved = transformer.fit(table).transform(table)
        back = transformer.inverse_transform(moved)
        assert type(back) is type(table)
        assert names(back) == list(SCHEMA.names)
        if hasattr(transformer, "format_"):
            assert dtypes(back) == expected
            assert isinstance(transformer, TableEncoder) or type(moved) is type(table)
    codes = TableEncoder(SCHEMA).fit(table).transform(table)
    plain = TableEncoder(SCHEMA).fit(pd.DataFrame(COLUMNS)).transform(pd.DataFrame(COLUMNS))
    assert np.array_equal(np.sort(codes, axis=0), np.sort(plain, axis=0), equal_nan=True)


@pytest.mark.parametrize("step", [TableEncoder, BoundedDiscretizer, MissingnessEncoder])
def test_pipelines(case, step):
    table, expected = case
    model = DPMixtureSynthesizer(n_components=2, random_state=0)
    pipeline = make_synthesizer_pipeline(step(SCHEMA), model).fit(table)
    drawn = pipeline.sample(4, random_state=0)
    assert type(drawn) is type(table)
    assert dtypes(drawn) == expected
    features, target = pipeline.sample_xy(4, random_state=0)
    assert type(features) is type(table)
    assert dtypes(features) == expected[:-1]
    assert len(target) == 4
    assert np.isfinite(pipeline.score(table))
    apart = make_synthesizer_pipeline(step(SCHEMA), model).fit(features, target)
    assert dtypes(next(apart.sample_datasets(1, 3))) == expected


def test_pipelines_whose_first_step_has_no_schema(case):
    table, expected = case
    model = synthesizer()
    drawn = make_synthesizer_pipeline(FunctionTransformer(), model).fit(table).sample(3)
    assert type(drawn) is type(table)
    assert len(dtypes(drawn)) == len(expected)


def test_masked_columns_are_text(case):
    table, expected = case
    text = {
        **dict.fromkeys(PLAIN_ARROW, "string"),
        "String": "String",
        "Int64": "string" if isinstance(table, pd.DataFrame) else "String",
        "int64": str(pd.Series(["a"]).dtype) if isinstance(table, pd.DataFrame) else "string",
        INTEGER: "string[pyarrow]",
    }[expected[0]]
    columns = {"age": "phone", "beds": "postcode"}
    masked = PIIMasker(columns).fit_transform(table)
    assert type(masked) is type(table)
    assert [dtypes(masked)[at] for at in (0, 4)] == [text, text]
    assert as_plain_frame(masked)["beds"].isna().sum() == N // 5
    schema = SCHEMA.drop(["age", "beds"])
    pipeline = make_synthesizer_pipeline(
        PIIMasker(columns), DPMixtureSynthesizer(schema=schema, n_components=2, random_state=0)
    ).fit(table)
    drawn = pipeline.sample(3)
    assert type(drawn) is type(table)
    assert names(drawn) == list(SCHEMA.names)
    assert [dtypes(drawn)[at] for at in (0, 4)] == [text, text]
    assert set(as_plain_frame(drawn)["age"]) == {"[phone]"}
    assert names(pipeline.sample_xy(3)[0]) == list(SCHEMA.feature_names)


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.SyntheticDataWarning")
def test_scores_and_distances(case):
    table, _ = case
    model = synthesizer(epsilon=100.0).fit(table)
    plain = synthesizer(epsilon=100.0).fit(pd.DataFrame(COLUMNS))
    score = TSTRScorer(random_state=0)(model, table)
    assert score == TSTRScorer(random_state=0)(plain, pd.DataFrame(COLUMNS))
    drawn = model.sample(50, random_state=0)
    assert marginal_tvd(table, drawn, SCHEMA) == pytest.approx(
        marginal_tvd(pd.DataFrame(COLUMNS), plain.sample(50, random_state=0), SCHEMA)
    )
    assert CategoryDtypeEncoder().fit(table).transform(drawn).shape == (50, 6)


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.SyntheticDataWarning")
@pytest.mark.parametrize("make", [arrow_dictionaries, pandas_arrow, polars_categories, nullable])
def test_pictures(make):
    pytest.importorskip("matplotlib")
    table = make()
    model = synthesizer(epsilon=100.0).fit(table)
    drawn = model.sample(50, random_state=0)
    MarginalDisplay.from_tables(table, drawn, SCHEMA)
    MomentDisplay.from_tables(table, drawn, SCHEMA)
    PairwiseDisplay.from_tables(table, drawn, SCHEMA)
    TSTRDisplay.from_estimator(model, table, real=table)
    assert "city" in report(table, drawn, synthesizer=model, test=table)._repr_html_()


def test_an_index_of_pandas_is_not_a_column_of_an_arrow_table():
    frame = pd.DataFrame(COLUMNS).sample(frac=0.5, random_state=0)
    table = pyarrow.Table.from_pandas(frame)
    assert "__index_level_0__" in table.schema.names
    drawn = synthesizer().fit(table).sample(3)
    assert names(drawn) == list(SCHEMA.names)
    masked = PIIMasker({"city": "town"}).fit_transform(table)
    assert set(masked["city"].to_pylist()) == {"[town]"}
    assert masked["age"].to_pylist() == table["age"].to_pylist()


# Refusals


@pytest.mark.parametrize(
    ("lazy", "way_out"),
    [
        (lambda: polars_frame().lazy(), r"LazyFrame .*X\.collect\(\)"),
        (lambda: pyarrow.RecordBatchReader.from_batches(arrow().schema, []), r"X\.read_all\(\)"),
        (lambda: pytest.importorskip("pyarrow.dataset").dataset(arrow()), r"X\.to_table\(\)"),
    ],
)
def test_lazy_tables_are_to_be_read_first(lazy, way_out):
    table = lazy()
    for read in (
        synthesizer().fit,
        synthesizer().fit(arrow()).score,
        TableSchema.from_frame,
        lambda X: TableSchema.from_private(X, epsilon=1.0, delta=1e-6),
        TableEncoder(SCHEMA).fit,
        PIIMasker({"age": "phone"}).fit,
        PIIDetector().fit,
        lambda X: marginal_tvd(X, X, SCHEMA),
        CategoryDtypeEncoder().fit,
    ):
        with pytest.raises(TypeError, match=way_out):
            read(table)


@pytest.mark.parametrize("make", [arrow, record_batch, polars_frame])
def test_levels_that_a_container_cannot_hold_are_refused_before_anything_is_spent(make):
    levels = Categorical([*SCHEMA["city"].levels, 7])
    model = synthesizer().set_params(schema=SCHEMA.replace({"city": levels}))
    with pytest.raises(TableMismatchError, match=r"'city' has levels of several types.*pandas"):
        model.fit(make())
    assert not hasattr(model, "ledger_")


@pytest.mark.parametrize("make", [arrow, pandas_arrow, arrow_dictionaries, polars_frame])
def test_a_model_whose_library_is_missing_says_so(make, tmp_path, monkeypatch):
    synthesizer().fit(make()).save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pyarrow is not installed.*skdpsynth\[arrow\]"):
        skdpsynth.load(tmp_path / "model")
