"""Exercises that answer on a page: what they say is what `check` says, and no page shows a truth."""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode
from hashlib import sha256

import pytest

from mlmkit.answers.chapter03 import QUESTIONS
from mlmkit.check import Question, Verdict, Wrong, check, find_question, usual_answers
from mlmkit.course.quiz import _encipher, _numbers, _spellings, digits_for, form, seal, verdicts


def opened(sealed: dict, salt: str, answer: str) -> str | None:
    """What a page finds for an answer: the reading that course.js does, in Python."""
    secret = f"{salt}|{answer}|".encode()
    found = sealed["keys"].get(sha256(secret).hexdigest()[:10])
    if found is None:
        return None
    key = b64decode(_encipher(b64decode(found[1]), secret))
    return b64decode(_encipher(b64decode(sealed["said"][found[0]]), key)).decode()


def test_a_sealed_sentence_opens_with_its_answer_only():
    said = {"b": Verdict(True, "the SD across people, " * 5), "a": Verdict(False, "that is the error.")}
    sealed = seal("03-1", said)
    assert opened(sealed, "03-1", "b") == "✓ Right: " + "the SD across people, " * 5
    assert opened(sealed, "03-1", "a") == "✗ Not yet: that is the error."
    assert opened(sealed, "03-1", "c") is None and opened(sealed, "03-2", "b") is None
    assert seal("03-1", said) == sealed
    assert "SD" not in json.dumps(sealed) and "error" not in json.dumps(sealed)


@pytest.mark.parametrize(
    ("truth", "tolerance", "right", "not_right"),
    [
        (10.467, 0.005, ["1.05e+1", "1.0e+1"], ["1.06e+1", "1.1e+1"]),
        (-0.0421, 0.005, ["-4.21e-2", "-4.2e-2"], ["4.21e-2", "-4.3e-2"]),
        (1743.628, 1e-4, ["1.7436e+3", "1.7437e+3"], ["1.743e+3", "1.7440e+3"]),
        (18, 0.005, ["1.8e+1"], ["1.9e+1"]),
    ],
)
def test_a_page_takes_the_numbers_that_check_takes(truth, tolerance, right, not_right):
    said = verdicts(Question("99-1", "number", truth, "so it is.", tolerance=tolerance))
    assert all(said[answer].right for answer in right)
    assert not any(answer in said and said[answer].right for answer in not_right)


def test_slips_are_told_as_check_tells_them():
    wrong = (Wrong(lambda: 25.6, "that is σ."),)
    said = verdicts(Question("99-1", "number", 5.9, "so.", wrong, slips=("sign", "square")))
    assert said["2.56e+1"].message == "that is σ."
    assert "sign is not" in said["-5.90e+0"].message and "square" in said["3.48e+1"].message


def test_digits_follow_from_the_tolerance():
    assert [digits_for(tolerance) for tolerance in (0.05, 0.005, 0.001, 1e-4)] == [3, 3, 4, 5]


def test_whole_numbers_and_ids_are_exact():
    said = verdicts(Question("99-1", "count", 312.0, "yes.", wrong=(Wrong(9, "no: 9."),)))
    assert said["312"].right and said["9"].message == "no: 9." and len(said) == 2
    assert verdicts(Question("99-1", "label", 308.0, "who."))["308"].right


def test_letters_are_tried_one_by_one_and_sets_all():
    one = verdicts(Question("99-1", "choice", "b", "yes.", wrong=(Wrong("a", "no: a."),)), "abc")
    assert one["b"].right and one["a"].message == "no: a." and "c" not in one
    many = verdicts(Question("99-1", "choices", {"a", "c"}, "yes."), "abcd")
    assert [answer for answer, verdict in many.items() if verdict] == ["ac"] and len(many) == 16


def test_a_formula_is_known_in_its_usual_spellings():
    said = verdicts(
        Question("99-1", "formula", "y ~ x + (x|g)", "yes.", wrong=(Wrong("y ~ x + (1|g)", "no slope."),))
    )
    for spelling in ("y~x+(x|g)", "y~(x|g)+x", "y~1+x+(x|g)"):
        assert said[spelling].right
    assert said["y~(1|g)+x"].message == "no slope."


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_every_exercise_of_a_chapter_has_a_form_without_its_answer(question):
    letters = "abcdef" if question.kind.startswith("choice") else ""
    html = form(question.id, letters)
    assert html.startswith(f'<course-check exercise="{question.id}" kind="{question.kind}"')
    assert question.right not in html
    truth = usual_answers(question)[0]
    if question.kind == "number":
        assert f"{truth:.3g}" not in re.sub(r'sealed="[^"]*"', "", html)
    assert any(verdicts(find_question(question.id), letters).values()) and check(question.id, truth)


@pytest.mark.parametrize("terms", [["x"], ["x", "z", "(1|g)"], ["a", "b", "c", "d", "e", "(1|g)"]])
def test_a_formula_is_spelled_with_all_its_terms_in_each_order(terms):
    spelled = list(_spellings("y~" + "+".join(terms)))
    assert len(set(spelled)) == len(spelled) == 2 * math.factorial(len(terms))
    for text in spelled:
        assert sorted(text.removeprefix("y~").removeprefix("1+").split("+")) == sorted(terms)


@pytest.mark.parametrize("tolerance", [0.05, 0.005, 0.001])
@pytest.mark.parametrize("truth", [1.0, 5.9, 9.99])
def test_a_page_knows_the_numbers_within_the_tolerance_and_the_next_on_either_side(truth, tolerance):
    digits = digits_for(tolerance)
    known = [number for text, number in _numbers([truth], tolerance) if text != number]
    unit = 10.0 ** (1 - digits)
    steps = math.ceil(tolerance * 10**digits) + 1
    assert len(known) == 2 * steps + 1
    assert max(known) - truth == pytest.approx(steps * unit, abs=0.51 * unit)
    assert truth - min(known) == pytest.approx(steps * unit, abs=0.51 * unit)


def test_what_is_enciphered_is_what_a_page_deciphers():
    """course.js joins SHA-256 of the key, a zero and the block's number."""
    key = b"a key"
    stream = sha256(key + b"\0\0").digest() + sha256(key + b"\0\1").digest()
    assert b64decode(_encipher(bytes(40), key)) == stream[:40]
