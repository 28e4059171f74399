import warnings

import numpy as np
import pandas as pd
import pytest

from skdpsynth import Categorical, Continuous, Count, DPMixtureSynthesizer, TableSchema
from skdpsynth.datasets import load_rand_hie
from skdpsynth.exceptions import PIIWarning, PrivacyLeakWarning, TableMismatchError
from skdpsynth.pii import warn_of_pii

EMAILS = ["ann@example.org", "bob@example.org", "cy@example.org"]


@pytest.fixture
def synthesizer():
    return DPMixtureSynthesizer(n_components=2, random_state=0)


def test_levels_of_a_schema(synthesizer):
    schema = TableSchema({"who": Categorical(EMAILS), "age": Count(0, 99)})
    table = pd.DataFrame({"who": EMAILS * 20, "age": range(60)})
    with pytest.warns(PIIWarning, match=r"DPMixtureSynthesizer.*'who \(email\)'") as caught:
        synthesizer.set_params(schema=schema).fit(table)
    assert [warning.filename for warning in caught] == [__file__]


def test_values_do_not_matter_under_a_schema(synthesizer):
    schema = TableSchema({"who": Categorical(["a", "b"], other="b"), "age": Count(0, 99)})
    table = pd.DataFrame({"who": EMAILS * 20, "age": range(60)})
    synthesizer.set_params(schema=schema).fit(table)


def test_values_where_the_schema_is_drafted(synthesizer):
    table = pd.DataFrame({"who": [f"u{row}@example.org" for row in range(60)], "age": range(60)})
    with (
        pytest.warns(PIIWarning, match="'who .email.'"),
        pytest.warns(PrivacyLeakWarning),
    ):
        synthesizer.fit(table)
    # refused, but not before the warning says why
    many = pd.DataFrame({"who": [f"u{row}@example.org" for row in range(1500)]})
    with (
        pytest.warns(PIIWarning, match="'who .email.'"),
        pytest.raises(TableMismatchError, match="1500 distinct values"),
    ):
        synthesizer.fit(many)


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"ssn": Count(0, 999_999_999)}, "ssn"),
        ({"phone": Count(0, 9_999_999_999)}, "phone"),
        ({"phone": Count(0, 12)}, None),
        ({"phone": Categorical(["no", "yes"])}, None),
        ({"email": Categorical([False, True])}, None),
        ({"surname": Categorical(["Smith", "Jones"])}, "person_name"),
        ({"area": Categorical(["Smith", "Jones"])}, None),
        ({"ip": Continuous(0, 1)}, None),
        ({"version": Categorical(["1.0.0.0", "2.0.0.1"])}, None),
    ],
)
def test_schemas(columns, named):
    schema = TableSchema(columns)
    if named is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warn_of_pii(schema, schema)
    else:
        with pytest.warns(PIIWarning, match=rf"\({named}\)"):
            warn_of_pii(schema, schema)


def test_no_false_alarm():
    rand = load_rand_hie()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_pii(rand, rand.schema)
        warn_of_pii(rand, rand.frame)
        warn_of_pii(rand, pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3))))
