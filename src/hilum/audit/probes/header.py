"""What the files' headers tell of the label, without one pixel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.contest import Contest, contest, forest_out_of_fold
from hilum.audit.fact import alone, by_label, column
from hilum.audit.picture import Bar, Bars
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.rules import explained
from hilum.audit.subject import Subject

__all__ = ["PROBE"]

_NAMES = ("format", "mode", "manufacturer", "model", "detector")
_NUMBERS = ("rows", "columns", "bits", "bytes", "spacing_mm", "kvp", "distance_mm")
_SHOWN = 5


def ask(subject: Subject) -> Answer:
    """Predict the label from all facts of the headers together, and from each by itself."""
    facts = _facts(subject)
    if facts.empty:
        return cannot_tell(
            "the headers say the same of every file", "Nothing in them could give the label away."
        )
    together = contest(subject, forest_out_of_fold(subject, _matrix(facts)), "header")
    reading, reason = explained(together)
    singles = {str(name): alone(subject, facts[name], f"header {name}") for name in facts}
    ranked = sorted(
        ((name, single) for name, single in singles.items() if single is not None),
        key=lambda pair: -pair[1].part.value,
    )
    claim, meaning = _words(together, reading)
    shown = ranked[0][0] if ranked else str(facts.columns[0])
    return Answer(
        reading=reading,
        claim=claim,
        meaning=meaning,
        reason=reason,
        measure="AUC from the headers alone",
        figure=together.part,
        details={
            "whole": together.whole.value,
            "explained": together.explained.value,
            "facts": {name: single.part.value for name, single in ranked},
        },
        pictures=(
            _bars(together, dict(ranked[:_SHOWN])),
            by_label(subject, facts[shown], f"Images by {shown.replace('_', ' ')}"),
        ),
    )


def _facts(subject: Subject) -> pd.DataFrame:
    """What the headers state and two files differ in, and what follows from it; a missing fact is one too."""
    facts = pd.DataFrame({name: column(subject, name) for name in (*_NAMES, *_NUMBERS)})
    numbers = facts[list(_NUMBERS)].astype("float64")
    facts = facts.assign(
        **numbers,
        aspect=numbers["columns"] / numbers["rows"],
        pixels=numbers["columns"] * numbers["rows"],
        bytes_per_pixel=numbers["bytes"] / (numbers["columns"] * numbers["rows"]),
    )
    return facts[[name for name in facts if len(facts[name].drop_duplicates()) > 1]]


def _matrix(facts: pd.DataFrame) -> np.ndarray:
    """Numbers as they are, names as their place in the alphabet; NaN where missing."""
    columns = [
        pd.factorize(facts[name], sort=True)[0].astype(np.float64) if name in _NAMES else facts[name]
        for name in facts
    ]
    return np.stack([np.asarray(one, np.float64) for one in columns], axis=1)


def _words(together: Contest, reading: Reading) -> tuple[str, str]:
    part, whole = together.part.value, together.whole.value
    if reading is Reading.SOUND:
        return (
            f"From the files' headers alone the label is told with AUC {part:.3f}, "
            f"from the whole image with {whole:.3f}.",
            "It was not found that size, format or equipment give the label away.",
        )
    if reading is Reading.CANNOT_TELL:
        return "Cannot tell what the files' headers give away.", "The comparison needs more patients."
    return (
        f"The files' headers alone, without one pixel, tell the label with AUC {part:.3f}.",
        "The labels' files were made in different ways, and what an image went through shows in its pixels "
        "too: a network can learn that instead of the disease.",
    )


def _bars(together: Contest, singles: dict[str, Contest]) -> Bars:
    bars = [Bar.of("all of the header", together.part)]
    bars += [Bar.of(name.replace("_", " "), single.part) for name, single in singles.items()]
    bars.append(Bar.of("whole image", together.whole))
    return Bars("The label from the files' headers, without one pixel", "AUC", tuple(bars), reference=0.5)


PROBE = Probe(
    name="header",
    title="Header alone",
    question="Can the label be told from the files' headers, without one pixel?",
    source="DeGrave, Janizek and Lee 2021, doi:10.1038/s42256-021-00338-7",
    ask=ask,
)
