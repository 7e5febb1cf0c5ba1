"""From a trained classifier to the files that are deployed."""

from __future__ import annotations

from pathlib import Path

from hilum.backbone import Backbone
from hilum.bundle.bundle import Bundle
from hilum.bundle.graph import GRAPH_FILES, write_graph
from hilum.bundle.manifest import (
    BackboneRecord,
    HeadRecord,
    Manifest,
    PrecisionRecord,
    PreprocessingRecord,
    ThresholdRecord,
)
from hilum.classifier import Head, Threshold
from hilum.files import hash_file
from hilum.radiograph import Preprocessing
from hilum.recipe import Recipe

__all__ = ["HEAD_FILE", "save"]


HEAD_FILE = "head.safetensors"


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
    """Write a bundle into `folder` and load it again.

    Parameters
    ----------
    folder : Path
        Made if absent.
    recipe : Recipe
        What trained the classifier.
    preprocessing, backbone, head, threshold
        Its parts.
    precision : PrecisionRecord, optional
        What the backbone is computed in; float32 otherwise.
    details : dict
        What the head's fitting chose.
    fitted_on : int
        Rows that the head was fitted on.
    synthetic : bool
        Whether these were synthetic radiographs.
    versions : dict of str to str
        Of the software.

    Returns
    -------
    Bundle
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_graph(folder, backbone.graph, head)
    head.write(folder / HEAD_FILE)
    settings = recipe.backbone
    manifest = Manifest(
        recipe=recipe.name,
        classes=head.classes,
        preprocessing=PreprocessingRecord(size=preprocessing.size, fit=recipe.preprocessing.fit),
        backbone=BackboneRecord(
            name=backbone.name,
            weights=backbone.weights.origin,
            licence=backbone.weights.licence,
            hash=backbone.weights.hash,
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
        files={name: hash_file(folder / name) for name in (*GRAPH_FILES, HEAD_FILE)},
        versions=versions,
    )
    manifest.write(folder)
    return Bundle.load(folder)
