"""A saved classifier: from pixels, or a file, to a prediction. It needs no torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.bundle.graph import Inference
from hilum.bundle.manifest import Manifest
from hilum.classifier import Threshold, decide
from hilum.errors import BundleError, RadiographError
from hilum.executor import LOCAL
from hilum.files import hash_file
from hilum.progress import SILENT, Progress
from hilum.radiograph import Fit, Preprocessing, read

__all__ = ["Bundle", "Prediction"]


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
        The positive class was predicted from this probability on; None with three classes or more.
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


@dataclass(frozen=True)
class Bundle:
    """A classifier as it is deployed.

    Parameters
    ----------
    folder : Path
        Where its files are.
    manifest : Manifest
        What it says about itself.

    Examples
    --------
    >>> model = Bundle.load("runs/tutorial-model-1")  # doctest: +SKIP
    >>> model.predict("chest.dcm").predicted  # doctest: +SKIP
    'COVID-19'
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def load(cls, path: Path | str) -> Bundle:
        """Load the bundle in folder `path`, or in ``path/model`` when `path` is a run.

        Raises
        ------
        BundleError
            If there is none, or a file is missing or differs from what was saved.
        """
        folder = Path(path)
        if (folder / "model").is_dir():
            folder = folder / "model"
        manifest = Manifest.read(folder)
        for name, expected in manifest.files.items():
            _check(folder / Path(name).name, expected)
        return cls(folder, manifest)

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the outputs."""
        return self.manifest.classes

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """From a radiograph's pixels to this model's input."""
        return Preprocessing(self.manifest.preprocessing.size, Fit(self.manifest.preprocessing.fit))

    @cached_property
    def _threshold(self) -> Threshold:
        record = self.manifest.threshold
        return Threshold(value=record.value, rule=record.rule)

    @cached_property
    def _inference(self) -> Inference:
        return Inference(self.folder, self.manifest.precision.value)

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Classify prepared images.

        Parameters
        ----------
        inputs : ndarray of float32, shape (n, size, size), range [0, 1]
            As `preprocessing` gives them.

        Returns
        -------
        ndarray of float32, shape (n, classes)
        """
        side = self.preprocessing.size
        if inputs.ndim != 3 or inputs.shape[1:] != (side, side):
            msg = f"inputs: expected shape (n, {side}, {side}), found {inputs.shape}"
            raise ValueError(msg)
        found = list(self._inference.run(inputs.astype(np.float32, copy=False)))
        return np.array(found, np.float32).reshape(-1, len(self.classes))

    def predict(self, path: Path | str) -> Prediction:
        """Predict one file.

        Raises
        ------
        RadiographError
            If the file does not give a radiograph.
        """
        (probability,) = self._inference.run([self._prepare(path)])
        return self._prediction(path, probability)

    def predict_many(self, paths: Sequence[Path | str], progress: Progress = SILENT) -> Iterator[Prediction]:
        """Predict files in order; one that cannot be read gives a prediction with its error.

        Files are read while others are classified, a bounded number of them ahead.
        """
        waiting: deque[tuple[Path | str, RadiographError | None]] = deque()

        def prepare(path: Path | str) -> NDArray[np.float32] | RadiographError:
            try:
                return self._prepare(path)
            except RadiographError as error:
                return error

        def squares() -> Iterator[NDArray[np.float32]]:
            prepared = zip(paths, LOCAL.map(prepare, paths), strict=True)
            for path, found in progress.track(prepared, what="Predicting", total=len(paths)):
                if isinstance(found, RadiographError):
                    waiting.append((path, found))
                else:
                    waiting.append((path, None))
                    yield found

        def failures() -> Iterator[Prediction]:
            while waiting and (error := waiting[0][1]) is not None:
                path, _ = waiting.popleft()
                yield Prediction(image=str(path), error=error.cause, remedy=error.remedy)

        for probability in self._inference.run(squares()):
            yield from failures()
            yield self._prediction(waiting.popleft()[0], probability)
        yield from failures()

    def _prepare(self, path: Path | str) -> NDArray[np.float32]:
        radiograph = read(path, side=self.preprocessing.size)
        return self.preprocessing.apply(radiograph.pixels, radiograph.extent)

    def _prediction(self, path: Path | str, probability: NDArray[np.float32]) -> Prediction:
        code = int(decide(probability[None], self._threshold)[0])
        return Prediction(
            image=str(path),
            predicted=self.classes[code],
            probability=dict(zip(self.classes, map(float, probability), strict=True)),
            threshold=self._threshold.value,
        )


def _check(path: Path, expected: str) -> None:
    if not path.is_file():
        raise BundleError(
            "a file of the model is missing", path=path, remedy="Train again, or copy it again."
        )
    found = hash_file(path)
    if found != expected:
        raise BundleError(
            "a file of the model was altered or damaged",
            path=path,
            expected=f"SHA-256 {expected[:12]}…",
            found=f"{found[:12]}…",
            remedy="Train again, or copy it again.",
        )
