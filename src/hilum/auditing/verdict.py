"""What all answers come to, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hilum.auditing.comparison import CHANCE
from hilum.auditing.probe import Answer, Rating
from hilum.metrics import Estimate

__all__ = ["DECISIVE", "Verdict", "conclude"]


DECISIVE = (
    "middle",
    "swap",
    "external",
    "header",
    "source",
    "patients",
    "left_out",
    "permuted",
    "frame",
    "splits",
    "thumbnail",
    "histogram",
    "subgroups",
    "labels",
    "calibration",
)
"""Of equally grave answers the first is told first: what shows most plainly what the classifier reads."""

_CORE = ("middle", "frame", "header", "source", "swap")
"""Without any of these nothing was tested that a sound result rests on."""
_TOLD = 3

_LEADS = {
    Rating.SOUND: "No shortcut was found by these probes; that is not proof that there is none.",
    Rating.DOUBTFUL: "Something speaks against this result.",
    Rating.BROKEN: "This result does not mean what it seems to mean.",
}


@dataclass(frozen=True)
class Verdict:
    """The audit's conclusion.

    Parameters
    ----------
    rating : Rating
        ``sound``, ``doubtful`` or ``broken``.
    sentence : str
        One line in plain words.
    decisive : tuple of str
        The probes that it rests on, the plainest first, three at most.
    """

    rating: Rating
    sentence: str
    decisive: tuple[str, ...]


def conclude(answers: Mapping[str, Answer], result: Estimate) -> Verdict:
    """Draw the conclusion: as grave as the worst answer.

    Doubtful is also a result that is no better than chance, and one of which no core probe could tell.

    Parameters
    ----------
    answers : mapping of str to Answer
        By the probe's name.
    result : Estimate
        The run's own AUC on its test images.
    """
    severity = max((answer.rating.severity for answer in answers.values()), default=0)
    rating = next((one for one in _LEADS if one.severity == severity), Rating.SOUND)
    told = _told(answers, rating)
    if rating is Rating.SOUND:
        return _sound(answers, result)
    claims = " ".join(answers[name].claim for name in told[:2])
    return Verdict(rating, f"{_LEADS[rating]} {claims}", told)


def _sound(answers: Mapping[str, Answer], result: Estimate) -> Verdict:
    if not result.low > CHANCE:
        return Verdict(
            Rating.DOUBTFUL, "The classifier is not shown to do better than guessing on its test images.", ()
        )
    told = tuple(name for name in _CORE if name in answers and answers[name].rating is Rating.SOUND)
    if not told:
        return Verdict(
            Rating.DOUBTFUL, "The data are too few, or too uniform, to tell what the result rests on.", ()
        )
    open_ = answers.get("external")
    untried = (
        "" if open_ is None or open_.rating is not Rating.CANNOT_TELL else " No other hospital was tried."
    )
    return Verdict(Rating.SOUND, f"{_LEADS[Rating.SOUND]}{untried}", told[:_TOLD])


def _told(answers: Mapping[str, Answer], rating: Rating) -> tuple[str, ...]:
    ranks = {name: place for place, name in enumerate(DECISIVE)}
    grave = [name for name, answer in answers.items() if answer.rating is rating]
    return tuple(sorted(grave, key=lambda name: ranks.get(name, len(ranks))))[:_TOLD]
