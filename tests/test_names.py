"""The public names: all there, imported when first used."""

import ast
import subprocess
import sys
from pathlib import Path

import skdpsynth

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


def test_import_waits_for_no_dependency():
    code = "import sys, skdpsynth, skdpsynth._cli; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    modules = set(run.stdout.split())
    assert "skdpsynth._cli._main" in modules
    assert not modules & {"jax", "numpyro", "sklearn", "scipy", "pandas", "matplotlib"}
