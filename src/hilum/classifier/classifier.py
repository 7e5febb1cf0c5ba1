"""What predicts, whoever trained it: the protocol that evaluation, the audit and the service take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hilum.classifier.threshold import Threshold, decide
from hilum.errors import ClassifierError
from hilum.radiograph import Radiograph

__all__ = ["Classifier", "Staged", "check_probabilities", "predicted_classes", "staged"]

_BATCH = 32
_SUM_TOLERANCE = 1e-3  # as `hilum.metrics.Predictions` allows
_ROUNDING = 1e-6


@runtime_checkable
class Classifier(Protocol):
    """Predicts radiographs, with its own preprocessing inside.

    Examples
    --------
    >>> class Brightness:
    ...     classes = ("dark", "bright")
    ...     side = None
    ...     threshold = None
    ...
    ...     def predict(self, radiographs):
    ...         bright = np.array([radiograph.pixels.mean() for radiograph in radiographs])
    ...         return np.stack([1 - bright, bright], axis=1)
    >>> isinstance(Brightness(), Classifier)
    True
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the outputs; of two, the second is the positive one."""
        ...

    @property
    def side(self) -> int | None:
        """Side in pixels of the square that it looks at; None if it needs the images in full size.

        Files may be decoded at a reduced size accordingly: see `hilum.radiograph.read`.
        """
        ...

    @property
    def threshold(self) -> Threshold | None:
        """Decision threshold of the positive class; without a value the most probable class is predicted."""
        ...

    def predict(self, radiographs: Iterable[Radiograph]) -> NDArray[np.float32]:
        """Compute the probabilities of each class.

        Parameters
        ----------
        radiographs : iterable of Radiograph
            Taken one by one or in batches of fixed size, so that they need not fit into memory together.

        Returns
        -------
        ndarray of float32, shape (n, classes), range [0, 1]
            Rows sum to 1.
        """
        ...


@runtime_checkable
class Staged(Protocol):
    """A classifier in two stages, so that threads prepare images while others are classified.

    A classifier may offer these two methods besides `Classifier.predict`; `staged` supplies them otherwise.
    """

    def prepare(self, radiograph: Radiograph) -> Any:
        """Turn a radiograph into the classifier's input; called by several threads at once."""
        ...

    def run(self, inputs: Iterable[Any]) -> Iterator[NDArray[np.float32]]:
        """Yield the probabilities (classes,) of each input, in order; a bounded number is taken ahead."""
        ...


def staged(classifier: Classifier) -> Staged:
    """Return the two stages of a classifier; one that has only `predict` gets its images in batches."""
    if isinstance(classifier, Staged):
        return classifier
    return _Batches(classifier.predict, len(classifier.classes), type(classifier).__name__)


@dataclass(frozen=True)
class _Batches:
    predict: Callable[[Iterable[Radiograph]], NDArray[np.float32]]
    classes: int
    name: str

    def prepare(self, radiograph: Radiograph) -> Radiograph:
        return radiograph

    def run(self, inputs: Iterable[Radiograph]) -> Iterator[NDArray[np.float32]]:
        remaining = iter(inputs)
        while batch := list(islice(remaining, _BATCH)):
            yield from check_probabilities(self.predict(batch), (len(batch), self.classes), self.name)


def check_probabilities(found: Any, shape: tuple[int, int], name: str) -> NDArray[np.float32]:
    """Return what a classifier gave as float32, if it is probabilities.

    Parameters
    ----------
    found : array_like
    shape : tuple of int
        (images, classes) that are expected.
    name : str
        The classifier, for the message.

    Raises
    ------
    ClassifierError
        If the shape is another, a value is not a number in [0, 1], or a row does not sum to 1 within 0.001.

    Examples
    --------
    >>> check_probabilities([[0.25, 0.75]], (1, 2), "mine").tolist()
    [[0.25, 0.75]]
    """
    try:
        values = np.asarray(found, np.float64)
    except (TypeError, ValueError) as error:
        raise ClassifierError(
            f"{name} returns no array of numbers",
            expected=f"probabilities of shape {shape}",
            found=type(found).__name__,
        ) from error
    if values.shape != shape:
        raise ClassifierError(
            f"{name} returns an array of another shape",
            expected=f"{shape}: images, classes",
            found=str(values.shape),
        )
    outside = ~((values >= -_ROUNDING) & (values <= 1 + _ROUNDING))  # true for NaN
    if outside.any():
        raise ClassifierError(
            f"{name} returns values that are not probabilities",
            expected="numbers in [0, 1]",
            found=f"{values[outside][0]:g}",
            remedy="If these are logits, apply a sigmoid or a softmax.",
        )
    sums = values.sum(axis=1)
    off = abs(sums - 1) > _SUM_TOLERANCE
    if off.any():
        raise ClassifierError(
            f"{name} returns probabilities that do not sum to 1",
            expected="1 over the classes of an image",
            found=f"{sums[off][0]:.4g}",
            remedy="Independent outputs are not probabilities of exclusive classes: choose one finding.",
        )
    return values.clip(0, 1).astype(np.float32)


def predicted_classes(probabilities: NDArray[np.floating], threshold: Threshold | None) -> NDArray[np.intp]:
    """Return the predicted class of each row: by the threshold, or the most probable one without it."""
    if threshold is None or threshold.value is None:
        return np.asarray(probabilities.argmax(axis=1))
    return decide(probabilities, threshold)
