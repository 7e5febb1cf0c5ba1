"""Whether the classifier follows the middle of an image or its frame, when they disagree."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hilum.auditing.ablation import transplanted
from hilum.auditing.probe import Answer, Bar, Bars, Example, Examples, Probe, Rating, Scale, cannot_tell
from hilum.auditing.rules import FEWEST_IMAGES, followed
from hilum.auditing.subject import Subject
from hilum.classifier import Threshold, decide
from hilum.metrics import Estimate, newcombe, wilson

__all__ = ["REGION_SWAP", "Pairs", "Right", "paired"]


_BATCH = 32
_MOST_IMAGES = 100  # of each class


@dataclass(frozen=True, eq=False)
class Right:
    """Test images that the run's own classifier gets right as they are.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        In the subject's table.
    labels : ndarray of int, shape (n,)
    patients : ndarray of str, shape (n,)
    squares : ndarray of float32, shape (n, size, size)
    """

    rows: NDArray[np.intp]
    labels: NDArray[np.int64]
    patients: NDArray[np.object_]
    squares: NDArray[np.float32]

    @classmethod
    def of(cls, subject: Subject, rng: np.random.Generator) -> Right:
        """Classify test images of the subject, 100 of each class at most, and keep those that are right."""
        rows = _chosen(subject, rng)
        squares = np.stack(list(subject.images.prepared(rows)))
        right = _called(subject, iter(squares), len(rows)) == subject.labels[rows]
        rows = rows[right]
        return cls(rows, subject.labels[rows], subject.patients[rows], squares[right])


@dataclass(frozen=True, eq=False)
class Pairs:
    """Whose middle is set into whose frame: positions in `Right`.

    Parameters
    ----------
    middles, frames : ndarray of int, shape (n,)
    """

    middles: NDArray[np.intp]
    frames: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.middles)

    def called(self, subject: Subject, right: Right) -> NDArray[np.int64]:
        """Return what the run's own classifier calls each composite, as an index in the classes."""
        squares = right.squares
        composites = (
            transplanted(squares[middle], squares[frame])
            for middle, frame in zip(self.middles, self.frames, strict=True)
        )
        return _called(subject, composites, len(self))

    def fewest_patients(self, right: Right) -> int:
        """Return how many patients gave a middle, or a frame, whichever are fewer."""
        return min(len(set(right.patients[side])) for side in (self.middles, self.frames))


def paired(right: Right, classes: int, most: int, rng: np.random.Generator, *, crossed: bool) -> Pairs:
    """Choose pairs of images of different patients; each image is used about equally often.

    Parameters
    ----------
    right : Right
    classes : int
    most : int
        Pairs, over all combinations of labels.
    rng : numpy.random.Generator
    crossed : bool
        Whether the two have different labels, or the same.
    """
    combinations = [pair for pair in product(range(classes), repeat=2) if (pair[0] != pair[1]) == crossed]
    found = []
    for middle, frame in combinations:
        inner, outer = (rng.permutation(np.flatnonzero(right.labels == label)) for label in (middle, frame))
        found.append(_matched(inner, outer, right.patients)[: max(1, most // len(combinations))])
    both = np.concatenate(found)
    return Pairs(both[:, 0], both[:, 1])


def _matched(
    middles: NDArray[np.intp], frames: NDArray[np.intp], patients: NDArray[np.object_]
) -> NDArray[np.intp]:
    """Return all pairs of different patients, (n, 2), in an order in which both sides take turns."""
    number = np.arange(len(middles) * len(frames))
    if not len(number):
        return np.empty((0, 2), np.intp)
    rounds = number // math.lcm(len(middles), len(frames))  # in another round each meets others
    both = np.stack([middles[number % len(middles)], frames[(number + rounds) % len(frames)]], axis=1)
    different: NDArray[np.bool_] = patients[both[:, 0]] != patients[both[:, 1]]
    return both[different]


def _chosen(subject: Subject, rng: np.random.Generator) -> NDArray[np.intp]:
    tested = subject.table["image"].isin(subject.predictions.part("test").images).to_numpy()
    rows = [
        rng.permutation(np.flatnonzero(tested & (subject.labels == code)))[:_MOST_IMAGES]
        for code in range(len(subject.classes))
    ]
    return np.sort(np.concatenate(rows))


def _called(subject: Subject, squares: Iterator[NDArray[np.float32]], total: int) -> NDArray[np.int64]:
    """Decide as the run does."""
    found, waiting = [], []
    for number, square in enumerate(subject.progress.track(squares, what="Classifying", total=total), 1):
        waiting.append(square)
        if len(waiting) == _BATCH or number == total:
            found.append(
                decide(subject.classify(np.stack(waiting)), Threshold(subject.threshold, "the run's"))
            )
            waiting = []
    return np.concatenate([np.empty(0, np.int64), *found]).astype(np.int64)


_MOST_PAIRS = 100
_SHOWN = 4
_MEASURE = "Share of composites called as their frame's image"
_MEANINGS = {
    Rating.SOUND: "It was not found that the classifier goes by what lies around the lungs. Exposure, "
    "sharpness or age show in the middle too; whether it goes by those this does not tell.",
    Rating.DOUBTFUL: "What lies around the lungs sways the classifier, more than a seam in the image does.",
    Rating.BROKEN: "The classifier goes by what lies around the lungs: given one patient's lungs in "
    "another's frame it mostly keeps to the frame.",
    Rating.CANNOT_TELL: "It stays open whether the middle or the frame decides.",
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
            _MEANINGS[Rating.CANNOT_TELL],
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
    rating, reason = followed(frame, flipped, more)
    return Answer(
        rating=rating,
        claim=f"With the middle of one image set into another of another label, the classifier goes by the "
        f"middle in {middle.value:.0%} and by what surrounds it in {frame.value:.0%}; with both of one label "
        f"it changes its answer in {flipped.value:.0%}.",
        meaning=_MEANINGS[rating],
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


REGION_SWAP = Probe(
    name="swap",
    title="Middles swapped",
    question="When the middle and the frame of an image disagree, which one does the classifier follow?",
    source="Background challenge: Xiao et al. 2021, arXiv:2006.09994",
    ask=ask,
)
