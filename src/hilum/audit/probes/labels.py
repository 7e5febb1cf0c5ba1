"""Images whose label the others contradict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.audit.answer import Answer
from hilum.audit.contest import contest
from hilum.audit.picture import Example, Examples, Scale
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.rules import contradicted
from hilum.audit.subject import Subject
from hilum.evaluate import Estimate, wilson

__all__ = ["PROBE"]

_SHOWN = 8
_A_ROW = 4


def ask(subject: Subject) -> Answer:
    """List the images that confident learning calls mislabelled, the surest first."""
    flagged = _flagged(subject)
    count, n = len(flagged), len(subject.rows)
    share = Estimate.around(count / n, wilson(count, n), n)
    reading, reason = contradicted(share, contest(subject, subject.reference, "labels").whole)
    found = [_found(subject, row) for row in flagged]
    return Answer(
        reading=reading,
        claim=f"{len(found)} of {share.n} labels are contradicted by the other images ({share.value:.1%}).",
        meaning=_meaning(reading, len(found)),
        reason=reason,
        measure="Share of labels that the other images contradict",
        figure=share,
        scale=Scale.SHARE,
        details={"images": found},
        pictures=_pictures(found),
    )


def _flagged(subject: Subject) -> NDArray[np.intp]:
    """Positions in `subject.rows`, the least probable label first."""
    from cleanlab.filter import find_label_issues  # noqa: PLC0415  takes a third of a second

    labels, probabilities = subject.labels[subject.rows], subject.reference.astype(np.float64)
    flagged = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    return np.asarray(flagged, dtype=np.intp)


def _found(subject: Subject, row: int) -> dict[str, str | float]:
    probabilities, label = subject.reference[row], subject.labels[subject.rows[row]]
    return {
        "image": str(subject.table["image"].iloc[subject.rows[row]]),
        "label": subject.classes[label],
        "suggested": subject.classes[int(probabilities.argmax())],
        "probability": float(probabilities[label]),
    }


def _meaning(reading: Reading, count: int) -> str:
    if not count:
        return "Wrong labels that the images agree on cannot be found in this way."
    if reading is Reading.DOUBTFUL:
        return "Have a radiologist look at the list before the labels are used to judge a classifier."
    return "The list is worth a look: an image on it may be mislabelled, or merely hard."


def _pictures(found: list[dict[str, str | float]]) -> tuple[Examples, ...]:
    shown = [
        Example(str(one["image"]), f"labelled {one['label']}, looks like {one['suggested']}")
        for one in found[:_SHOWN]
    ]
    rows = tuple(tuple(shown[start : start + _A_ROW]) for start in range(0, len(shown), _A_ROW))
    return (Examples("Labels to look at, the least probable first", rows),) if rows else ()


PROBE = Probe(
    name="labels",
    title="Labels",
    question="Do the labels agree with the images?",
    source="Northcutt, Jiang and Chuang 2021, doi:10.1613/jair.1.12125 (cleanlab)",
    ask=ask,
    gravest=Reading.DOUBTFUL,
)
