import pandas as pd
import pytest

from skdpsynth import Count, TableSchema
from skdpsynth._cli._house import Problem
from skdpsynth._cli._user_code import UserCode, read_user_code


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        (tmp_path / "mine.py").write_text(text)
        return tmp_path / "mine.py"

    return write_text


def test_names_are_taken_from_the_file(write, tmp_path):
    (tmp_path / "beside_mine.py").write_text("SHIFT = 2\n")
    path = write(
        "from beside_mine import SHIFT\n"
        "def model(x=None, num_obs_total=None): pass\n"
        "def preprocess(frame): return frame + SHIFT\n"
        "def postprocess(frame): return frame - SHIFT\n"
    )
    code = read_user_code(path)
    assert code.model.__name__ == "model"
    assert code.guide is None
    frame = pd.DataFrame({"a": [1]})
    assert code.after(frame)["a"].tolist() == [-1]
    assert code.before(frame)["a"].tolist() == [3]
    assert list(tmp_path.glob("__pycache__/mine*")) == []


def test_other_files_have_no_code(tmp_path):
    assert read_user_code(None) == read_user_code(tmp_path / "model.txt") == UserCode()
    frame = pd.DataFrame({"a": [1]})
    assert UserCode().after(frame) is frame


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines none of model, guide, preprocess, postprocess"),
        ("\nimport nowhere_at_all\n", "line 2: ModuleNotFoundError: No module named"),
        ("def model(:\n", "line 1: SyntaxError"),
        ("preprocess = 3\n", "preprocess must be a function"),
    ],
)
def test_files_that_cannot_be_used(write, text, message):
    with pytest.raises(Problem, match=message):
        read_user_code(write(text))


def test_file_that_is_nowhere(tmp_path):
    with pytest.raises(Problem, match="There is no file"):
        read_user_code(tmp_path / "nowhere.py")


def test_functions_that_fail(write):
    path = write(
        "def preprocess(frame):\n    return frame['b']\ndef postprocess(frame):\n    return 3\n"
    )
    frame = pd.DataFrame({"a": [1]})
    with pytest.raises(Problem, match=r"preprocess of .*mine\.py, line 2: KeyError: 'b'"):
        read_user_code(path).before(frame)
    with pytest.raises(Problem, match="returns int; it must return a DataFrame"):
        read_user_code(path).after(frame)


def test_preprocess_is_a_claim(write, capsys):
    read_user_code(write("def preprocess(frame): return frame\n")).before(pd.DataFrame())
    assert "is your claim" in capsys.readouterr().err


def test_preprocess_is_tried_row_by_row(write):
    schema = TableSchema({"a": Count(0, 9)})
    frame = pd.DataFrame({"a": range(10)})
    for text, is_mixing in [
        ("frame - frame.mean()", True),
        ("frame.head(3)", True),
        ("frame[::-1]", True),
        ("frame.clip(2, 5)", False),
        ("frame.where(frame > 3)", False),
    ]:
        code = read_user_code(write(f"def preprocess(frame): return {text}\n"))
        assert (code.find_mixing(frame, schema) is not None) is is_mixing
    code = read_user_code(write("def preprocess(frame): return frame['b']\n"))
    with pytest.raises(Problem, match="KeyError: 'b'"):
        code.find_mixing(frame, schema)
