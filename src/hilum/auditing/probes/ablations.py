"""Probes that remove content from every image, and fit the probe model on what remains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hilum.auditing.ablation import ABLATIONS
from hilum.auditing.comparison import (
    CHANCE,
    BaselineComparison,
    compare_with_baseline,
    forest_out_of_fold,
)
from hilum.auditing.probe import Answer, Bar, Bars, Example, Examples, Probe, Rating, cannot_tell
from hilum.auditing.rules import Ruling, coarse, explained, shades
from hilum.auditing.subject import Subject

__all__ = ["BORDER", "HISTOGRAM", "LUNGS_REMOVED", "THUMBNAIL"]

_EXAMPLES = 3  # of each class
_OUTSIDE = "histogram outside the lung region"


@dataclass(frozen=True)
class _Words:
    """Sentences of a probe.

    Parameters
    ----------
    part : str
        What remains: ``"border only"``.
    claim : str
        A sentence with ``{part}`` and ``{whole}`` in place of the AUCs.
    found, not_found : str
        The meaning where the part predicts the label, and where it does not.
    """

    part: str
    claim: str
    found: str
    not_found: str

    def meaning(self, rating: Rating) -> str:
        if rating is Rating.CANNOT_TELL:
            return "Inconclusive for this part of the image."
        return self.not_found if rating is Rating.SOUND else self.found


def _compare(subject: Subject, ablation: str, stream: str) -> BaselineComparison:
    features = subject.images.features(subject.rows, ABLATIONS[ablation])
    return compare_with_baseline(subject, subject.out_of_fold(features), stream)


def _answer(
    subject: Subject,
    found: BaselineComparison,
    ruling: Ruling,
    words: _Words,
    ablation: str = "",
    others: Mapping[str, BaselineComparison] | None = None,
) -> Answer:
    """State what a part of the image predicts; `others` are further parts that the rating rests on."""
    others = others or {}
    rating, reason = ruling
    facts: dict[str, Any] = {
        "measure": f"AUC, {words.part}",
        "figure": found.part,
        "details": _details(found) | {name: _details(other) for name, other in others.items()},
        "pictures": (
            _bars(found, words.part, others),
            *([_examples(subject, ablation, words.part)] if ablation else []),
        ),
    }
    meaning = words.meaning(rating)
    if rating is Rating.CANNOT_TELL:
        return cannot_tell(reason, meaning, **facts)
    claim = words.claim.format(part=f"{found.part.value:.3f}", whole=f"{found.whole.value:.3f}")
    return Answer(rating, claim, meaning, reason, **facts)


def _examples(subject: Subject, ablation: str, caption: str) -> Examples:
    """Show three images of each class, of different patients, with their ablations below."""
    table = subject.table.iloc[subject.rows]
    rng = subject.rng(f"{ablation} examples")
    rows = []
    for name in subject.classes:
        images = table.loc[table["label"] == name].drop_duplicates("patient")["image"].to_numpy(object)
        chosen = rng.choice(images, min(_EXAMPLES, len(images)), replace=False)
        rows.append(tuple(Example(image, name) for image in chosen))
        rows.append(tuple(Example(image, f"{name}, {caption}", ablation) for image in chosen))
    return Examples("Images before and after ablation", tuple(rows))


def _details(found: BaselineComparison) -> dict[str, Any]:
    return {
        "auc": found.part.value,
        "whole": found.whole.value,
        "explained": found.explained.value,
        "explained_low": found.explained.low,
        "explained_high": found.explained.high,
        "patients": found.patients,
    }


def _bars(found: BaselineComparison, part: str, others: Mapping[str, BaselineComparison]) -> Bars:
    bars = (
        Bar.of(part, found.part),
        *(Bar.of(name, other.part) for name, other in others.items()),
        Bar.of("whole image", found.whole),
    )
    return Bars(f"Prediction of the label, {part}", "AUC", bars, reference=CHANCE)


def _ask_border(subject: Subject) -> Answer:
    found = _compare(subject, "border", "frame")
    words = _Words(
        part="border only",
        claim="From the border of the images alone, the probe model reaches AUC {part}; from the whole image"
        " {whole}.",
        found="The border holds no lung. Markers, letters, collimation or cropping there predict the label,"
        " and"
        " the classifier learned from images that contain them.",
        not_found="No evidence was found that the border predicts the label.",
    )
    return _answer(subject, found, explained(found), words, "border")


BORDER = Probe(
    name="border",
    title="Border only",
    question="Can the label be predicted from the outer 5 % of the image, which holds no lung?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=_ask_border,
    priority=10,
    core=True,
    caption="border only",
    note="no lung is visible",
)


def _ask_lungs_removed(subject: Subject) -> Answer:
    found = _compare(subject, "lungs_removed", "middle")
    words = _Words(
        part="lung region removed",
        claim="With the lung region of every image blacked out, the probe model still reaches AUC {part};"
        " with"
        " the whole image {whole}.",
        found="These labels can be predicted without the lungs, so the result does not show that the"
        " classifier"
        " uses them.",
        not_found="No evidence was found that the surroundings of the lungs predict the label.",
    )
    return _answer(subject, found, explained(found), words, "lungs_removed")


LUNGS_REMOVED = Probe(
    name="lungs_removed",
    title="Lungs removed",
    question="Can the label be predicted when the lungs are blacked out?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=_ask_lungs_removed,
    priority=1,
    core=True,
    caption="lung region removed",
    note="hardly any lung is visible",
)


def _ask_thumbnail(subject: Subject) -> Answer:
    found = _compare(subject, "thumbnail", "thumbnail")
    words = _Words(
        part="thumbnail of 8 × 8 pixels",
        claim="From a thumbnail of 8 × 8 pixels the probe model reaches AUC {part}; from the whole image"
        " {whole}.",
        found="The prediction needs no fine detail of the lungs. Large, dense opacities are visible in so few"
        " pixels; so are exposure and cropping.",
        not_found="The prediction needs more than the coarse distribution of brightness.",
    )
    return _answer(subject, found, coarse(found), words, "thumbnail")


THUMBNAIL = Probe(
    name="thumbnail",
    title="Thumbnail",
    question="Can the label be predicted from 8 × 8 pixels?",
    source="after Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=_ask_thumbnail,
    priority=12,
    worst=Rating.DOUBTFUL,
    caption="thumbnail of 8 × 8 pixels",
    note="64 grey values",
)


def _ask_histogram(subject: Subject) -> Answer:
    whole, outside = np.moveaxis(subject.images.histograms(subject.rows), 1, 0)
    found = compare_with_baseline(subject, forest_out_of_fold(subject, whole), "histogram")
    beside = compare_with_baseline(subject, forest_out_of_fold(subject, outside), "histogram outside")
    words = _Words(
        part="histogram only",
        claim="From the histogram of the grey values alone, the label is predicted with AUC {part}; from the"
        " whole image with {whole}.",
        found="Outside the lungs too, grey values are associated with the label: the images of the labels"
        " were"
        " exposed or processed differently.",
        not_found="No evidence was found that exposure or processing predicts the label. (Opacities"
        " change the histogram too, so only grey values outside the lung region count against a result.)",
    )
    return _answer(subject, found, shades(found, beside), words, others={_OUTSIDE: beside})


HISTOGRAM = Probe(
    name="histogram",
    title="Histogram only",
    question="Can the label be predicted from grey values alone, as exposure and processing determine them?",
    source="after Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=_ask_histogram,
    priority=13,
    worst=Rating.DOUBTFUL,
    caption="histogram only",
    note="grey values without their positions",
)
