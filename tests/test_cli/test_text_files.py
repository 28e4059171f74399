import pytest

from skdpsynth._cli._house import Problem
from skdpsynth._cli._text_files import read_distributions, read_queries
from skdpsynth.schema import Categorical, Count, TableSchema

SCHEMA = TableSchema(
    {"Age": Count(0, 99), "a: b": Count(0, 9), "x, y": Categorical(["no", "yes"]), 3: Count(0, 9)}
)


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        (tmp_path / "file.txt").write_text(text)
        return tmp_path / "file.txt"

    return write_text


def test_distributions(write):
    path = write("# families\n\nAge: Poisson  # counts\na: b :normal\n3: Histogram\n")
    families = read_distributions(path, SCHEMA)
    assert families == {"Age": "poisson", "a: b": "normal", 3: "histogram"}
    assert read_distributions(write("# nothing\n"), SCHEMA) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nAge\n", "line 2: expected 'column: family'"),
        ("Age: Beta", "line 1: the family 'Beta' is unknown; known are"),
        ("age: Poisson", "line 1: the schema has no column 'age'"),
        ("Age: Poisson\nAge: Normal", "line 2: the column 'Age' has a family already"),
    ],
)
def test_distributions_with_mistakes(write, text, message):
    with pytest.raises(Problem, match=message):
        read_distributions(write(text), SCHEMA)


def test_queries(write):
    path = write('# marginals\nAge, a: b\n\n"x, y",Age,3  # three\nAge\n')
    assert read_queries(path, SCHEMA) == [("Age", "a: b"), ("x, y", "Age", 3), ("Age",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Age, sex", "line 1: the schema has no column 'sex'"),
        ("Age,,3", "line 1: the schema has no column ''"),
        ("# none\n", "has no marginal"),
    ],
)
def test_queries_with_mistakes(write, text, message):
    with pytest.raises(Problem, match=message):
        read_queries(write(text), SCHEMA)


def test_file_that_is_nowhere(tmp_path):
    with pytest.raises(Problem, match="There is no file"):
        read_queries(tmp_path / "nowhere.txt", SCHEMA)
