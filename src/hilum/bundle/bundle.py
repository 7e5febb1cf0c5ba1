"""A classifier as it is deployed: loading it, predicting with it, and saving one, without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.bundle.manifest import (
    BackboneRecord,
    HeadRecord,
    Manifest,
    PrecisionRecord,
    PreprocessingRecord,
    ThresholdRecord,
)
from hilum.classifier import Threshold
from hilum.errors import BundleError
from hilum.executor import LOCAL
from hilum.files import hash_file
from hilum.radiograph import Fit, Preprocessing, Radiograph

if TYPE_CHECKING:
    from hilum.backbone import Backbone
    from hilum.bundle.graph import Inference
    from hilum.classifier import Head
    from hilum.recipe import Recipe

__all__ = ["Bundle", "save"]

_HEAD_FILE = "head.safetensors"


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
        from hilum.bundle.graph import Inference  # noqa: PLC0415  loads OpenVINO, while images are decoded

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
        """Yield the probabilities of prepared images, float32 (classes,), in order.

        The network is compiled while the first image is prepared.
        """
        images = iter(inputs)

        def compile_network() -> None:
            _ = self._inference

        _, first = LOCAL.map(_call, [compile_network, lambda: next(images, None)])
        if first is not None:
            yield from self._inference.run(chain([first], images))

    def predict(self, radiographs: Iterable[Radiograph]) -> NDArray[np.float32]:
        """Compute the probabilities of radiographs, float32 (n, classes)."""
        found = list(self.run(self.prepare(radiograph) for radiograph in radiographs))
        return np.array(found, np.float32).reshape(-1, len(self.classes))


def _call(task: Callable[[], NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    return task()


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


def save(
    folder: Path,
    *,
    recipe: Recipe,
    preprocessing: Preprocessing,
    backbone: Backbone,
    precision: PrecisionRecord | None = None,
    head: Head,
    threshold: Threshold,
    details: dict[str, object],
    fitted_on: int,
    synthetic: bool,
    versions: dict[str, str],
) -> Bundle:
    """Write a trained classifier as a bundle into `folder`, which is made if absent.

    Parameters
    ----------
    precision : PrecisionRecord, optional
        Of the backbone; float32 otherwise.
    details : dict
        What the head's fitting chose.
    fitted_on : int
        Rows that the head was fitted on.
    synthetic : bool
        Whether these were synthetic radiographs.
    versions : dict of str to str
        Of the software.
    """
    from hilum.bundle.graph import GRAPH_FILES, write_graph  # noqa: PLC0415  loads OpenVINO

    folder.mkdir(parents=True, exist_ok=True)
    write_graph(folder, backbone.graph, head)
    head.write(folder / _HEAD_FILE)
    settings, weights = recipe.backbone, backbone.weights
    manifest = Manifest(
        recipe=recipe.name,
        classes=head.classes,
        preprocessing=PreprocessingRecord(size=preprocessing.size, fit=recipe.preprocessing.fit),
        backbone=BackboneRecord(
            name=backbone.name,
            weights=weights.origin,
            licence=weights.licence,
            hash=weights.hash,
            normalisation=settings.normalisation,
            pooling=settings.pooling,
            features=backbone.features,
            parameters=backbone.parameters,
        ),
        precision=precision or PrecisionRecord(),
        head=HeadRecord(
            kind=recipe.head.kind, parameters=head.parameters, details=details, fitted_on=fitted_on
        ),
        threshold=ThresholdRecord(value=threshold.value, rule=threshold.rule),
        synthetic=synthetic,
        files={name: hash_file(folder / name) for name in (*GRAPH_FILES, _HEAD_FILE)},
        versions=versions,
    )
    manifest.write(folder)
    return Bundle(folder, manifest)
