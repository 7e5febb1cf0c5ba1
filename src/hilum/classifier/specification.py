"""What a network made elsewhere expects and returns: a small YAML file beside its ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hilum.errors import ClassifierError, RecipeError, did_you_mean
from hilum.recipe.loading import line_number, parse_yaml

__all__ = ["PRESETS", "ModelSpecification"]

_FINDINGS = [
    "Atelectasis",
    "Consolidation",
    "Infiltration",
    "Pneumothorax",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Effusion",
    "Pneumonia",
    "Pleural_Thickening",
    "Cardiomegaly",
    "Nodule",
    "Mass",
    "Hernia",
    "Lung Lesion",
    "Fracture",
    "Lung Opacity",
    "Enlarged Cardiomediastinum",
]
"""torchxrayvision's ``default_pathologies``, the outputs of its DenseNets."""

PRESETS: dict[str, dict[str, Any]] = {
    "torchxrayvision": {
        "size": 224,
        "fit": "crop",
        "resize": "skimage",
        "channels": 1,
        "range": [-1024, 1024],
        "columns": _FINDINGS,
        "output": "none",
    },
    "imagenet": {
        "size": 224,
        "fit": "crop",
        "shorter_side": 256,
        "channels": 3,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "output": "softmax",
    },
    "keras-vgg16": {
        "size": 224,
        "fit": "stretch",
        "resize": "opencv",
        "channels": 3,
        "range": [0, 255],
        "mean": [103.939, 116.779, 123.68],
        "output": "none",
    },
}
"""Defaults that the key `preset` names; any other key overrides them.

torchxrayvision: its DenseNets with released weights, which return calibrated probabilities of 18 findings.
imagenet: torchvision's evaluation transform, resize to 256, central 224. keras-vgg16: ``preprocess_input`` of
Keras' VGG16 after ``cv2.resize``, channels in the order blue, green, red.
"""

PerChannel = float | Annotated[list[float], Field(min_length=1, max_length=3)]


