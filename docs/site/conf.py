"""How Sphinx makes the site of what `gather` has put into its source folder."""

from __future__ import annotations

from nbmlops.core.version import __version__

project = "nbmlops"
author = "the nbmlops developers"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"nbmlops {version}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}

# What is shown was executed beforehand, by nbmlops' own engine; the still view of a widget needs no network.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "text/html", 0),
    ("html", "image/svg+xml", 10),
    ("html", "image/png", 20),
    ("html", "text/markdown", 30),
    ("html", "text/plain", 40),
]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

# Names of types in signatures as short as people write them.
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
napoleon_google_docstring = False
napoleon_use_rtype = False
# `name` in a docstring is a piece of code.
default_role = "code"
suppress_warnings = ["mystnb.unknown_mime_type"]
