"""Models of one's own: not in the file, asked for, and compared."""

import functools
import subprocess
import sys
import textwrap

import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.infer.autoguide import AutoDiagonalNormal, AutoNormal

import skdpsynth
from skdpsynth import SavedModelError
from skdpsynth._saving._fingerprint import check_fingerprint, fingerprint

from . import fitted
from .fitted import fit, make_model, saved


def is_same(one, other):
    try:
        check_fingerprint(fingerprint(one)._asdict(), other, "model")
    except SavedModelError:
        return False
    return True


def compiled(text, name="f"):
    """A function that comes from no file."""
    space = {}
    exec(textwrap.dedent(text), space)
    return space[name]


def test_functions_made_alike_are_the_same():
    assert is_same(make_model(), make_model())
    assert is_same(make_model(2.0), make_model(2.0))
    assert is_same(lambda x: x + 1, lambda x: x + 1)
    assert is_same(functools.partial(max, 1), functools.partial(max, 1))


def test_comments_lines_and_documentation_make_no_difference():
    plain = compiled('def f(x, n=3):\n    "Add."\n    return x + n')
    told = compiled('\n\n\ndef f(x, n=3):\n    "What it does."\n    # why\n\n    return (x\n + n)')
    assert is_same(plain, told)
    assert is_same(told, plain)


LAYOUTS = {
    "loop": (
        "def f(x, y):\n    for i in range(x): y = y + i if i > y else y - i\n    return x, y",
        "def f(x, y):\n    for i in range(x):\n        y = (\n            y\n            + i\n"
        "            if i\n            > y\n            else y\n            - i\n        )\n"
        "    return (\n        x,\n        y,\n    )",
    ),
    "jump of many instructions": (
        f"def f(x, y):\n    while x: x = g({', '.join(['x, y'] * 200)})\n    return y",
        f"def f(x, y):\n    while x:\n        x = g({', '.join(['x,  y'] * 200)}".replace(
            ",  ", ",\n            "
        )
        + ")\n    return y",
    ),
    "exception": (
        "def f(x, y):\n    try:\n        return g(x, y)\n    except ValueError:\n        pass\n"
        "    return x",
        "def f(x, y):\n    try:\n        return g(\n            x,\n            y\n        )\n"
        "    except ValueError:\n\n        pass\n    return x",
    ),
    "function": (
        "def f(x, y):\n    a, b = y, x\n    return lambda z: (a + z, z - b)",
        "def f(x, y):\n    a, b = (y,\n  x)\n    return lambda z: (a\n + z,\n z - b)",
    ),
    "class": (
        "def f(x, y):\n    class Sum:\n        z = x + y\n    return Sum",
        "def f(x, y):\n\n    class Sum:\n        z = x + (\n            y\n        )\n"
        "\n    return Sum",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_makes_no_difference(layout):
    short, long = map(compiled, LAYOUTS[layout])
    assert is_same(short, long)
    assert is_same(long, short)


def test_documentation_may_come_and_go():
    bare = compiled("def f(x, n=3):\n    return x + n")
    told = compiled('def f(x, n=3):\n    "Add."\n    return x + n')
    assert is_same(bare, told)
    assert is_same(told, bare)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x, y):\n    return x, y", "def f(x, y):\n    return y, x"),
        (
            "def f(x, y):\n    x, y = y, x\n    return x",
            "def f(x, y):\n    y, x = y, x\n    return x",
        ),
        (
            "def f(x, y):\n    while x:\n        x -= y\n        y += x",
            "def f(x, y):\n    while x:\n        x -= y\n    y += x",
        ),
        ("def f(x):\n    return [x, 1, 2]", "def f(x):\n    return [x, 2, 1]"),
        ("def f(x):\n    return x.a.b", "def f(x):\n    return x.b.a"),
        ("def f(x):\n    class A:\n        n = 1", "def f(x):\n    class A:\n        n = 2"),
    ],
)
def test_small_changes_of_code_are_noticed(one, other):
    assert not is_same(compiled(one), compiled(other))


@pytest.mark.parametrize(
    "other",
    [
        "def f(x, n=3):\n    return x - n",
        "def f(x, n=3):\n    return x + n + 1",
        "def f(x, n=4):\n    return x + n",
        "def f(x, *, n=3):\n    return x + n",
        "def f(y, n=3):\n    return y + n",
        "def f(x, n=3):\n    return sum(x, n)",
        "def f(x, n=3):\n    return (lambda: x + n)()",
    ],
)
def test_other_code_is_noticed(other):
    assert not is_same(compiled("def f(x, n=3):\n    return x + n"), compiled(other))


def test_enclosed_values_are_compared():
    assert not is_same(make_model(1.0), make_model(2.0))

    def enclosing(value):
        return lambda x=None: (x, value)

    values = [0, 1, "0", None, (1,), [1], {"a": 1}, {"a": 2}, np.zeros(2), np.ones(2), np.sum]
    values += [make_model(1.0), make_model(2.0), {1, 2}, {1, 3}]
    for i, one in enumerate(values):
        for j, other in enumerate(values):
            assert is_same(enclosing(one), enclosing(other)) == (i == j), (one, other)


