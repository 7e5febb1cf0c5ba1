"""Models to measure with: any network behind a head that was fitted on a few synthetic radiographs."""

from __future__ import annotations

from pathlib import Path

from hilum.backbone import EMBEDDED
from hilum.progress import SILENT, Progress
from hilum.recipe import Setting
from hilum.recipe.settings import Precision
from hilum.run.train import train

__all__ = ["IMAGES", "make_model", "weights_of"]


IMAGES = 60
"""Synthetic radiographs that a model is fitted on: time does not depend on how well."""


def weights_of(name: str) -> str:
    """Return the weights to measure a network with: random where others would have to be downloaded."""
    return "imagenet" if name == EMBEDDED else "random"


def make_model(name: str, precision: Precision, folder: Path, progress: Progress = SILENT) -> Path:
    """Train a model on synthetic radiographs and return its run, ``folder/NAME-PRECISION``.

    Parameters
    ----------
    name : str
        Of the network.
    precision : Precision
    folder : Path
        Where the radiographs are drawn, too, once.
    progress : Progress
    """
    words = (
        f"cohort.select.0.options={{images: {IMAGES}, size: 256}}",
        f"backbone.name={name}",
        f"backbone.weights={weights_of(name)}",
        "engine.kind=openvino",
        f"engine.precision={precision}",
    )
    settings = [Setting.parse(word) for word in words]
    out = folder / f"{name}-{precision}"
    train("demo", folder / "data", out, settings=settings, audited=False, progress=progress)
    return out
