"""A made-up study of any size: what stages are timed on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.bench.synthetic import cohort_of, features_of, films_of, predictions_of, recipe_of, write_files
from hilum.cohort import Cohort, Fold, split
from hilum.metrics import Predictions, clinical, confusion, metrics_of_parts, pr_curve, roc_curve
from hilum.recipe import Recipe, dump
from hilum.report import BackboneFacts, Content, Environment

__all__ = ["Study"]


@dataclass(frozen=True)
class Study:
    """What stages work on, made anew in every process; large parts are kept in a folder.

    Parameters
    ----------
    rows : int
    folder : Path
        Of this study alone.
    """

    rows: int
    folder: Path

    @cached_property
    def recipe(self) -> Recipe:
        """The demo's, with a linear head."""
        return recipe_of()

    @cached_property
    def cohort(self) -> Cohort:
        """The table."""
        return cohort_of(self.rows, self.recipe)

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """Of every row, float32 (rows, 1280)."""
        path = self.folder / "features.npy"
        if not path.exists():
            np.save(path, features_of(self.cohort.table, self.recipe))
        found: NDArray[np.float32] = np.load(path)
        return found

    @cached_property
    def fold(self) -> Fold:
        """Six of ten rows train, as the recipe says."""
        return split(self.cohort.table, self.recipe.split)[0]

    @cached_property
    def predictions(self) -> Predictions:
        """Of every row, without a head."""
        return predictions_of(self.cohort.table, self.recipe, self.fold)

    @cached_property
    def test(self) -> Predictions:
        """Those of the test rows."""
        return self.predictions.part("test")

    @property
    def data(self) -> Path:
        """A folder with a tiny image for every row."""
        if not (self.folder / "images").exists():
            write_files(self.cohort, self.folder)
        return self.folder

    @property
    def rng(self) -> np.random.Generator:
        """A new one, always the same."""
        return np.random.default_rng(0)

    def content(self) -> Content:
        """What the report shows."""
        return Content(
            recipe=self.recipe,
            recipe_text=dump(self.recipe),
            cohort=self.cohort.table,
            exclusions=self.cohort.exclusions,
            history=pd.DataFrame(columns=["epoch", "fold"]),
            predictions=self.predictions,
            metrics=metrics_of_parts(self.predictions, self.rng, resamples=10),
            roc=roc_curve(self.test),
            pr=pr_curve(self.test, self.rng, resamples=10),
            confusion=confusion(self.test),
            clinical=clinical(self.predictions, 0.5, self.rng),
            threshold=0.5,
            threshold_choice="fixed at 0.5",
            backbone=BackboneFacts("efficientnet_lite0", "ImageNet", "Apache-2.0", 1280, 3_374_976),
            environment=Environment("CPU"),
            thumbnails=films_of(self.test),
            synthetic=True,
        )
