"""Multilevel models: a course kit. One specification, every view.

    import mlmkit as mk
    sleep = mk.load_data("sleepstudy")
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep)
    print(fit.summary())

The public face is what `__init__.pyi` lists, for readers, editors and type checkers; each name is imported when it
is first asked for, so that a script that only fits starts quickly.
"""

import sys

import lazy_loader

from .check import check as check  # at once: its module has the same name

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"

if "IPython" in sys.modules:  # in a notebook, pictures bring their words and warnings are calm
    from . import notebook as _notebook
    from .views import display as _display

    _display.install()
    _notebook.install()
