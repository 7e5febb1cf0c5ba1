"""A saved classifier: from pixels, or a file, to a prediction. It needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifact import hash_file
from hilum.backbone.openvino_runtime import compile_float32
from hilum.bundle.manifest import Manifest
from hilum.bundle.prediction import Prediction
from hilum.classifier import Threshold, decide
from hilum.errors import BundleError, RadiographError
from hilum.progress import SILENT, Progress
from hilum.radiograph import Fit, Preparation, ahead, read

__all__ = ["Bundle"]


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
    def preparation(self) -> Preparation:
        """From a radiograph's pixels to this model's input."""
        return Preparation(self.manifest.preparation.size, Fit(self.manifest.preparation.fit))

    @cached_property
    def _threshold(self) -> Threshold:
        record = self.manifest.threshold
        return Threshold(value=record.value, rule=record.rule)

    @cached_property
    def _graph(self) -> Any:
        return compile_float32(str(self.folder / "graph.xml"))

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Classify prepared images.

        Parameters
        ----------
        inputs : ndarray of float32, shape (n, size, size), range [0, 1]
            As `preparation` gives them.

        Returns
        -------
        ndarray of float32, shape (n, classes)
        """
        side = self.preparation.size
        if inputs.ndim != 3 or inputs.shape[1:] != (side, side):
            msg = f"inputs: expected shape (n, {side}, {side}), found {inputs.shape}"
            raise ValueError(msg)
        return np.array(self._graph(inputs[:, None].astype(np.float32))[0])

    def predict(self, path: Path | str) -> Prediction:
        """Predict one file.

        Raises
        ------
        RadiographError
            If the file does not give a radiograph.
        """
        return self._classify(path, self._prepare(path))

    def predict_many(self, paths: Sequence[Path | str], progress: Progress = SILENT) -> Iterator[Prediction]:
        """Predict files in order; one that cannot be read gives a prediction with its error."""

        def prepare(path: Path | str) -> NDArray[np.float32] | RadiographError:
            try:
                return self._prepare(path)
            except RadiographError as error:
                return error

        prepared = zip(paths, ahead(prepare, paths), strict=True)
        for path, pixels in progress.track(prepared, what="Predicting", total=len(paths)):
            if isinstance(pixels, RadiographError):
                yield Prediction(image=str(path), error=pixels.cause, remedy=pixels.remedy)
            else:
                yield self._classify(path, pixels)

    def _prepare(self, path: Path | str) -> NDArray[np.float32]:
        return self.preparation.apply(read(path).pixels)

    def _classify(self, path: Path | str, pixels: NDArray[np.float32]) -> Prediction:
        probability = self.probabilities(pixels[None])
        code = int(decide(probability, self._threshold)[0])
        return Prediction(
            image=str(path),
            predicted=self.classes[code],
            probability=dict(zip(self.classes, map(float, probability[0]), strict=True)),
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
