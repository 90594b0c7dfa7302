"""Where questions are found: the course's own, and those that other packages announce."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

from mlmkit.check import Question, check
from mlmkit.check import questions as questions_of
from mlmkit.check.questions import ENTRY_POINTS, _announced, entry_points

EXAM = SimpleNamespace(QUESTIONS=(Question("exam-1", "number", 42.0, right="the answer"),))


def test_a_chapter_without_questions_has_none():
    assert questions_of("98") == ()


@pytest.fixture
def announced(monkeypatch):
    """Another package is installed that offers questions of its own."""
    _announced.cache_clear()
    monkeypatch.setattr(EntryPoint, "load", lambda self: EXAM)
    mine = [EntryPoint("exam", "our_exam.questions", ENTRY_POINTS)]
    known = entry_points
    monkeypatch.setitem(
        questions_of.__globals__,
        "entry_points",
        lambda group: mine if group == ENTRY_POINTS else known(group=group),
    )
    yield
    _announced.cache_clear()


def test_questions_of_another_package_are_asked_like_the_courses_own(announced):
    assert check("exam-1", 42)
    assert [each.id for each in questions_of("exam")] == ["exam-1"]
    assert [each.id for each in questions_of("03")][:2] == ["03-1", "03-2"]


def test_another_packages_questions_are_those_of_their_own_chapter(announced):
    assert questions_of("98") == () and questions_of("ex") == ()
    assert "exam-1" not in {each.id for each in questions_of("03")}
