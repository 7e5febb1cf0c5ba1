"""The sections of a recipe as validated, immutable values; every stage takes its own section."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "BackboneSettings",
    "CohortSettings",
    "DenseHeadSettings",
    "EngineKind",
    "EngineSettings",
    "FixedThreshold",
    "HeadSettings",
    "LinearHeadSettings",
    "MapPooling",
    "Normalisation",
    "PlateauSettings",
    "PoolingSettings",
    "Precision",
    "PreprocessingSettings",
    "Published",
    "Recipe",
    "Selection",
    "SplitBy",
    "SplitSettings",
    "TargetThreshold",
    "ThresholdSettings",
    "Validation",
    "WindowPooling",
]


class Precision(StrEnum):
    """The number format of a network's computation."""

    FLOAT32 = "float32"
    """24-bit significand."""
    BFLOAT16 = "bfloat16"
    """8-bit significand, exponent range of float32."""
    FLOAT16 = "float16"
    """11-bit significand, up to 65,504."""


class EngineKind(StrEnum):
    """What runs a network."""

    AUTO = "auto"
    """PyTorch if there is an accelerator, otherwise OpenVINO."""
    OPENVINO = "openvino"
    """On the CPU."""
    TORCH = "torch"
    """On the accelerator, or on the CPU if there is none."""


Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of a recipe: immutable, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Selection(Section):
    """Rows of one source, and the label that they get.

    Parameters
    ----------
    source : str
        Name of a source (``hilum cohort list``).
    label : str, optional
        The label of these rows; without it they keep the source's own.
    where : dict of str to list of str
        Column and the values to keep; other rows are excluded, and the exclusion is recorded.
    limit : int, optional
        Keep only the first rows, in the source's order.
    options : dict
        Options of the source, such as those of ``folder`` and ``table``.
    """

    source: str
    label: str | None = None
    where: dict[str, list[str]] = {}
    limit: Count | None = None
    options: dict[str, str | int | float | bool] = {}


