"""The documentation site: `make docs` builds it from the pages beside this file.

The pages are plain Markdown that reads well on a code host, and whose blocks the tests execute.
What they need on top to become a site is in ``site/``.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "site"))

project = "algomancy-data"
author = "the algomancy-data developers"
project_copyright = author
release = version = installed_version("algomancy-data")

extensions = [
    "myst_parser",
    "plain_markdown",
    "public_names",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["site"]
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
add_module_names = False
maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
nitpicky = True

html_theme = "furo"
html_title = "algomancy-data"
html_static_path = ["site/static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_copy_source = False
copybutton_prompt_text = "$ "
pygments_style = "xcode"
pygments_dark_style = "github-dark"
