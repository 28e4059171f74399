"""The public names: all there, imported when first used."""

import ast
import subprocess
import sys
from pathlib import Path

import skdpsynth
from skdpsynth._catalogue import METHODS

STUB = Path(skdpsynth.__file__).with_suffix(".pyi")


def test_names_are_those_of_the_stub():
    listed = next(
        ast.literal_eval(node.value)
        for node in ast.parse(STUB.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
    )
    assert listed == sorted(listed)
    assert sorted(skdpsynth.__all__) == listed
    assert all(hasattr(skdpsynth, name) for name in listed)


def imported_by(statements):
    code = f"import sys; {statements}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    return set(run.stdout.split())


def test_import_waits_for_no_dependency():
    modules = imported_by("import skdpsynth, skdpsynth._cli")
    assert "skdpsynth._cli._main" in modules
    assert not modules & {"jax", "numpyro", "sklearn", "scipy", "pandas", "matplotlib"}


def test_making_synthesizers_waits_for_no_compiler():
    made = "; ".join(f"skdpsynth.{method.class_name}()" for method in METHODS.values())
    modules = imported_by(f"import skdpsynth; {made}")
    assert {method.class_path.partition(":")[0] for method in METHODS.values()} <= modules
    assert not modules & {"jax", "numpyro", "d3p", "prv_accountant", "matplotlib"}
