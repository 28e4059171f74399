"""Sphinx configuration."""

import re
import sys
from pathlib import Path

import skdpsynth

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "skdpsynth"
author = "The skdpsynth developers"
copyright = "2026, The skdpsynth developers"
version = release = skdpsynth.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "stored_results",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

html_static_path = ["_static"]
html_css_files = ["style.css"]
html_title = "skdpsynth"
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "logo": {"text": "skdpsynth"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "contributing": [], "whats_new/*": []}

default_role = "py:obj"
toc_object_entries_show_parents = "hide"
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

plot_basedir = str(Path(__file__).parent / "figures")
plot_formats = [("png", 110)]
plot_html_show_formats = False
plot_html_show_source_link = False

# Rendered examples live beside the other generated pages, out of version control.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": "/plot_",
    "within_subsection_order": "gallery_order.TeachingOrder",
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
