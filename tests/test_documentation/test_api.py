"""Every public name is on the page of the interface, and every name there is public."""

import importlib
import re
from inspect import ismodule

import skdpsynth

from .pages import DOC

TEXT = (DOC / "api.rst").read_text(encoding="utf-8")
# what supports other packages of this one: see the docstrings
INTERNAL = {
    "skdpsynth.pii": {"warn_of_pii"},
}


def listed_names():
    """Give the names on the page, in full."""
    module = ""
    for line in TEXT.splitlines():
        found = re.match(r"\.\. currentmodule:: (\S+)", line)
        module = found[1] if found else module
        if re.fullmatch(r"   \w+", line):
            yield f"{module}.{line.strip()}"


def public_objects(module):
    """Give the public objects of a module by their full names, without its modules."""
    for name in module.__all__:
        found = getattr(module, name)
        if not ismodule(found) and name not in INTERNAL.get(module.__name__, ()):
            yield f"{module.__name__}.{name}", found


def test_every_public_name_is_listed():
    modules = [importlib.import_module(f"skdpsynth.{name}") for name in subpackages()]
    listed = {id(resolve(name)) for name in listed_names()}
    absent = [
        name
        for module in [skdpsynth, *modules]
        for name, found in public_objects(module)
        if id(found) not in listed
    ]
    assert absent == []


def subpackages():
    return [name for name in skdpsynth.__all__ if ismodule(getattr(skdpsynth, name))]


def resolve(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def test_listed_names_exist_once():
    names = list(listed_names())
    assert len(names) > 50
    assert len({id(resolve(name)) for name in names}) == len(names)