class CohortSettings(Section):
    """The images and their labels.

    Parameters
    ----------
    classes : list of str
        Labels in the order of the outputs; of two, the second is the positive one.
    select : list of Selection
    duplicates : {"drop", "keep"}
        Whether a file with the same bytes as an earlier one is excluded.
    """

    classes: Annotated[list[str], Field(min_length=2)]
    select: Annotated[list[Selection], Field(min_length=1)]
    duplicates: Literal["drop", "keep"] = "drop"

    @model_validator(mode="after")
    def _labels_are_classes(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: each may be named once")
        for selection in self.select:
            if selection.label is not None and selection.label not in self.classes:
                raise ValueError(f"label {selection.label!r} is none of the classes {self.classes}")
        return self


class SplitBy(StrEnum):
    """The unit that training, validation and test rows must not share."""

    IMAGE = "image"
    PATIENT = "patient"
    SOURCE = "source"
    COLUMN = "column"


class Validation(StrEnum):
    """How validation rows are chosen from the training rows."""

    LAST = "last"
    """The last rows in the shuffled order, as in Keras' ``validation_split``."""
    STRATIFIED = "stratified"
    """Stratified, and grouped by patient where the split is."""


class SplitSettings(Section):
    """The division of the rows into training, validation and test.

    Parameters
    ----------
    by : SplitBy
        ``image`` as in the tutorial, ``patient`` (stratified, grouped), ``source`` (each left out once) or
        ``column`` (the cohort's own ``split`` column).
    test : float
        Share of rows for testing; not used with `folds`, ``source`` or ``column``.
    validation : float
        Share of the training rows for validation.
    validation_rows : Validation
    folds : int, optional
        k-fold cross-validation: each row tests once.
    seed : int
        Of the shuffle (scikit-learn's ``random_state``).
    """

    by: SplitBy = SplitBy.PATIENT
    test: Share = 0.2
    validation: Share = 0.1
    validation_rows: Validation = Validation.STRATIFIED
    folds: Annotated[int, Field(ge=2)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class PreprocessingSettings(Section):
    """The conversion of a radiograph to a network's input.

    Parameters
    ----------
    size : int, optional
        Side of the square input in pixels; without it the network's own.
    fit : {"stretch", "crop", "pad"}
        How a non-square image becomes square.
    """

    size: Annotated[int, Field(ge=32, le=2048)] | None = None
    fit: Literal["stretch", "crop", "pad"] = "stretch"


class MapPooling(Section):
    """Mean over the whole feature map: one value per channel."""

    kind: Literal["map"] = "map"


class WindowPooling(Section):
    """Means over windows of `size` × `size` cells with the same stride; incomplete windows are dropped.

    On a map of 7 × 7, windows of 2 omit the last row and column, and a single window of 4 fits.
    """

    kind: Literal["windows"] = "windows"
    size: Count


PoolingSettings = Annotated[MapPooling | WindowPooling, Field(discriminator="kind")]


class Normalisation(StrEnum):
    """Normalisation of pixels in [0, 1] before the network."""

    NETWORK = "network"
    """The mean and standard deviation that the weights were trained with."""
    UNIT = "unit"
    """None: the tutorial's ``X / 255``."""


class BackboneSettings(Section):
    """A frozen network and the pooling of its feature map.

    Parameters
    ----------
    name : str
        Any timm network; ``hilum backbones`` lists some.
    weights : str
        ``imagenet``, ``random``, or a safetensors file.
    """

    name: str = "efficientnet_lite0"
    weights: str = "imagenet"
    normalisation: Normalisation = Normalisation.NETWORK
    pooling: PoolingSettings = MapPooling()


class EngineSettings(Section):
    """What runs the network, and in which precision.

    Parameters
    ----------
    precision : Precision or "auto"
        ``auto`` uses the processor's reduced precision if it changes no decision on the validation images and
        no probability by more than 0.01, and float32 otherwise.
    """

    kind: EngineKind = EngineKind.AUTO
    precision: Precision | Literal["auto"] = "auto"


class PlateauSettings(Section):
    """Keras' ReduceLROnPlateau on the validation loss."""

    factor: Share
    patience: Count
    min_learning_rate: Annotated[float, Field(ge=0)]
    cooldown: Annotated[int, Field(ge=0)] = 0
    min_delta: Annotated[float, Field(ge=0)] = 1e-4


class DenseHeadSettings(Section):
    """The tutorial's head: dense, ReLU, dropout, dense, trained by Adam.

    The defaults are Model 1's. Training ends after `epochs`, or earlier once the training loss is at most
    `early_stop_loss`.
    """

    kind: Literal["dense"] = "dense"
    units: Count = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    epochs: Count = 50
    batch: Count = 8
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    plateau: PlateauSettings | None = None
    early_stop_loss: Annotated[float, Field(gt=0)] | None = None


class LinearHeadSettings(Section):
    """Logistic regression on standardised features.

    Parameters
    ----------
    C : list of float
        Values of C (inverse regularisation, as in scikit-learn) to choose from.
    folds : int
        Cross-validation folds of the training rows, grouped by patient, on which C is chosen by log loss.
    """

    kind: Literal["linear"] = "linear"
    C: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    folds: Annotated[int, Field(ge=2)] = 5


HeadSettings = Annotated[DenseHeadSettings | LinearHeadSettings, Field(discriminator="kind")]


class FixedThreshold(Section):
    """The positive class is predicted when its probability is at least `value`."""

    kind: Literal["fixed"] = "fixed"
    value: Share = 0.5


class TargetThreshold(Section):
    """The threshold that reaches a sensitivity on the validation rows with the best specificity."""

    kind: Literal["sensitivity"] = "sensitivity"
    target: Annotated[float, Field(gt=0, le=1)] = 0.95


ThresholdSettings = Annotated[FixedThreshold | TargetThreshold, Field(discriminator="kind")]


class Published(Section):
    """A result that the recipe's source reports, shown beside ours.

    Parameters
    ----------
    metric : str
        A metric's name, as in ``metrics.json``.
    n : int, optional
        Number of images.
    backbone : str, optional
        The network, if the source reports several.
    """

    metric: str
    value: float
    n: Count | None = None
    backbone: str | None = None
    note: str = ""


class Recipe(Section):
    """A whole experiment.

    Parameters
    ----------
    name, title, source : str
        Short name, one line for people, and the origin of the design.
    cohort, split, preprocessing, backbone, engine, head, threshold
        One section per stage.
    seed : int
        Of everything random except the split: initial weights, shuffling, dropout, bootstrap.
    published : list of Published
        Results that the source reports.
    caveats : list of str
        Known flaws of the design; shown in the report.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    source: str = ""
    cohort: CohortSettings
    split: SplitSettings = SplitSettings()
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    backbone: BackboneSettings = BackboneSettings()
    engine: EngineSettings = EngineSettings()
    head: HeadSettings = LinearHeadSettings()
    threshold: ThresholdSettings = TargetThreshold()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    published: list[Published] = []
    caveats: list[str] = []
