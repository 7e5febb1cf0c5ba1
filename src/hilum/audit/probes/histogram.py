"""What the shades of grey tell of the label, wherever they stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.audit import region
from hilum.audit.answer import Answer
from hilum.audit.contest import contest, forest_out_of_fold
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.remainder import Words, answer
from hilum.audit.rules import shades
from hilum.audit.subject import Subject

__all__ = ["PROBE"]

_BINS = 64
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_OUTSIDE = "histogram outside the middle"
_WORDS = Words(
    part="histogram alone",
    claim="From the histogram of an image alone, wherever its shades of grey lie, the label is told with "
    "AUC {part}; from the whole image with {whole}.",
    telling="Outside the lungs too the shades of grey go with the label: the labels' films were exposed or "
    "processed differently.",
    silent="It was not found that exposure or processing give the label away. (Haze in the lungs changes the "
    "histogram too, so only the shades outside the middle count against a result.)",
)


def ask(subject: Subject) -> Answer:
    """Predict the label from the histograms of the image and of what lies outside its middle."""
    whole, outside = _histograms(subject)
    found = contest(subject, forest_out_of_fold(subject, whole), "histogram")
    beside = contest(subject, forest_out_of_fold(subject, outside), "histogram outside")
    return answer(subject, found, shades(found, beside), _WORDS, others={_OUTSIDE: beside})


def _histograms(subject: Subject) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Describe each of `subject.rows`, and what lies outside its middle: (rows, facts) each."""
    squares = subject.images.prepared(subject.rows)
    tracked = subject.progress.track(squares, what="Counting shades", total=len(subject.rows))
    pairs = [(_shades(square), _shades(square[~region.middle(len(square))])) for square in tracked]
    whole, outside = zip(*pairs, strict=True)
    return np.stack(whole), np.stack(outside)


def _shades(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of pixels in each of 64 bins of [0, 1], and a few quantiles."""
    counts, _ = np.histogram(pixels, _BINS, (0, 1))
    return np.concatenate([counts / pixels.size, np.quantile(pixels, _QUANTILES)])


PROBE = Probe(
    name="histogram",
    title="Histogram alone",
    question="Can the label be told from the shades of grey alone, as exposure and processing leave them?",
    source="after Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask,
    gravest=Reading.DOUBTFUL,
)
