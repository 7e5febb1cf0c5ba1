"""What the probes that take something from the images share: how they say what the rest tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.audit.alteration import ALTERATIONS
from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.contest import CHANCE, Contest, contest
from hilum.audit.picture import Bar, Bars, Example, Examples
from hilum.audit.reading import Reading
from hilum.audit.rules import Ruling
from hilum.audit.subject import Subject

__all__ = ["Words", "altered", "answer", "examples"]

_EXAMPLES = 3  # of each class


@dataclass(frozen=True)
class Words:
    """What a probe says of its remainder.

    Parameters
    ----------
    part : str
        What is left, for tables: ``"frame alone"``.
    claim : str
        A sentence with ``{part}`` and ``{whole}`` where the AUCs stand.
    telling, silent : str
        What it means where the remainder tells the label, and where it does not.
    """

    part: str
    claim: str
    telling: str
    silent: str

    def meaning(self, reading: Reading) -> str:
        """What follows from a reading."""
        if reading is Reading.CANNOT_TELL:
            return "It stays open what this part tells."
        return self.silent if reading is Reading.SOUND else self.telling


def altered(subject: Subject, name: str) -> Contest:
    """Fit the recipe's head on features of altered images, and compare it with the whole ones'.

    Parameters
    ----------
    subject : Subject
    name : str
        Of the alteration.
    """
    features = subject.images.features(subject.rows, ALTERATIONS[name])
    return contest(subject, subject.out_of_fold(features), name)


def answer(
    subject: Subject,
    found: Contest,
    ruling: Ruling,
    words: Words,
    alteration: str = "",
    others: Mapping[str, Contest] | None = None,
) -> Answer:
    """Say what a remainder tells.

    Parameters
    ----------
    subject : Subject
    found : Contest
        The remainder against the whole image.
    ruling : Ruling
    words : Words
    alteration : str
        Whose images are shown; empty for none.
    others : mapping of str to Contest
        More remainders that the reading rests on, by their names in `Answer.details`.
    """
    others = others or {}
    reading, reason = ruling
    facts: dict[str, Any] = {
        "measure": f"AUC, {words.part}",
        "figure": found.part,
        "details": _details(found) | {name: _details(other) for name, other in others.items()},
        "pictures": (
            _bars(found, words.part, others),
            *([examples(subject, alteration, words.part)] if alteration else []),
        ),
    }
    meaning = words.meaning(reading)
    if reading is Reading.CANNOT_TELL:
        return cannot_tell(reason, meaning, **facts)
    claim = words.claim.format(part=f"{found.part.value:.3f}", whole=f"{found.whole.value:.3f}")
    return Answer(reading, claim, meaning, reason, **facts)


def examples(subject: Subject, alteration: str, caption: str) -> Examples:
    """Show three images of each class as they are, and altered below."""
    table = subject.table.iloc[subject.rows]
    rng = subject.rng(f"{alteration} examples")
    rows = []
    for name in subject.classes:
        images = _some(table.loc[table["label"] == name], rng)
        rows.append(tuple(Example(image, name) for image in images))
        rows.append(tuple(Example(image, f"{name}, {caption}", alteration) for image in images))
    return Examples("What was left of the images", tuple(rows))


def _some(table: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.object_]:
    """Choose images of different patients."""
    images = table.drop_duplicates("patient")["image"].to_numpy(object)
    return rng.choice(images, min(_EXAMPLES, len(images)), replace=False)


def _details(found: Contest) -> dict[str, Any]:
    return {
        "auc": found.part.value,
        "whole": found.whole.value,
        "explained": found.explained.value,
        "explained_low": found.explained.low,
        "explained_high": found.explained.high,
        "patients": found.patients,
    }


def _bars(found: Contest, part: str, others: Mapping[str, Contest]) -> Bars:
    bars = (
        Bar.of(part, found.part),
        *(Bar.of(name, other.part) for name, other in others.items()),
        Bar.of("whole image", found.whole),
    )
    return Bars(f"The label from the {part}", "AUC", bars, reference=CHANCE)
