"""The page of everything public holds every name once, each on its shelf."""

from __future__ import annotations

import re
from types import ModuleType

import mlmkit as mk
from mlmkit.course.book import SHARED, _documents
from mlmkit.course.reference import SHELVES, _verbs, reference_page


def test_every_public_name_is_on_the_page_once():
    page = reference_page()
    listed = re.findall(r"^   (\S+)$", page, re.MULTILINE)
    listed = [name for name in listed if not name.startswith(":")]
    functions = [name for name in mk.__all__ if not isinstance(getattr(mk, name), ModuleType)]
    alone = [name for name in listed if "." not in name]
    assert sorted(alone) == sorted(functions)
    assert len(listed) == len(set(listed))
    plots = [f"plots.{name}" for name in mk.plots.__all__ if not name.endswith("_data")]
    assert [name for name in listed if name.startswith("plots.")] == plots
    titles = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert titles[: len(SHELVES)] == list(SHELVES)
    shelf = page.split("## Fitting")[1].split("## ")[0]
    assert "   lmer\n" in shelf and "   glmer\n" in shelf and "   brm\n" not in shelf
    assert {"fits.FlatFit.confint", "fits.MixedFit.new_group", "bayes.posterior.Posterior.loo"} <= set(listed)


def test_the_books_documents_are_those_of_docs_with_what_stands_elsewhere():
    documents = dict(_documents())
    assert set(SHARED) <= set(documents) and all(documents[place] for place in SHARED)
    assert documents["api.md"].decode() == reference_page() and "index.md" in documents
    assert not any("__pycache__" in place for place in documents)


def test_verbs_are_the_public_methods_with_a_docstring():
    class Base:
        def first(self):
            """Does."""

    class Kind(Base):
        @property
        def shown(self):
            """A property, which is described with its class."""

        def silent(self):
            pass

        def _own(self):
            """Private."""

        def second(self):
            """Does, too."""

    assert list(_verbs(Kind)) == ["first", "second"]
