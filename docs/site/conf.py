"""How ``make docs`` builds the documentation site; the pages are those of the checkout.

Its source is the whole checkout, so that a link that leads somewhere there does so here, too.
"""

from __future__ import annotations

from emu import __version__

project = "emu"
author = "the emu maintainers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
myst_fence_as_directive = ["mermaid"]
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "experiments/*/README.md",
    "results/reference/**.md",
]
root_doc = "docs/index"
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"

suppress_warnings = ["toc.not_included"]  # a page that the index does not have yet

html_theme = "furo"
html_title = f"emu {__version__}"
