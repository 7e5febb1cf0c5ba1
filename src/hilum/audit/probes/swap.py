"""Whether the classifier follows the middle of an image or its frame, when they disagree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.composite import Pairs, Right, paired
from hilum.audit.picture import Bar, Bars, Example, Examples, Scale
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.rules import FEWEST_IMAGES, followed
from hilum.audit.subject import Subject
from hilum.evaluate import Estimate, newcombe, wilson

__all__ = ["PROBE"]

_MOST_PAIRS = 100
_SHOWN = 4
_MEASURE = "Share of composites called as their frame's image"
_MEANINGS = {
    Reading.SOUND: "It was not found that the classifier goes by what lies around the lungs. Exposure, "
    "sharpness or age show in the middle too; whether it goes by those this does not tell.",
    Reading.DOUBTFUL: "What lies around the lungs sways the classifier, more than a seam in the image does.",
    Reading.BROKEN: "The classifier goes by what lies around the lungs: given one patient's lungs in "
    "another's frame it mostly keeps to the frame.",
    Reading.CANNOT_TELL: "It stays open whether the middle or the frame decides.",
}


def ask(subject: Subject) -> Answer:
    """Set middles into frames of another label, and of the same one, and classify what comes of it."""
    rng = subject.rng("swap")
    right = Right.of(subject, rng)
    classes = len(subject.classes)
    fewest = int(np.bincount(right.labels, minlength=classes).min())
    crossed, within = (paired(right, classes, _MOST_PAIRS, rng, crossed=crossed) for crossed in (True, False))
    if fewest < FEWEST_IMAGES or not len(crossed) or not len(within):
        return cannot_tell(
            f"{fewest} test images of the rarest label are classified rightly as they are, and "
            f"{FEWEST_IMAGES} are needed",
            _MEANINGS[Reading.CANNOT_TELL],
        )
    return _answer(
        subject, right, crossed, crossed.called(subject, right), within, within.called(subject, right)
    )


def _answer(
    subject: Subject,
    right: Right,
    crossed: Pairs,
    called: NDArray[np.int64],
    within: Pairs,
    called_within: NDArray[np.int64],
) -> Answer:
    frame = _share(called == right.labels[crossed.frames], crossed.fewest_patients(right))
    middle = _share(called == right.labels[crossed.middles], crossed.fewest_patients(right))
    flipped = _share(called_within != right.labels[within.frames], within.fewest_patients(right))
    more = newcombe(frame, flipped)
    reading, reason = followed(frame, flipped, more)
    return Answer(
        reading=reading,
        claim=f"With the middle of one image set into another of another label, the classifier goes by the "
        f"middle in {middle.value:.0%} and by what surrounds it in {frame.value:.0%}; with both of one label "
        f"it changes its answer in {flipped.value:.0%}.",
        meaning=_MEANINGS[reading],
        reason=reason,
        measure=_MEASURE,
        figure=frame,
        scale=Scale.SHARE,
        details={
            "follow_frame": frame.value,
            "follow_middle": middle.value,
            "other": float(1 - frame.value - middle.value),
            "kept_within": 1 - flipped.value,
            "n_within": flipped.n,
            "more_than_within": more.value,
            "more_than_within_low": more.low,
            "patients": crossed.fewest_patients(right),
        },
        pictures=(_bars(frame, middle, flipped), _examples(subject, right, crossed, called)),
    )


def _share(hits: NDArray[np.bool_], patients: int) -> Estimate:
    """Return the share of composites, with Wilson's interval as if each patient had given one.

    Patients give several; how much those depend on each other is not known, and so taken as wholly.
    """
    share = float(hits.mean())
    trials = min(patients, len(hits))
    return Estimate.around(share, wilson(share * trials, trials), len(hits))


def _bars(frame: Estimate, middle: Estimate, flipped: Estimate) -> Bars:
    bars = (
        Bar.of("called as the frame's image", frame),
        Bar.of("called as the middle's image", middle),
        Bar.of("changed though both are of one label", flipped),
    )
    return Bars("The middle of one image in the frame of another", "share", bars, scale=Scale.SHARE)


def _examples(subject: Subject, right: Right, crossed: Pairs, called: NDArray[np.int64]) -> Examples:
    names, images = subject.classes, subject.table["image"].to_numpy(object)[right.rows]
    chosen = subject.rng("swap examples").choice(len(crossed), min(_SHOWN, len(crossed)), replace=False)
    rows = []
    for pair in chosen:
        middle, frame = crossed.middles[pair], crossed.frames[pair]
        rows.append(
            (
                Example(images[middle], f"middle of: {names[right.labels[middle]]}"),
                Example(images[frame], f"frame of: {names[right.labels[frame]]}"),
                Example(images[frame], f"called {names[called[pair]]}", middle_of=images[middle]),
            )
        )
    return Examples("Composites, and what the classifier calls them", tuple(rows))


PROBE = Probe(
    name="swap",
    title="Middles swapped",
    question="When the middle and the frame of an image disagree, which one does the classifier follow?",
    source="Background challenge: Xiao et al. 2021, arXiv:2006.09994",
    ask=ask,
)
