"""The web book's configuration. `make site` calls it on a folder that mlmkit.course.book put together."""

from importlib.metadata import metadata

PROJECT = metadata("mlmkit")

project = "Multilevel models"
author = "the mlmkit authors"
copyright = f"{author}; text CC BY 4.0, code BSD-3-Clause"
version = release = PROJECT["Version"]

extensions = [
    "myst_nb",
    "sphinx_copybutton",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
exclude_patterns = ["_static/**", "_templates/**", "CHANGELOG.md"]  # the last is included by changelog.md
suppress_warnings = ["misc.highlighting_failure"]

# Chapters are stored with their outputs: nothing is run.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "attrs_inline", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Formulas: MathJax in the folder, one file, no fonts to fetch. Sphinx's own default asks another host.
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}, "svg": {"fontCache": "global"}}

autosummary_generate = True
default_role = "literal"
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = ["predict.js", "course.js", "course-film.js"]
html_show_sourcelink = html_copy_source = False
templates_path = ["_templates"]
copybutton_exclude = ".linenos, .gp, .go"
