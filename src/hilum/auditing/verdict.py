"""The verdict: the conclusion from all probes, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hilum.auditing.comparison import CHANCE
from hilum.auditing.probe import Answer, Probe, Rating
from hilum.metrics import Estimate

__all__ = ["Verdict", "conclude"]

_CITED = 3

_OPENINGS = {
    Rating.SOUND: "No shortcut was found by these probes, which does not prove that there is none.",
    Rating.DOUBTFUL: "There is evidence against this result.",
    Rating.BROKEN: "This result does not measure what it claims to measure.",
}


@dataclass(frozen=True)
class Verdict:
    """The audit's conclusion.

    Parameters
    ----------
    rating : Rating
        ``sound``, ``doubtful`` or ``broken``.
    sentence : str
    decisive : tuple of str
        Names of the probes that it rests on, at most three.
    """

    rating: Rating
    sentence: str
    decisive: tuple[str, ...]


def conclude(answers: Mapping[str, Answer], probes: Mapping[str, Probe], result: Estimate) -> Verdict:
    """Draw the conclusion: as severe as the most severe answer.

    A result that is not shown to be better than chance, and one for which every core probe is inconclusive,
    is doubtful too.

    Parameters
    ----------
    answers : mapping of str to Answer
        By the probe's name.
    probes : mapping of str to Probe
        The same names.
    result : Estimate
        The classifier's AUC on its test images.
    """
    severity = max((answer.rating.severity for answer in answers.values()), default=0)
    rating = next((one for one in _OPENINGS if one.severity == severity), Rating.SOUND)
    names = [name for name, answer in answers.items() if answer.rating is rating]
    cited = tuple(sorted(names, key=lambda name: probes[name].priority))
    if rating is not Rating.SOUND:
        claims = " ".join(answers[name].claim for name in cited[:2])
        return Verdict(rating, f"{_OPENINGS[rating]} {claims}", cited[:_CITED])
    if not result.low > CHANCE:
        return Verdict(
            Rating.DOUBTFUL,
            "The classifier is not shown to perform better than chance on its test images.",
            (),
        )
    core = tuple(name for name in cited if probes[name].core)
    if not core:
        return Verdict(
            Rating.DOUBTFUL, "The data are too few, or too uniform, to test what the result depends on.", ()
        )
    external = answers.get("external")
    untested = external is not None and external.rating is Rating.CANNOT_TELL
    limits = " Transfer to another hospital was not tested." if untested else ""
    return Verdict(Rating.SOUND, f"{_OPENINGS[Rating.SOUND]}{limits}", core[:_CITED])
