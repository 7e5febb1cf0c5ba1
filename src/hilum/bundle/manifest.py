"""The facts of a bundle, as ``bundle.json`` states them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from hilum.errors import BundleError
from hilum.files import write_json
from hilum.recipe.settings import Normalisation, PoolingSettings, Precision

__all__ = [
    "INTENDED_USE",
    "BackboneRecord",
    "HeadRecord",
    "Manifest",
    "PrecisionErrorRecord",
    "PrecisionRecord",
    "PreprocessingRecord",
    "ThresholdRecord",
]

INTENDED_USE = "Research, not diagnosis."

_FILE = "bundle.json"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class PreprocessingRecord(_Record):
    """From a radiograph to the graph's input, `size` × `size` pixels in [0, 1]."""

    size: int
    fit: Literal["stretch", "crop", "pad"]


class BackboneRecord(_Record):
    """The frozen network inside the graph; `hash` is that of its weights."""

    name: str
    weights: str
    licence: str
    hash: str
    normalisation: Normalisation
    pooling: PoolingSettings
    features: int
    parameters: int


class PrecisionErrorRecord(_Record):
    """The difference between `precision` and float32 on validation images of the run.

    `largest` is the largest change of a probability, `flips` the number of decisions that change.
    """

    precision: Precision
    images: int
    largest: float
    flips: int


class PrecisionRecord(_Record):
    """The backbone's precision; `precision_error` where a reduced one was tried, used or not."""

    value: Precision = Precision.FLOAT32
    precision_error: PrecisionErrorRecord | None = None


class HeadRecord(_Record):
    """The head inside the graph: its kind, what its fitting chose, and the number of training rows."""

    kind: str
    parameters: int
    details: dict[str, object]
    fitted_on: int


class ThresholdRecord(_Record):
    """The positive class is predicted when its probability ≥ `value`; None with three classes or more."""

    value: float | None
    rule: str


class Manifest(_Record):
    """All facts of a bundle.

    `classes` are in the order of the outputs; of two, the second is the positive one. `files` holds the
    SHA-256 of each file beside the manifest, `versions` those of the software that wrote them.
    """

    schema_version: Literal[1] = 1
    intended_use: str = INTENDED_USE
    recipe: str
    classes: tuple[str, ...]
    preprocessing: PreprocessingRecord
    backbone: BackboneRecord
    precision: PrecisionRecord = PrecisionRecord()
    head: HeadRecord
    threshold: ThresholdRecord
    synthetic: bool
    files: dict[str, str]
    versions: dict[str, str]

    def write(self, folder: Path) -> None:
        """Write ``bundle.json`` into `folder`."""
        write_json(folder / _FILE, self.model_dump(mode="json"))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read ``bundle.json`` from `folder`.

        Raises
        ------
        BundleError
            If it is missing, or not of this schema.
        """
        path = folder / _FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BundleError(
                "no model is here", path=path, remedy="Name a run, or the model folder inside one."
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "the file"
            raise BundleError(
                f"{key} is not as this version of hilum writes it", path=path, found=first["msg"]
            ) from error
