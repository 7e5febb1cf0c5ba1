"""What the shades of grey tell of the label, wherever they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing import ablation
from hilum.auditing.ablation import ALTERATIONS
from hilum.auditing.comparison import CHANCE, BaselineComparison, compare_with_baseline, forest_out_of_fold
from hilum.auditing.probe import Answer, Bar, Bars, Example, Examples, Probe, Rating, cannot_tell
from hilum.auditing.rules import Ruling, coarse, explained, shades
from hilum.auditing.subject import Subject

__all__ = ["BORDER", "HISTOGRAM", "LUNG_REGION", "THUMBNAIL", "Words", "altered", "answer", "examples"]


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

    def meaning(self, rating: Rating) -> str:
        """What follows from a rating."""
        if rating is Rating.CANNOT_TELL:
            return "It stays open what this part tells."
        return self.silent if rating is Rating.SOUND else self.telling


def altered(subject: Subject, name: str) -> BaselineComparison:
    """Fit the recipe's head on features of altered images, and compare it with the whole ones'.

    Parameters
    ----------
    subject : Subject
    name : str
        Of the alteration.
    """
    features = subject.images.features(subject.rows, ALTERATIONS[name])
    return compare_with_baseline(subject, subject.out_of_fold(features), name)


def answer(
    subject: Subject,
    found: BaselineComparison,
    ruling: Ruling,
    words: Words,
    alteration: str = "",
    others: Mapping[str, BaselineComparison] | None = None,
) -> Answer:
    """Say what a remainder tells.

    Parameters
    ----------
    subject : Subject
    found : BaselineComparison
        The remainder against the whole image.
    ruling : Ruling
    words : Words
    alteration : str
        Whose images are shown; empty for none.
    others : mapping of str to BaselineComparison
        More remainders that the rating rests on, by their names in `Answer.details`.
    """
    others = others or {}
    rating, reason = ruling
    facts: dict[str, Any] = {
        "measure": f"AUC, {words.part}",
        "figure": found.part,
        "details": _details(found) | {name: _details(other) for name, other in others.items()},
        "pictures": (
            _bars(found, words.part, others),
            *([examples(subject, alteration, words.part)] if alteration else []),
        ),
    }
    meaning = words.meaning(rating)
    if rating is Rating.CANNOT_TELL:
        return cannot_tell(reason, meaning, **facts)
    claim = words.claim.format(part=f"{found.part.value:.3f}", whole=f"{found.whole.value:.3f}")
    return Answer(rating, claim, meaning, reason, **facts)


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
    return Bars(f"The label from the {part}", "AUC", bars, reference=CHANCE)


_BORDER_WORDS = Words(
    part="frame alone",
    claim="From a narrow frame of every image alone the model, trained in the same way, reaches AUC {part}; "
    "from the whole image {whole}.",
    telling="The frame holds no lung. What tells the label there (borders, letters, the way a film was cut) "
    "was in the images that the classifier learned from.",
    silent="It was not found that the films' borders give the label away.",
)


def ask_border(subject: Subject) -> Answer:
    """Black out all but the outer ring, and train again."""
    found = altered(subject, "frame")
    return answer(subject, found, explained(found), _BORDER_WORDS, "frame")


BORDER = Probe(
    name="frame",
    title="Frame alone",
    question="Can the label be told from the outer 5 % of the image, where no lung is?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask_border,
)


_LUNG_REGION_WORDS = Words(
    part="middle blacked out",
    claim="With the middle of every image blacked out, the model, trained in the same way, still reaches "
    "AUC {part}; with the whole image {whole}.",
    telling="It does not need the lungs to tell these labels apart, so its result does not show that it "
    "reads them.",
    silent="It was not found that what lies around the lungs gives the label away.",
)


def ask_lung_region(subject: Subject) -> Answer:
    """Black out the part that holds the lungs, and train again."""
    found = altered(subject, "middle")
    return answer(subject, found, explained(found), _LUNG_REGION_WORDS, "middle")


LUNG_REGION = Probe(
    name="middle",
    title="Middle blacked out",
    question="Can the label be told when the lungs are blacked out?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask_lung_region,
)


_THUMBNAIL_WORDS = Words(
    part="thumbnail of 8 × 8 dots",
    claim="From the 64 dots of an 8 × 8 thumbnail the model, trained in the same way, reaches AUC {part}; "
    "from the whole image {whole}.",
    telling="What it needs is so coarse that nothing fine in the lungs is part of it. Large, dense opacities "
    "show in so few dots; so does the way a film was exposed and cut.",
    silent="The result needs more than the coarse shades of the image.",
)


def ask_thumbnail(subject: Subject) -> Answer:
    """Reduce every image to 8 × 8 dots, and train again."""
    found = altered(subject, "thumbnail")
    return answer(subject, found, coarse(found), _THUMBNAIL_WORDS, "thumbnail")


THUMBNAIL = Probe(
    name="thumbnail",
    title="Thumbnail",
    question="Can the label be told from 8 × 8 dots?",
    source="after Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask_thumbnail,
    worst=Rating.DOUBTFUL,
)


_BINS = 64
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_OUTSIDE = "histogram outside the middle"
_HISTOGRAM_WORDS = Words(
    part="histogram alone",
    claim="From the histogram of an image alone, wherever its shades of grey lie, the label is told with "
    "AUC {part}; from the whole image with {whole}.",
    telling="Outside the lungs too the shades of grey go with the label: the labels' films were exposed or "
    "processed differently.",
    silent="It was not found that exposure or processing give the label away. (Haze in the lungs changes the "
    "histogram too, so only the shades outside the middle count against a result.)",
)


def ask_histogram(subject: Subject) -> Answer:
    """Predict the label from the histograms of the image and of what lies outside its middle."""
    whole, outside = _histograms(subject)
    found = compare_with_baseline(subject, forest_out_of_fold(subject, whole), "histogram")
    beside = compare_with_baseline(subject, forest_out_of_fold(subject, outside), "histogram outside")
    return answer(subject, found, shades(found, beside), _HISTOGRAM_WORDS, others={_OUTSIDE: beside})


def _histograms(subject: Subject) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Describe each of `subject.rows`, and what lies outside its middle: (rows, facts) each."""
    squares = subject.images.prepared(subject.rows)
    tracked = subject.progress.track(squares, what="Counting shades", total=len(subject.rows))
    pairs = [(_shades(square), _shades(square[~ablation.lung_region(len(square))])) for square in tracked]
    whole, outside = zip(*pairs, strict=True)
    return np.stack(whole), np.stack(outside)


def _shades(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of pixels in each of 64 bins of [0, 1], and a few quantiles."""
    counts, _ = np.histogram(pixels, _BINS, (0, 1))
    return np.concatenate([counts / pixels.size, np.quantile(pixels, _QUANTILES)])


HISTOGRAM = Probe(
    name="histogram",
    title="Histogram alone",
    question="Can the label be told from the shades of grey alone, as exposure and processing leave them?",
    source="after Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask_histogram,
    worst=Rating.DOUBTFUL,
)
