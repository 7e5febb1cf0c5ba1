"""What the table tells of the label without any image: the source, and view, age, sex and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.contest import Contest
from hilum.audit.fact import alone, by_label, column
from hilum.audit.picture import Bar, Bars
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.rules import confounded, explained
from hilum.audit.subject import Subject

__all__ = ["PROBE"]

_DECIDING = ("view", "projection", "age", "sex")
_TOLD = ("location", "modality")
"""Told and not read: in a collection of case reports most places have one patient, and so one label."""


def ask(subject: Subject) -> Answer:
    """Predict the label from each fact of the table by itself."""
    names = column(subject, "source").unique()
    source = alone(subject, column(subject, "source"), "source")
    if source is None:
        return cannot_tell("a label has too few images to be predicted from anything")
    facts = _facts(subject)
    deciding = {name: fact for name, fact in facts.items() if name in _DECIDING}
    decisive, (reading, reason) = confounded(source, deciding)
    contest = ({"source": source} | facts)[decisive]
    claim, meaning = _words(decisive, contest, reading, tuple(names))
    if reading is Reading.SOUND:
        meaning += _besides(facts)
    return Answer(
        reading=reading,
        claim=claim,
        meaning=meaning,
        reason=reason,
        measure=f"AUC from the {decisive} alone",
        figure=contest.part,
        details={"sources": len(names), "facts": _details({"source": source} | facts)},
        pictures=(_bars({"source": source} | facts), by_label(subject, column(subject, "source"), "Sources")),
    )


def _facts(subject: Subject) -> dict[str, Contest]:
    """The facts that vary, and are known for images of every label."""
    varied = {
        name: values for name in (*_DECIDING, *_TOLD) if (values := column(subject, name)).nunique() > 1
    }
    contests = {name: alone(subject, values, f"source {name}") for name, values in varied.items()}
    return {name: contest for name, contest in contests.items() if contest is not None}


def _words(decisive: str, contest: Contest, reading: Reading, names: tuple[str, ...]) -> tuple[str, str]:
    part, whole = contest.part.value, contest.whole.value
    if reading is Reading.CANNOT_TELL:
        return "Cannot tell what the source gives away.", "Too little is known to compare with."
    if decisive != "source":
        return (
            f"The {decisive} alone, without any image, tells the label with AUC {part:.3f}.",
            f"The classifier may read the {decisive} instead of the disease; these data would not show it.",
        )
    if len(names) == 1:
        return (
            f"All images come from one source, {names[0]}, so the source cannot give the label away.",
            "A collection may itself hold many hospitals, which this table does not tell apart.",
        )
    if reading is Reading.SOUND:
        return (
            f"The source alone tells the label with AUC {part:.3f}, the whole image with {whole:.3f}.",
            "It was not found that the source gives the label away.",
        )
    return (
        f"The source alone, without any image, tells the label with AUC {part:.3f}.",
        "Whatever tells the sources apart, such as camera, file format or the patients' age, tells the "
        "labels apart too, lungs or not.",
    )


def _besides(facts: Mapping[str, Contest]) -> str:
    """Tell of a fact that was not read, where it says much of the label."""
    for name in _TOLD:
        if name in facts and explained(facts[name])[0].gravity > Reading.SOUND.gravity:
            part, whole = facts[name].part.value, facts[name].whole.value
            return (
                f" The {name} alone tells the label with AUC {part:.3f}, the whole image with {whole:.3f} on"
                " the same rows: look at what each place brings."
            )
    return ""


def _details(contests: Mapping[str, Contest]) -> dict[str, Any]:
    return {
        name: {
            "auc": contest.part.value,
            "low": contest.part.low,
            "high": contest.part.high,
            "n": contest.part.n,
            "whole": contest.whole.value,
            "explained": contest.explained.value,
        }
        for name, contest in contests.items()
    }


def _bars(contests: Mapping[str, Contest]) -> Bars:
    bars = tuple(Bar.of(name, contest.part) for name, contest in contests.items())
    whole = Bar.of("whole image", contests["source"].whole)
    return Bars("The label from one fact, without any image", "AUC", (*bars, whole), reference=0.5)


PROBE = Probe(
    name="source",
    title="Source alone",
    question="Can the label be told from where an image comes from, without looking at it?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask,
)
