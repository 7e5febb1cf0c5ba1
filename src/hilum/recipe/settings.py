"""What a recipe states, section by section, as validated values.

Every stage takes its own section; nothing here knows how a stage does its work.
"""

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
    """The numbers that a network's layers are computed in."""

    FLOAT32 = "float32"
    """24 bits of significand."""
    BFLOAT16 = "bfloat16"
    """8 bits; the exponents of float32."""
    FLOAT16 = "float16"
    """11 bits; up to 65,504."""


class EngineKind(StrEnum):
    """What runs a network."""

    AUTO = "auto"
    """PyTorch where there is an accelerator, else OpenVINO."""
    OPENVINO = "openvino"
    """On the CPU."""
    TORCH = "torch"
    """On the accelerator, or the CPU where there is none."""


Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of a recipe: immutable, and without a key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Selection(Section):
    """Rows of one source that become one label.

    Parameters
    ----------
    source : str
        Name of a source (``hilum cohort list``).
    label : str, optional
        The label these rows get; without it they keep the source's own.
    where : dict of str to list of str
        Column and the values to keep; rows with others are excluded, with that as the reason.
    limit : int, optional
        Keep the first rows only, in the source's order.
    options : dict
        What the source itself takes, as ``folder`` or ``table`` do.
    """

    source: str
    label: str | None = None
    where: dict[str, list[str]] = {}
    limit: Count | None = None
    options: dict[str, str | int | float | bool] = {}


class CohortSettings(Section):
    """Which images, with which labels.

    Parameters
    ----------
    classes : list of str
        Labels in the order of the outputs; of two, the second is the positive one.
    select : list of Selection
        Where the rows come from, in order.
    duplicates : {"drop", "keep"}
        Whether a file with the same bytes as an earlier one is excluded.
    """

    classes: Annotated[list[str], Field(min_length=2)]
    select: Annotated[list[Selection], Field(min_length=1)]
    duplicates: Literal["drop", "keep"] = "drop"

    @model_validator(mode="after")
    def _labels_are_classes(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            msg = "classes: each may be named once"
            raise ValueError(msg)
        for selection in self.select:
            if selection.label is not None and selection.label not in self.classes:
                msg = f"label {selection.label!r} is none of the classes {self.classes}"
                raise ValueError(msg)
        return self


class SplitBy(StrEnum):
    """What must not be shared between training, validation and test."""

    IMAGE = "image"
    PATIENT = "patient"
    SOURCE = "source"
    COLUMN = "column"


class Validation(StrEnum):
    """Which training rows validate."""

    LAST = "last"
    """The last rows in the shuffled order, as Keras' ``validation_split``."""
    STRATIFIED = "stratified"
    """Drawn with the split's own rule, patients apart where it keeps them apart."""


class SplitSettings(Section):
    """How rows divide into training, validation and test.

    Parameters
    ----------
    by : SplitBy
        ``image`` as the tutorial, ``patient`` (stratified, grouped), ``source`` (each left out once) or
        ``column`` (the cohort's own ``split`` column).
    test : float
        Share of rows that test; not used with `folds`, ``source`` or ``column``.
    validation : float
        Share of the training rows that validate.
    validation_rows : Validation
        How those are chosen.
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
    """From a radiograph to a network's input.

    Parameters
    ----------
    size : int, optional
        Side of the square input in pixels; without it the network's own.
    fit : {"stretch", "crop", "pad"}
        How an oblong image becomes square.
    """

    size: Annotated[int, Field(ge=32, le=2048)] | None = None
    fit: Literal["stretch", "crop", "pad"] = "stretch"


class MapPooling(Section):
    """Mean over the whole feature map: one value a channel."""

    kind: Literal["map"] = "map"


class WindowPooling(Section):
    """Means over windows of `size` × `size` cells with the same stride, "valid": cells left over are dropped.

    Two windows of 2 on a map of 7 leave the last row and column out; a window of 4 leaves one cell.
    """

    kind: Literal["windows"] = "windows"
    size: Count


PoolingSettings = Annotated[MapPooling | WindowPooling, Field(discriminator="kind")]


class Normalisation(StrEnum):
    """What is done to pixels in [0, 1] before the network."""

    NETWORK = "network"
    """The mean and deviation that the weights were trained with."""
    UNIT = "unit"
    """Nothing more: the tutorial's ``X / 255``."""


class BackboneSettings(Section):
    """A frozen network and how its map becomes features.

    Parameters
    ----------
    name : str
        Any timm network; ``hilum backbones`` lists some.
    weights : str
        ``imagenet``, ``random``, or a safetensors file.
    normalisation : Normalisation
    pooling : MapPooling or WindowPooling
    """

    name: str = "efficientnet_lite0"
    weights: str = "imagenet"
    normalisation: Normalisation = Normalisation.NETWORK
    pooling: PoolingSettings = MapPooling()


class EngineSettings(Section):
    """What runs the network, and in which numbers.

    Parameters
    ----------
    kind : EngineKind
    precision : Precision or "auto"
        ``auto`` takes the processor's own reduced precision, where the run's validation images allow it (no
        decision flips, no probability moves by more than 0.01), and float32 otherwise.
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

    Defaults are Model 1's. Training ends after `epochs`, or after the epoch whose training loss is at or
    below `enough_loss`: there is nothing left to learn then, and the weights hardly move.
    """

    kind: Literal["dense"] = "dense"
    units: Count = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    epochs: Count = 50
    batch: Count = 8
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    plateau: PlateauSettings | None = None
    enough_loss: Annotated[float, Field(gt=0)] | None = None


class LinearHeadSettings(Section):
    """Logistic regression on standardised features.

    Parameters
    ----------
    C : list of float
        Inverse regularisation C (scikit-learn's ``C``) to choose from.
    folds : int
        Folds of the training rows, patients apart, on which the strength is chosen by log loss.
    """

    kind: Literal["linear"] = "linear"
    C: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = [
        1e-4,
        1e-3,
        1e-2,
        1e-1,
        1.0,
    ]
    folds: Annotated[int, Field(ge=2)] = 5


HeadSettings = Annotated[DenseHeadSettings | LinearHeadSettings, Field(discriminator="kind")]


class FixedThreshold(Section):
    """The positive class is predicted from this probability on."""

    kind: Literal["fixed"] = "fixed"
    value: Share = 0.5


class TargetThreshold(Section):
    """The threshold that reaches a sensitivity on the validation rows with the best specificity."""

    kind: Literal["sensitivity"] = "sensitivity"
    target: Annotated[float, Field(gt=0, le=1)] = 0.95


ThresholdSettings = Annotated[FixedThreshold | TargetThreshold, Field(discriminator="kind")]


class Published(Section):
    """A figure that the recipe's source reports, to stand beside ours.

    Parameters
    ----------
    metric : str
        A metric's name, as in ``metrics.json``.
    value : float
    n : int, optional
        Images that it was measured on.
    backbone : str, optional
        The network, where the source reports several.
    note : str
        What the source measured.
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
        Short name, one line for people, and where the design comes from.
    cohort, split, preprocessing, backbone, engine, head, threshold
        One section a stage.
    seed : int
        Of everything random besides the split: initial weights, shuffling, dropout, bootstrap.
    published : list of Published
        What the source reports.
    caveats : list of str
        What is known to be wrong with the design; shown in the report.
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