class ModelSpecification(BaseModel):
    """What a network expects and returns.

    A pixel of a radiograph, in [0, 1], becomes ``(low + pixel * (high - low) - mean) / std``.

    Parameters
    ----------
    preset : str, optional
        One of `PRESETS`, for the keys that are not stated.
    classes : list of str
        Labels in the order of the outputs; of two, the second is the positive one.
    size : int
        Side in pixels of the square that the network takes.
    fit : str
        How a radiograph becomes square: ``stretch``, ``crop`` (central square) or ``pad`` (black).
    shorter_side : int, optional
        With ``fit: crop``: the shorter side is resized to so many pixels, then the centre is cut out.
    resize : str
        Whose interpolation: ``pillow`` (antialiased, torchvision's too), ``skimage`` (Gaussian filter before
        linear interpolation, zero outside) or ``opencv`` (linear without antialiasing, TensorFlow's too).
    channels : int
        1, or 3 equal ones.
    range : list of float
        Values of black and white, before `mean` and `std`.
    mean, std : float or list of float
        One value, or one a channel in the network's order.
    layout : str, optional
        ``nchw`` or ``nhwc``; read from the network's input otherwise.
    columns : list of str, optional
        Names of the network's outputs, where it has more than are asked for.
    outputs : dict of str to int or str, optional
        The output of each class: its column, its name in `columns`, or the name of an output tensor. Of two
        classes the positive one alone may be named.
    output : str
        What the outputs are: ``sigmoid`` or ``softmax`` is still to be applied, or ``none``.
    threshold : float, optional
        Decision threshold of the positive class, for two classes; 0.5 otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    preset: Literal["torchxrayvision", "imagenet", "keras-vgg16"] | None = None
    classes: Annotated[list[str], Field(min_length=2)]
    size: Annotated[int, Field(ge=16, le=4096)]
    fit: Literal["stretch", "crop", "pad"] = "stretch"
    shorter_side: Annotated[int, Field(ge=16, le=4096)] | None = None
    resize: Literal["pillow", "skimage", "opencv"] = "pillow"
    channels: Literal[1, 3]
    range: Annotated[list[float], Field(min_length=2, max_length=2)] = [0.0, 1.0]
    mean: PerChannel = 0.0
    std: PerChannel = 1.0
    layout: Literal["nchw", "nhwc"] | None = None
    columns: list[str] | None = None
    outputs: Annotated[dict[str, int | str], Field(min_length=1)] | None = None
    output: Literal["sigmoid", "softmax", "none"]
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, values: Any) -> Any:
        preset = values.get("preset") if isinstance(values, dict) else None
        if not isinstance(preset, str) or preset not in PRESETS:
            return values
        defaults = dict(PRESETS[preset])
        if values.get("fit", "crop") != "crop":
            defaults.pop("shorter_side", None)
        return defaults | values

    @field_validator("classes", "columns")
    @classmethod
    def _distinct(cls, names: list[str] | None) -> list[str] | None:
        if names is not None and (len(set(names)) < len(names) or not all(name.strip() for name in names)):
            raise ValueError("expected distinct names")
        return names

    @field_validator("std")
    @classmethod
    def _not_zero(cls, std: PerChannel) -> PerChannel:
        if min(std if isinstance(std, list) else [std]) <= 0:
            raise ValueError("expected numbers above 0")
        return std

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, value in (("mean", self.mean), ("std", self.std)):
            if isinstance(value, list) and len(value) != self.channels:
                raise ValueError(f"{name}: expected one value, or {self.channels}, found {len(value)}")
        if self.shorter_side is not None and (self.fit != "crop" or self.shorter_side < self.size):
            raise ValueError("shorter_side: needs `fit: crop`, and at least as many pixels as `size`")
        if self.range[0] >= self.range[1]:
            raise ValueError(f"range: expected the value of black below that of white, found {self.range}")
        if len(self.classes) > 2 and self.threshold is not None:
            raise ValueError("threshold: of three classes or more the most probable one is predicted")
        if len(self.classes) > 2 and self.output == "sigmoid":
            raise ValueError(
                "output: sigmoid gives no probabilities of three exclusive classes; use softmax, or ask for"
                " one finding with `outputs`"
            )
        self._check_outputs()
        return self

    def _check_outputs(self) -> None:
        if self.outputs is None:
            return
        allowed = [set(self.classes), {self.classes[1]}] if len(self.classes) == 2 else [set(self.classes)]
        if set(self.outputs) not in allowed:
            raise ValueError(
                f"outputs: expected every class, or of two classes the positive one,"
                f" {self.classes[1]}; found {', '.join(self.outputs)}"
            )

    @classmethod
    def read(cls, path: Path | str) -> ModelSpecification:
        """Read a YAML file.

        Raises
        ------
        ClassifierError
            If it is missing or not valid; the message names the key, its line and, for a misspelt key, the
            nearest known one.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
            values = parse_yaml(text, path)
        except RecipeError as error:
            raise ClassifierError(error.what, path=path, found=error.found) from error
        except (OSError, UnicodeDecodeError) as error:
            cause = getattr(error, "strerror", None) or "no UTF-8 text"
            raise ClassifierError("the preprocessing cannot be read", path=path, found=cause) from error
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _explained(error, path, text) from error


_WITHOUT_VALUE = {"extra_forbidden": "unknown key", "missing": "this key is required"}


def _explained(error: ValidationError, path: Path, text: str) -> ClassifierError:
    """Return the first finding with its key, line and remedy; an unknown key before one that is missing."""
    findings = error.errors()
    first = next((each for each in findings if each["type"] == "extra_forbidden"), findings[0])
    location = first["loc"][:1]
    line = line_number(text, location) if location else None
    key = "".join(map(str, location)) + (f" (line {line})" if line else "")
    words = _WITHOUT_VALUE.get(first["type"], first["msg"].removeprefix("Value error, "))
    named = bool(location) and first["type"] not in _WITHOUT_VALUE
    remedy = None
    if first["type"] == "extra_forbidden":
        remedy = did_you_mean(str(location[0]), ModelSpecification.model_fields)
    elif location == ("preset",):
        remedy = did_you_mean(str(first["input"]), PRESETS)
    return ClassifierError(
        f"{key}: {words}" if key else words,
        path=path,
        found=repr(first["input"])[:80] if named else None,
        remedy=remedy,
    )
