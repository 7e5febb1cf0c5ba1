"""A saved classifier, from radiographs to probabilities. It needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.bundle.graph import Inference
from hilum.bundle.manifest import Manifest
from hilum.classifier import Threshold
from hilum.errors import BundleError
from hilum.files import hash_file
from hilum.radiograph import Fit, Preprocessing, Radiograph

__all__ = ["Bundle"]


@dataclass(frozen=True)
class Bundle:
    """A classifier as it is deployed; see `hilum.classifier.Classifier`.

    Parameters
    ----------
    folder : Path
        Where its files are.
    manifest : Manifest
        What it says about itself.

    Examples
    --------
    >>> model = Bundle.load("runs/tutorial-model-1")  # doctest: +SKIP
    >>> model.predict([hilum.read("chest.dcm")])  # doctest: +SKIP
    array([[0.03, 0.97]], dtype=float32)
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

    @property
    def side(self) -> int:
        """Side in pixels of the square that the model looks at."""
        return self.preprocessing.size

    @cached_property
    def threshold(self) -> Threshold:
        """Decision threshold of the positive class; without a value for three classes or more."""
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

    def prepare(self, radiograph: Radiograph) -> NDArray[np.float32]:
        """Return the graph's input, float32 (size, size) in [0, 1]."""
        return self.preprocessing.apply(radiograph.pixels, radiograph.extent)

    def run(self, inputs: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Yield the probabilities of prepared images, float32 (classes,), in order."""
        return self._inference.run(inputs)

    def predict(self, radiographs: Iterable[Radiograph]) -> NDArray[np.float32]:
        """Compute the probabilities of radiographs, float32 (n, classes)."""
        found = list(self.run(self.prepare(radiograph) for radiograph in radiographs))
        return np.array(found, np.float32).reshape(-1, len(self.classes))


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
