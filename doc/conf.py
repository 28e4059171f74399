"""Sphinx configuration."""

import re

import skdpsynth

project = "skdpsynth"
author = "The skdpsynth developers"
copyright = "2026, The skdpsynth developers"
version = release = skdpsynth.__version__

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": skdpsynth.__doc__, "page_width": "1000px"}

default_role = "py:obj"
autosummary_generate = True
autodoc_default_options = {
    "members": True,
    # a pipeline of synthesizers has methods of its own; those it inherits have foreign references
    "inherited-members": "BaseEstimator, Pipeline",
    "special-members": "__call__",
    "exclude-members": "get_metadata_routing, set_output",
}
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Rendered examples live beside the other generated pages, out of version control.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": "/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}


def escape_fitted_sizes(app, what, name, obj, options, lines):
    """Keep the ``n_features_in_`` of a shape from being read as a hyperlink."""
    for i, line in enumerate(lines):
        if " of shape (" in line:
            lines[i] = re.sub(r"(?<=\w)_(?=[,)])", r"\\_", line)


def setup(app):
    """Register the above, ahead of numpydoc."""
    app.connect("autodoc-process-docstring", escape_fitted_sizes, priority=100)
