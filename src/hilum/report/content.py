"""All that a report shows, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing import Audit, Example
from hilum.metrics import PARTS, Clinical, ConfusionMatrix, Estimate, PrCurve, Predictions, RocCurve
from hilum.recipe import Recipe
from hilum.recipe.settings import Published

__all__ = ["COHORT_COLUMNS", "EXCLUSION_COLUMNS", "BackboneFacts", "Content", "Environment"]


COHORT_COLUMNS = ("image", "label", "patient", "source", "rows", "columns", "format")
EXCLUSION_COLUMNS = ("image", "source", "reason", "detail")


@dataclass(frozen=True)
class BackboneFacts:
    """The frozen network behind the features.

    Parameters
    ----------
    name : str
        As timm knows it, whatever other name a recipe gave.
    weights : str
        Where the weights come from, in words: ``"ImageNet"``, ``"random (not trained)"``, a file's name.
    licence : str
        Of the weights.
    features : int
        Values it gives for an image, after pooling.
    parameters : int
        Its weights, counted.
    """

    name: str
    weights: str
    licence: str
    features: int
    parameters: int


@dataclass(frozen=True)
class Environment:
    """Where and how long the run ran.

    Parameters
    ----------
    device : str
        What computed the features, and in which precision.
    versions : mapping of str to str
        Software and its version, Python among it.
    seconds : mapping of str to float
        Stage and its duration in seconds, in the order they ran.
    """

    device: str
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Content:
    """All that a report shows; the run fills it, the report draws it.

    Parameters
    ----------
    recipe : Recipe
        The resolved experiment.
    recipe_text : str
        The same as YAML.
    cohort : DataFrame
        One row per image, with at least `COHORT_COLUMNS`.
    exclusions : DataFrame
        One row per image left out, with at least `EXCLUSION_COLUMNS`.
    history : DataFrame
        One row per epoch (and fold): epoch, loss, accuracy, val_loss, val_accuracy, learning_rate, fold.
        Empty where a head is fitted in one step.
    predictions : Predictions
        Of all parts.
    metrics : mapping of str to mapping of str to Estimate
        Part, metric, figure.
    roc, pr : mapping of str to RocCurve, mapping of str to PrCurve
        Class and curve, of the test rows; without the classes for which there is none.
    confusion : ConfusionMatrix
        Of the test rows.
    threshold : float, optional
        The positive class is predicted from this probability on; None with three classes or more.
    threshold_choice : str
        How it was chosen, as a clause: ``"fixed at 0.5"``.
    backbone : BackboneFacts
    environment : Environment
    thumbnails : mapping of str to ndarray of uint8, shape (rows, columns)
        Image and its small copy, for the test images; an image without one is named without a picture.
    synthetic : bool
        Whether any radiograph is made, not taken.
    splits_share_patients : int
        Patients with images on both sides of a split.
    clinical : Clinical
        Calibration, other thresholds and other prevalences; empty where they were not worked out.
    audit : Audit, optional
        Whether the result can be believed; None where nobody asked.
    examples : mapping of Example to ndarray of uint8, shape (rows, columns)
        Pixels of the audit's examples; one without them is named without a picture.

    Raises
    ------
    ValueError
        A table without its columns, no figures of the test part, a thumbnail of another type.
    """

    recipe: Recipe
    recipe_text: str
    cohort: pd.DataFrame
    exclusions: pd.DataFrame
    history: pd.DataFrame
    predictions: Predictions
    metrics: Mapping[str, Mapping[str, Estimate]]
    roc: Mapping[str, RocCurve]
    pr: Mapping[str, PrCurve]
    confusion: ConfusionMatrix
    backbone: BackboneFacts
    environment: Environment
    threshold: float | None = None
    threshold_choice: str = ""
    thumbnails: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    synthetic: bool = False
    splits_share_patients: int = 0
    clinical: Clinical = field(default_factory=Clinical)
    audit: Audit | None = None
    examples: Mapping[Example, NDArray[np.uint8]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require("cohort", self.cohort, COHORT_COLUMNS)
        _require("exclusions", self.exclusions, EXCLUSION_COLUMNS)
        if "test" not in self.metrics:
            msg = f"metrics: expected a part 'test', found {sorted(self.metrics)}"
            raise ValueError(msg)
        films = [*self.thumbnails.items(), *((one.image, film) for one, film in self.examples.items())]
        for image, film in films:
            if film.dtype != np.uint8 or film.ndim != 2:
                msg = f"thumbnail of {image}: expected uint8 (rows, columns), found {film.dtype}"
                raise ValueError(msg)

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the outputs."""
        return self.predictions.classes

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that have figures, test first."""
        return tuple(part for part in reversed(PARTS) if part in self.metrics)

    @property
    def untrained(self) -> bool:
        """Whether the backbone's weights are random."""
        return self.recipe.backbone.weights == "random"

    @property
    def published(self) -> tuple[Published, ...]:
        """What the recipe's source reports, with our network's figures first."""
        return tuple(sorted(self.recipe.published, key=lambda row: row.backbone != self.backbone.name))


def _require(name: str, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        msg = f"{name}: expected columns {', '.join(columns)}, found none named {', '.join(missing)}"
        raise ValueError(msg)