def test_functions_that_enclose_themselves_have_a_fingerprint():
    def make(step):
        def down(n):
            return 0 if n <= 0 else down(n - step)

        return down

    assert is_same(make(1), make(1))
    assert not is_same(make(1), make(2))


class Callable:
    """A model that is an object."""

    def __init__(self, spread):
        self.spread = spread

    def __call__(self, x=None, num_obs_total=None):
        return self.spread

    def method(self, x=None):
        return self.spread


def test_objects_are_compared_by_their_attributes():
    assert is_same(Callable(1.0), Callable(1.0))
    assert not is_same(Callable(1.0), Callable(2.0))
    assert is_same(Callable(1.0).method, Callable(1.0).method)
    assert not is_same(Callable(1.0).method, Callable(2.0).method)
    assert not is_same(Callable(1.0).method, Callable(1.0))


def test_automatic_guides_are_compared_by_class_and_model():
    assert is_same(AutoNormal, AutoNormal)
    assert not is_same(AutoNormal, AutoDiagonalNormal)
    one, other = AutoNormal(make_model()), AutoNormal(make_model())
    assert is_same(one, other)
    # as its use does
    one.prototype_trace = {"mean": object()}
    assert is_same(one, other)
    assert not is_same(one, AutoNormal(make_model(2.0)))
    assert not is_same(one, AutoDiagonalNormal(make_model()))
    assert not is_same(AutoNormal, one)


def test_another_python_compares_the_text():
    stored = fingerprint(make_model())._replace(python="cpython-399", bytecode="other")
    check_fingerprint(stored._asdict(), make_model(), "model")
    with pytest.raises(SavedModelError, match="is not the one that was fitted"):
        check_fingerprint(stored._asdict(), fitted.two_normals, "model")


def test_where_nothing_can_be_compared_there_is_a_warning():
    function = compiled("def f(x=None):\n    return x")
    assert fingerprint(function).source is None
    assert fingerprint(lambda x: x).source is None
    stored = fingerprint(function)._replace(python="cpython-399")
    with pytest.warns(UserWarning, match=r"cannot be told: .*cpython-399"):
        check_fingerprint(stored._asdict(), function, "model")


def test_the_text_of_the_command_line_is_not_that_of_a_function():
    script = (
        "from skdpsynth._saving._fingerprint import fingerprint; space = {}; "
        "exec('def f(x=None):\\n    return x', space); print(fingerprint(space['f']).source)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None"]


def test_a_fingerprint_names_the_function_and_the_interpreter():
    found = fingerprint(fitted.model)
    assert found.name == f"{fitted.__name__}.make_model.<locals>.heights"
    assert found.python == sys.implementation.cache_tag
    assert len(found.bytecode) == len(found.source) == 64


@pytest.fixture
def path(tmp_path):
    (tmp_path / "synth").write_bytes(saved("model"))
    return tmp_path / "synth"


def test_the_model_is_asked_for(path):
    with pytest.raises(SavedModelError, match=r"heights, which files do not hold; pass it: load\("):
        skdpsynth.load(path)


def test_another_model_is_refused(path):
    with pytest.raises(SavedModelError, match=r"the model that was passed, .*<lambda>, is not"):
        skdpsynth.load(path, model=lambda x=None, num_obs_total=None: None)
    with pytest.raises(SavedModelError, match="code, defaults or enclosed variables differ"):
        skdpsynth.load(path, model=make_model(2.0))


def test_a_guide_too_many_is_refused(path, tmp_path):
    with pytest.raises(SavedModelError, match="fitted without a guide"):
        skdpsynth.load(path, model=fitted.model, guide=AutoNormal)
    fit("map").save(tmp_path / "other")
    with pytest.raises(SavedModelError, match="fitted without a model"):
        skdpsynth.load(tmp_path / "other", model=fitted.model)


def test_the_guide_is_asked_for_too(tmp_path):
    fit("guide").save(tmp_path / "synth")
    with pytest.raises(SavedModelError, match=r"with the guide .*two_normals"):
        skdpsynth.load(tmp_path / "synth", model=fitted.model)


def test_what_a_global_name_means_shows_in_the_sites(tmp_path, monkeypatch):
    # the fingerprint does not cover it, but the latent variables are compared
    fit("model").save(tmp_path / "synth")
    monkeypatch.setattr(
        dist, "Normal", lambda loc, scale: _normal(loc, scale).expand([2]).to_event(1)
    )
    with pytest.raises(SavedModelError, match="cannot be loaded"):
        skdpsynth.load(tmp_path / "synth", model=fitted.model)


_normal = dist.Normal


def test_neither_code_nor_text_of_a_function_is_in_the_file():
    content = saved("model")
    code = fitted.model.__code__
    assert code.co_code not in content
    assert b"numpyro.sample" not in content
