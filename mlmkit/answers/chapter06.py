"""Chapter 6's questions: nested and crossed."""

from __future__ import annotations

import warnings
from functools import cache

from ..check import Question, Wrong
from ..check.slips import A_SHARE, AN_SD
from ..datasets import load_data
from ..errors import FitWarning
from ..models import lmer
from ..planning import simulate


@cache
def _classes():
    return lmer("mathscore ~ ses + (1|schoolid/classid2)", load_data("classroom"))


@cache
def _words():
    return lmer("rt ~ 1 + (1|participant) + (1|spelling)", load_data("blp"))


@cache
def _countries():
    return lmer("alcohol ~ 1 + (1|country) + (1|year)", load_data("alcohol"))


@cache
def _slopes_of_classes() -> tuple[float, ...]:
    """SDs of the classes' slopes, estimated from ten studies made with one of 4."""
    classroom = load_data("classroom")
    model, sd = "mathscore ~ ses + (ses||classid) + (1|schoolid)", {"classid": [8, 4], "schoolid": [15]}
    made = simulate(model, classroom, fixef=[523, 11], sd=sd, sigma=33, n=10, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fits = [lmer(model, classroom.assign(mathscore=made[name])) for name in made]
    return tuple(fit.varcorr.sdcor[1] for fit in fits)


def _at_zero() -> float:
    return float(sum(sd < 0.01 for sd in _slopes_of_classes()))


def _of_countries(group: str, column: str = "sdcor") -> float:
    return _countries().varcorr.set_index("group")[column][group]


def _share(fit, *groups: str, column: str = "vcov", without: tuple[str, ...] = ()) -> float:
    """The share of the total that belongs to these groups, in variances (or, wrongly, in SDs; or of a part)."""
    parts = fit.varcorr.set_index("group")[column].drop(list(without))
    return parts[list(groups)].sum() / parts.sum()


SD_SLIP = "You used SDs; shares are of variances."

QUESTIONS = (
    Question(
        "06-1",
        "choices",
        {"a", "c", "e"},
        right="each lower unit belongs to one upper unit.",
        wrong=(
            Wrong({"a", "b", "c", "e"}, "(b) is fully crossed: every rater meets every essay."),
            Wrong({"a", "c", "d", "e"}, "(d): a patient who sees two doctors belongs to neither alone."),
            Wrong({"a", "c"}, "(e): each trial is one participant's, so trials are nested in participants."),
            Wrong({"b", "d"}, "Those two are the ones that are not nested: you picked the opposite."),
        ),
    ),
    Question(
        "06-2",
        "count",
        lambda: float(_classes().ngroups["schoolid:classid2"]),
        right="as many as there are different classid.",
        wrong=(
            Wrong(9.0, "That is the number of different values of classid2 alone."),
            Wrong(lambda: float(_classes().ngroups["schoolid"]), "That is the number of schools."),
            Wrong(1190.0, "That is the number of children, one row each."),
            Wrong(9.0 * 107, "That is every possible pair; most of them do not occur."),
        ),
    ),
    Question(
        "06-3",
        "number",
        lambda: _share(_classes(), "classid2:schoolid", "schoolid"),
        slips=A_SHARE,
        right="they share their school's deviation and their class's.",
        wrong=(
            Wrong(lambda: _share(_classes(), "schoolid"), "That is for one school but different classes."),
            Wrong(lambda: _share(_classes(), "classid2:schoolid"), "They share the school's deviation, too."),
            Wrong(lambda: _share(_classes(), "classid2:schoolid", "schoolid", column="sdcor"), SD_SLIP),
        ),
    ),
    Question(
        "06-4",
        "formula",
        "rt ~ nletters + (nletters|participant) + (1|spelling)",
        columns=lambda: tuple(load_data("blp")),
        right="a slope for each person, a level for each word.",
        wrong=(
            Wrong(
                "rt ~ nletters + (nletters|participant) + (nletters|spelling)",
                "A word has one length: its slope cannot vary across words.",
            ),
            Wrong(
                "rt ~ nletters + (1|participant) + (1|spelling)",
                "There people differ in level only, not in how much longer they take.",
            ),
            Wrong(
                "rt ~ nletters + (1|participant) + (nletters|spelling)",
                "The slope varies across the wrong group: a word has one length, a person meets many.",
            ),
            Wrong(
                "rt ~ nletters + (nletters||participant) + (1|spelling)",
                "Nearly: two bars claim that level and slope are uncorrelated at a length of 0 letters; use one.",
            ),
            Wrong(
                "rt ~ nletters + (0 + nletters|participant) + (1|spelling)",
                "There all people have the same level at a length of 0; the 0 takes their intercepts away.",
            ),
            Wrong(
                "rt ~ (nletters|participant) + (1|spelling)",
                "Longer words take longer on average, too: nletters belongs to the fixed part as well.",
            ),
            Wrong(
                "rt ~ nletters + (nletters|participant)",
                "Words differ in level beyond their length: (1|spelling) is missing.",
            ),
        ),
    ),
    Question(
        "06-5",
        "text",
        lambda: _words().ranef["spelling"]["Intercept"].idxmin(),
        right="the fastest word, people's differences taken into account.",
        wrong=(
            Wrong(lambda: _words().ranef["spelling"]["Intercept"].idxmax(), "That is the slowest word."),
            Wrong(
                lambda: load_data("blp").set_index("spelling").rt.idxmin(),
                "That word has the single fastest response, of one person; ξ tells of the word, over people.",
            ),
        ),
    ),
    Question(
        "06-6",
        "number",
        lambda: _share(_words(), "participant"),
        slips=A_SHARE,
        right="about a fifth.",
        wrong=(
            Wrong(lambda: _share(_words(), "spelling"), "That is the words' share."),
            Wrong(lambda: _share(_words(), "Residual"), "That is what is neither people's nor words'."),
            Wrong(lambda: _share(_words(), "participant", column="sdcor"), SD_SLIP),
            Wrong(
                lambda: _share(_words(), "participant", without=("spelling",)),
                "The words' variance is missing from the sum.",
            ),
            Wrong(
                lambda: _share(_words(), "participant", column="sdcor", without=("spelling",)),
                "The words are missing from the sum; besides, shares are of variances, not of SDs.",
            ),
            Wrong(
                lambda: _share(_words(), "participant", without=("Residual",)),
                "The residual variance belongs to the total, too.",
            ),
            Wrong(
                lambda: _share(_words(), "participant", "spelling"),
                "That is the share of people and words together.",
            ),
        ),
    ),
    Question(
        "06-7",
        "number",
        lambda: _of_countries("year"),
        slips=AN_SD,
        right="years and countries cross, and years differ far less.",
        wrong=(
            Wrong(lambda: _of_countries("country"), "That is the SD across countries."),
            Wrong(lambda: _of_countries("Residual"), "That is the residual SD σ."),
            Wrong(lambda: _of_countries("year", "vcov"), "That is the variance: take its root."),
        ),
    ),
    Question(
        "06-8",
        "count",
        _at_zero,
        right="in most of the studies the data show nothing of slopes that do differ, by an SD of 4.",
        wrong=(
            Wrong(lambda: 10 - _at_zero(), "That is how many are above 0."),
            Wrong(0.0, "The truth is 4, but an estimate may be 0: look at each of the ten."),
            Wrong(10.0, "Some of the ten estimates are well above 0."),
        ),
    ),
    Question(
        "06-9",
        "choices",
        {"b", "c", "e"},
        right="an estimate with its interval, an effect with its error, and a reason for the scale.",
        wrong=(
            Wrong({"a", "b", "c", "e"}, "(a): an estimate of 0 is no proof; up to 11.4 is not excluded."),
            Wrong({"b", "c", "d", "e"}, "(d): words are a sample, too, whichever SD is the larger."),
            Wrong({"b", "c"}, "Both may stand. And why was the logarithm taken?"),
            Wrong({"a", "d"}, "Those are the two that may not stand: you picked the opposite."),
        ),
    ),
)
