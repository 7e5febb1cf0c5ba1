"""Any classifier on files: one prediction a file, in order, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hilum.classifier.classifier import Classifier, Staged, predicted_classes, staged
from hilum.errors import ClassifierError, RadiographError
from hilum.executor import LOCAL
from hilum.progress import SILENT, Progress
from hilum.radiograph import read

__all__ = ["Prediction", "predict"]


@dataclass(frozen=True)
class Prediction:
    """A predicted class with its probabilities, or the reason why there is none.

    Parameters
    ----------
    image : str
        The file, as it was named.
    predicted : str, optional
        The class.
    probability : mapping of str to float
        Of each class; they sum to 1.
    threshold : float, optional
        The positive class is predicted when its probability is at least this; None where the most probable
        class is predicted.
    error : str, optional
        Why there is no prediction.
    remedy : str, optional
        What can be done about it.
    """

    image: str
    predicted: str | None = None
    probability: Mapping[str, float] = field(default_factory=dict)
    threshold: float | None = None
    error: str | None = None
    remedy: str | None = None

    def __post_init__(self) -> None:
        if (self.predicted is None) == (self.error is None):
            msg = "a prediction has either a class or an error"
            raise ValueError(msg)

    def as_dict(self) -> dict[str, Any]:
        """Return the prediction as JSON lines hold it: without the keys that have no value."""
        if self.error is not None:
            reason = self.error if self.remedy is None else f"{self.error}. {self.remedy}"
            return {"image": self.image, "error": reason}
        return {
            "image": self.image,
            "predicted": self.predicted,
            "probability": dict(self.probability),
            "threshold": self.threshold,
        }


def predict(
    classifier: Classifier | Path | str, paths: Sequence[Path | str], progress: Progress = SILENT
) -> Iterator[Prediction]:
    """Predict files in order; one that cannot be read gives a prediction with its error.

    Files are read by threads while others are classified, a bounded number of them ahead.

    Parameters
    ----------
    classifier : Classifier, Path or str
        A classifier, or the folder of a run or of a bundle.
    paths : sequence of Path or str
        Files; see `hilum.radiograph.find_images` for folders and patterns.
    progress : Progress

    Yields
    ------
    Prediction

    Raises
    ------
    ClassifierError
        If the classifier fails, or does not return probabilities.
    BundleError
        If a folder is named that holds no bundle.

    Examples
    --------
    >>> [prediction.predicted for prediction in predict("runs/mine", ["chest.dcm"])]  # doctest: +SKIP
    ['COVID-19']
    """
    if isinstance(classifier, Path | str):
        from hilum.bundle import Bundle  # noqa: PLC0415  loads OpenVINO

        classifier = Bundle.load(classifier)
    return _predictions(classifier, paths, progress)


_Waiting: TypeAlias = deque[tuple[Path | str, RadiographError | None]]
"""Files that were read, in order, whose predictions are due; those that could not be read with the error."""


def _predictions(
    classifier: Classifier, paths: Sequence[Path | str], progress: Progress
) -> Iterator[Prediction]:
    stages = staged(classifier)
    waiting: _Waiting = deque()
    try:
        for probability in stages.run(_inputs(stages, classifier.side, paths, waiting, progress)):
            yield from _failures(waiting)
            yield _prediction(classifier, waiting.popleft()[0], probability)
    except ClassifierError as error:
        if error.path is None:
            error.path = next((Path(path) for path, failed in waiting if failed is None), None)
        raise
    yield from _failures(waiting)


def _inputs(
    stages: Staged, side: int | None, paths: Sequence[Path | str], waiting: _Waiting, progress: Progress
) -> Iterator[Any]:
    """Yield the classifier's input of each file that can be read, and note every file in `waiting`."""

    def prepare(path: Path | str) -> Any:
        try:
            return stages.prepare(read(path, side=side))
        except RadiographError as error:
            return error

    prepared = zip(paths, LOCAL.map(prepare, paths), strict=True)
    for path, found in progress.track(prepared, what="Predicting", total=len(paths)):
        if isinstance(found, RadiographError):
            waiting.append((path, found))
        else:
            waiting.append((path, None))
            yield found


def _failures(waiting: _Waiting) -> Iterator[Prediction]:
    """Take the files at the head of `waiting` that could not be read."""
    while waiting and (error := waiting[0][1]) is not None:
        path, _ = waiting.popleft()
        yield Prediction(image=str(path), error=error.cause, remedy=error.remedy)


def _prediction(classifier: Classifier, path: Path | str, probability: NDArray[np.float32]) -> Prediction:
    threshold = classifier.threshold
    code = int(predicted_classes(probability[None], threshold)[0])
    return Prediction(
        image=str(path),
        predicted=classifier.classes[code],
        probability=dict(zip(classifier.classes, map(float, probability), strict=True)),
        threshold=None if threshold is None else threshold.value,
    )
