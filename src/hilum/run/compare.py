"""Two classifiers on the same images: runs, or tables of predictions made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hilum.metrics import Comparison, Predictions, read_predictions
from hilum.metrics import compare as compare_predictions
from hilum.run.run import Run

__all__ = ["compare", "open_predictions"]


def compare(
    a: Run | Predictions | Path | str,
    b: Run | Predictions | Path | str,
    *,
    classes: Sequence[str] | None = None,
) -> Comparison:
    """Compare two classifiers on the test images that both have predicted.

    Parameters
    ----------
    a, b : Run, Predictions, Path or str
        A run or its folder, the folder of an evaluation, or a table of predictions; see
        `hilum.metrics.read_predictions`.
    classes : sequence of str, optional
        Of tables that do not say which class is positive.

    Raises
    ------
    HilumError
        If one cannot be read, the classes differ, or no image is in both.
    """
    first, second = (open_predictions(each, classes) for each in (a, b))
    return compare_predictions(first.part("test"), second.part("test"), np.random.default_rng(_seed(a)))


def open_predictions(
    place: Run | Predictions | Path | str, classes: Sequence[str] | None = None
) -> Predictions:
    """Open the predictions of a run, of an evaluation's folder, or of a table; see `compare`."""
    if isinstance(place, Predictions):
        return place
    if isinstance(place, Run):
        return place.predictions
    place = Path(place)
    if place.is_file():
        return read_predictions(place, classes=classes).predictions
    return Run.open(place).predictions


def _seed(place: Run | Predictions | Path | str) -> int:
    """The seed of the run's recipe; 0 where there is none."""
    if isinstance(place, Predictions):
        return 0
    run = place if isinstance(place, Run) else Run(Path(place))
    return run.recipe.seed if (run.path / "recipe.yaml").is_file() else 0
