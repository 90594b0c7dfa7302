"""Exercises that answer on a page without Python: what `check` says, enciphered so that no page shows a truth.

For every answer that `check` has something to say about, its sentence is stored under a salted hash of the answer and
enciphered with a key that only that answer gives. A page finds the sentence by hashing what was typed. Whoever
tries all answers by program finds the right one; a reader who looks at the page's source does not.

The answers of a number are those near the truth, near each usual wrong answer and near each usual slip, with as
many significant digits as the tolerance asks for (three for 0.5%), and the rounded ones from two digits on: the
same that `check` accepts.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from html import escape
from itertools import combinations, permutations
from typing import Any

from ..check import Question, Verdict, find_question, judge, settled, usual_answers

#: What a page says of an answer that it has no sentence for.
UNKNOWN = {
    "formula": "Not a spelling that this page knows. The notebook reads a formula in any spelling.",
}
NOT_YET = "Not yet. Read the hint, or the section above, and try again."
PROMPTS = {
    "number": "A number",
    "count": "A whole number",
    "label": "Its id",
    "choice": "Your choice",
    "choices": "All that apply",
    "formula": "A formula",
    "text": "A word",
}


def form(exercise: str, letters: str = "") -> str:
    """The HTML of an exercise's form; empty for a kind of answer that a page cannot take.

    Parameters
    ----------
    exercise
        The exercise's id, `"03-1"`.
    letters
        The options that the exercise offers, `"abcd"`.
    """
    question = find_question(exercise)
    if question.kind not in PROMPTS:
        return ""
    attributes = {
        "exercise": exercise,
        "kind": question.kind,
        "letters": letters,
        "digits": digits_for(question.tolerance),
        "prompt": PROMPTS[question.kind],
        "otherwise": UNKNOWN.get(question.kind, NOT_YET),
        "sealed": json.dumps(seal(exercise, verdicts(question, letters)), separators=(",", ":")),
    }
    written = " ".join(f'{name}="{escape(str(value))}"' for name, value in attributes.items())
    instead = f"Answer it in the notebook: <code>mk.check(&quot;{exercise}&quot;, answer)</code>."
    return f"<course-check {written}>\n<p>{instead}</p>\n</course-check>"


def verdicts(question: Question, letters: str = "") -> dict[str, Verdict]:
    """What `check` says, by the answer as a page writes it (see course.js): those it says something of its own to."""
    found: dict[str, Verdict] = {}
    question = settled(question)
    for written, answer in _answers(question, letters):
        said = judge(question, answer)
        if said or not _is_general(said):
            found.setdefault(written, said)
    return found


def _is_general(verdict: Verdict) -> bool:
    """Whether a sentence would be said to any wrong answer."""
    return verdict.message.endswith(
        ("Read the hint and try again.", "than rounding explains.", "and try again.")
    )


# ---- the answers that are tried ------------------------------------------------------------------------


def _answers(question: Question, letters: str) -> Iterator[tuple[str, object]]:
    """Each answer as a page writes it and as `check` takes it."""
    if question.kind == "number":
        yield from _numbers(usual_answers(question), question.tolerance)
    elif question.kind in ("count", "label"):
        yield from ((f"{answer:g}", answer) for answer in usual_answers(question))
    elif question.kind == "choice":
        yield from ((letter, letter) for letter in letters)
    elif question.kind == "choices":
        for size in range(len(letters) + 1):
            yield from (("".join(chosen), set(chosen)) for chosen in combinations(letters, size))
    else:
        for text in _flat(usual_answers(question)):
            spelled = _spellings(text) if question.kind == "formula" else [text]
            yield from ((_written(spelling), spelling) for spelling in spelled)


def _numbers(targets: Iterable[float], tolerance: float) -> Iterator[tuple[str, str | float]]:
    most = digits_for(tolerance)
    for target in filter(math.isfinite, targets):
        for digits in range(2, most):
            rounded = (_exponent(number, digits) for number in _near(target, digits, 1))
            yield from ((text, text) for text in rounded)
        steps = math.ceil(tolerance * 10**most) + 1
        unrounded = 1 + 1e-9  # what a page cuts to so many digits was not given as a round number
        yield from ((_exponent(number, most), number * unrounded) for number in _near(target, most, steps))


def digits_for(tolerance: float) -> int:
    """The significant digits that tell answers within the tolerance from others: 3 for 0.005, 5 for 0.0001."""
    return max(3, 1 + math.floor(-math.log10(tolerance)))


def _near(target: float, digits: int, steps: int) -> Iterator[float]:
    """The numbers of so many significant digits around a target."""
    if target == 0:
        yield 0.0
        return
    decimals = digits - 1 - math.floor(math.log10(abs(target)))
    middle = round(target * 10.0**decimals)
    yield from (round((middle + k) * 10.0**-decimals, decimals + 2) for k in range(-steps, steps + 1))


def _exponent(number: float, digits: int) -> str:
    """As JavaScript's toExponential writes it: 2.56e+1."""
    mantissa, _, exponent = f"{number:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def _flat(texts: Iterable) -> Iterator[str]:
    for text in texts:
        yield from ([text] if isinstance(text, str) else text)


def _spellings(formula: str) -> Iterator[str]:
    """A formula with its terms in each order, with and without the understood intercept."""
    response, _, right = formula.partition("~")
    terms = re.findall(r"(?:\([^()]*\)|[^+()])+", right)
    for order in permutations(terms):
        text = f"{response}~{'+'.join(order)}"
        yield text
        yield text.replace("~", "~1+")


def _written(text: str) -> str:
    """A text as a page writes it: lower case, without spaces, quotes and a full stop."""
    return re.sub(r"[\s\"'_]", "", text.casefold()).rstrip(".")


# ---- sealing -------------------------------------------------------------------------------------------


def seal(salt: str, said: dict[str, Verdict]) -> dict[str, Any]:
    """The verdicts as a page carries them: `said`, each enciphered once, and `keys`, by the answer's hash.

    An answer's key is enciphered with the answer, a sentence with its key: many answers share a sentence.
    """
    sentences = list(dict.fromkeys((bool(v), v.message) for v in said.values()))
    keys = [sha256(f"{salt}|{right}|{message}".encode()).digest()[:12] for right, message in sentences]
    stored = [
        _encipher(("✓ Right: " if right else "✗ Not yet: ").encode() + message.encode(), key)
        for (right, message), key in zip(sentences, keys, strict=True)
    ]
    index = {sentence: k for k, sentence in enumerate(sentences)}
    entries = {}
    for answer, it in said.items():
        k = index[bool(it), it.message]
        secret = f"{salt}|{answer}|".encode()
        entries[sha256(secret).hexdigest()[:10]] = [k, _encipher(keys[k], secret)]
    return {"said": stored, "keys": dict(sorted(entries.items()))}


def _encipher(content: bytes, key: bytes) -> str:
    """Content under a stream of hashes of the key; the same again deciphers it."""
    return b64encode(bytes(a ^ b for a, b in zip(content, _stream(key, len(content)), strict=True))).decode()


@cache
def _stream(key: bytes, length: int) -> bytes:
    blocks = (sha256(key + bytes([0, k])).digest() for k in range(length // 32 + 1))
    return b"".join(blocks)[:length]
