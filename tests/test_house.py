"""The rules of the house that a walk over its source can hold: see doc/contributing.rst."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "skdpsynth"
CONTRIBUTING = (ROOT / "doc" / "contributing.rst").read_text(encoding="utf-8")


@cache
def trees():
    """The syntax tree of every module, by its dotted name below the package."""
    named = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        named[name] = (path, ast.parse(path.read_text(encoding="utf-8")))
    return named


@cache
def imports():
    """Pairs of a module and one that it imports, late imports and those for types included."""
    pairs = set()
    for name, (path, tree) in trees().items():
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = [part for part in package if part][: len(package) - node.level + 1]
                module = ".".join(base + ([node.module] if node.module else []))
                for alias in node.names:
                    inner = f"{module}.{alias.name}".lstrip(".")
                    pairs.add((name, inner if inner in trees() else module))
    return {(first, second) for first, second in pairs if first != second}


def wing(module):
    return module.split(".")[0]


def order_of_wings():
    """The wings as the guide lists them, the lowest first."""
    listed = re.search(r"lowest first[^\n]*\n\n((?:   [^\n]*\n)+)", CONTRIBUTING)
    return re.findall(r"[\w.]+", listed.group(1))


def test_no_import_runs_from_a_lower_wing_to_a_higher_one():
    order = order_of_wings()
    assert sorted(order) == sorted({wing(name) for name in trees()} - {""})
    upwards = [
        (one, other)
        for one, other in imports()
        if wing(one) and wing(other) and order.index(wing(one)) < order.index(wing(other))
    ]
    assert sorted(upwards) == []


def test_no_module_imports_itself_by_way_of_others():
    left = {name: {other for one, other in imports() if one == name} for name in trees()}
    # what imports nothing that is left goes, until only circles are left
    while free := [name for name, others in left.items() if not others & set(left)]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def test_imports_within_the_package_are_relative():
    absolute = [
        (name, node.module)
        for name, (_, tree) in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and not node.level
        and (node.module or "").split(".")[0] == "skdpsynth"
    ]
    assert absolute == []


def test_wings_import_from_others_only_what_their_init_names():
    deep = [
        (one, other)
        for one, other in imports()
        if wing(one) != wing(other) and "." in other and other in trees()
    ]
    assert sorted(deep) == []


# The door to noise

# they make the desk of a fit, or of a purchase
DESK_MAKERS = {"_base", "schema._table_schema"}
MECHANISMS = {
    "exponential_mechanism",
    "gaussian_release",
    "stable_histogram_release",
}


def outside_privacy():
    return {name: tree for name, (_, tree) in trees().items() if wing(name) != "privacy"}


def identifiers(tree):
    """Names, attributes and imported names, with the lines they are on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id, node
        elif isinstance(node, ast.Attribute):
            yield node.attr, node
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2], node


@pytest.mark.parametrize("name", ["NoiseSource", *sorted(MECHANISMS)])
def test_noise_is_bought_at_the_desk_only(name):
    users = {
        module
        for module, tree in outside_privacy().items()
        if any(name == used for used, _ in identifiers(tree))
    }
    assert users <= (DESK_MAKERS if name == "NoiseSource" else set())


def test_no_function_outside_privacy_is_given_a_ledger_and_a_source_of_noise():
    both = [
        (module, node.name)
        for module, tree in outside_privacy().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and {"ledger", "noise"} <= {argument.arg for argument in _arguments(node)}
    ]
    assert both == []


def _arguments(function):
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def test_nobody_reaches_behind_the_desk():
    """Charges without noise, and noise without charges, are written nowhere else."""
    behind = [
        (module, node.lineno)
        for module, tree in outside_privacy().items()
        for name, node in identifiers(tree)
        if (name in {"charge", "_noise", "_bits"} and isinstance(node, ast.Attribute))
        or (name == "_ledger" and isinstance(node, ast.Attribute) and not _is_self(node))
    ]
    assert behind == []


def _is_self(node):
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "derived", "schema"}


# where release code makes randomness of its own, and why no row meets it there
OWN_RANDOMNESS = {
    "clustmix._adapt._ntk": "public random features",
    "clustmix._published._constrained_mixture": "without privacy",
    "clustmix._published._madl2022": "the published mechanism, which is not private",
    "mixture._d3p._engine": "d3p's noise, charged at the desk; draws from the fitted guide",
    "mixture._dpvi._noisy_gradients": "draws of the guide, with a seed from the desk",
    "mixture._own_model._check_likelihood": "made-up records",
    "mixture._own_model._check_model": "made-up records",
    "mixture._own_model._fitted": "draws from the fitted guide",
    "mixture._own_model._unconstrained": "draws from the prior",
    "napsu._nuts": "chains of a posterior given released marginals",
}
RELEASING = {
    "_histograms",
    "_markov_network",
    "_product_mixture",
    "clustmix",
    "mixture",
    "napsu",
    "schema",
}


def test_release_code_has_no_randomness_of_its_own():
    """Noise that is added by hand is charged to nobody."""
    makers = re.compile(r"\b(default_rng|RandomState|check_random_state|PRNGKey|random\.key)$")
    users = {
        module
        for module, (_, tree) in trees().items()
        if wing(module) in RELEASING
        for _, node in identifiers(tree)
        if not isinstance(node, ast.alias) and makers.search(ast.unparse(node))
    }
    assert users == set(OWN_RANDOMNESS)
