"""The content of a report: everything that it shows, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing import Audit, Example
from hilum.metrics import PARTS, Clinical, ConfusionMatrix, Estimate, PrCurve, Predictions, RocCurve
from hilum.recipe import Recipe
from hilum.recipe.settings import Published

__all__ = ["COHORT_COLUMNS", "EXCLUSION_COLUMNS", "BackboneFacts", "Content", "Environment", "Pixels"]

COHORT_COLUMNS = ("image", "label", "patient", "source")
EXCLUSION_COLUMNS = ("image", "source", "reason", "detail")

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class BackboneFacts:
    """The frozen network that computes the features.

    Parameters
    ----------
    name : str
        As in timm.
    weights : str
        Their origin: ``"ImageNet"``, ``"random (not trained)"``, a file name.
    licence : str
        Of the weights.
    features : int
        Length of the feature vector of an image, after pooling.
    parameters : int
        Number of weights.
    """

    name: str
    weights: str
    licence: str
    features: int
    parameters: int


@dataclass(frozen=True)
class Environment:
    """Hardware, software and run time.

    Parameters
    ----------
    device : str
        Device and precision of the features.
    versions : mapping of str to str
        Version of Python and of each library.
    seconds : mapping of str to float
        Duration of each stage in s, in their order.
    """

    device: str
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


def _no_exclusions() -> pd.DataFrame:
    return pd.DataFrame(columns=list(EXCLUSION_COLUMNS))


@dataclass(frozen=True, eq=False)
class Content:
    """Everything that a report shows.

    Only predictions and what is computed from them are required, so that any classifier can be reported. A
    section whose data are missing is left out, and the report names it.

    Parameters
    ----------
    predictions : Predictions
        Of all parts.
    cohort : DataFrame
        One row per image, with at least `COHORT_COLUMNS`; rows, columns, age and sex are shown if known.
    metrics : mapping of str to mapping of str to Estimate
        By part and metric.
    roc, pr : mapping of str to RocCurve, mapping of str to PrCurve
        Curves of the test images by class; without classes that have no curve.
    confusion : ConfusionMatrix
        Of the test images.
    exclusions : DataFrame
        One row per excluded image, with at least `EXCLUSION_COLUMNS`.
    classifier : str
        Name of a classifier that has no recipe.
    recipe : Recipe, optional
    recipe_text : str
        The recipe as YAML.
    history : DataFrame, optional
        One row per epoch and fold: epoch, loss, accuracy, val_loss, val_accuracy, fold.
    backbone : BackboneFacts, optional
    environment : Environment, optional
    threshold : float, optional
        The positive class is predicted when its probability is at least this; None for three or more classes.
    threshold_choice : str
        How the threshold was chosen, as a clause: ``"fixed at 0.5"``.
    thumbnails : mapping of str to ndarray of uint8, shape (rows, columns)
        Small copies of the test images, by image.
    synthetic : bool
        Whether any radiograph is computer-generated.
    splits_share_patients : int
        Number of patients with images in both the test and the training part of a fold.
    clinical : Clinical
        Calibration, operating points, predictive values and decision curve.
    audit : Audit, optional
    examples : mapping of Example to ndarray of uint8, shape (rows, columns)
        Pixels of the audit's examples.

    Raises
    ------
    ValueError
        A column or the metrics of the test part are missing, or a thumbnail is not uint8 (rows, columns).
    """

    predictions: Predictions
    cohort: pd.DataFrame
    metrics: Mapping[str, Mapping[str, Estimate]]
    roc: Mapping[str, RocCurve]
    pr: Mapping[str, PrCurve]
    confusion: ConfusionMatrix
    exclusions: pd.DataFrame = field(default_factory=_no_exclusions)
    classifier: str = "a classifier"
    recipe: Recipe | None = None
    recipe_text: str = ""
    history: pd.DataFrame | None = None
    backbone: BackboneFacts | None = None
    environment: Environment | None = None
    threshold: float | None = None
    threshold_choice: str = ""
    thumbnails: Mapping[str, Pixels] = field(default_factory=dict)
    synthetic: bool = False
    splits_share_patients: int = 0
    clinical: Clinical = field(default_factory=Clinical)
    audit: Audit | None = None
    examples: Mapping[Example, Pixels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require("cohort", self.cohort, COHORT_COLUMNS)
        _require("exclusions", self.exclusions, EXCLUSION_COLUMNS)
        if "test" not in self.metrics:
            msg = f"metrics: expected a part 'test', found {sorted(self.metrics)}"
            raise ValueError(msg)
        images = [*self.thumbnails.items(), *((one.image, pixels) for one, pixels in self.examples.items())]
        for image, pixels in images:
            if pixels.dtype != np.uint8 or pixels.ndim != 2:
                msg = f"thumbnail of {image}: expected uint8 (rows, columns), found {pixels.dtype}"
                raise ValueError(msg)

    @property
    def title(self) -> str:
        """Heading of the report."""
        return self.recipe.title if self.recipe else f"Evaluation of {self.classifier}"

    @property
    def name(self) -> str:
        """Name of the recipe, or of the classifier."""
        return self.recipe.name if self.recipe else self.classifier

    @cached_property
    def test(self) -> Predictions:
        """Predictions of the test part."""
        return self.predictions.part("test")

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the outputs."""
        return self.predictions.classes

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that have metrics, test first."""
        return tuple(part for part in reversed(PARTS) if part in self.metrics)

    @property
    def errors(self) -> int:
        """Number of misclassified test images."""
        return self.confusion.n - int(self.confusion.counts.trace())

    @property
    def has_epochs(self) -> bool:
        """Whether there is a training history to draw."""
        return self.history is not None and len(self.history) > 0

    @property
    def untrained(self) -> bool:
        """Whether the backbone's weights are random."""
        return self.recipe is not None and self.recipe.backbone.weights == "random"

    @property
    def published(self) -> tuple[Published, ...]:
        """Results that the recipe's source reports; those with the same backbone first."""
        if self.recipe is None:
            return ()
        own = self.backbone.name if self.backbone else ""
        return tuple(sorted(self.recipe.published, key=lambda row: row.backbone != own))


def _require(name: str, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        msg = f"{name}: expected columns {', '.join(columns)}; missing: {', '.join(missing)}"
        raise ValueError(msg)
