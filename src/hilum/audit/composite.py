"""Images made of two: the middle of one in the frame of another, and what a classifier calls them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hilum.audit.alteration import transplanted
from hilum.audit.subject import Subject
from hilum.classifier import Threshold, decide

__all__ = ["Pairs", "Right", "paired"]

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
