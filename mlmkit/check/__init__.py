"""Self-check of the exercises: `check("03-2", answer)` says right, or wrong and why.

The questions stand in `mlmkit/answers`, one file per chapter, and in whatever other packages announce themselves
under the entry point group "mlmkit.answers". Their truths are computed from fits when they are asked for, so they
cannot drift from what the package does, and no notebook has to carry an answer.

questions.py   what a question is, and where questions are found
reading.py     an answer as a person writes it, read as what was meant
slips.py       what is usually done wrong to a right number
judging.py     right, or wrong and why
"""

from .judging import Verdict, check, judge, settled, usual_answers
from .questions import Question, Wrong, find_question, questions

__all__ = [
    "Question",
    "Verdict",
    "Wrong",
    "check",
    "find_question",
    "judge",
    "questions",
    "settled",
    "usual_answers",
]
