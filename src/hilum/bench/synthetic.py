"""A study of any size without radiographs: the tables, features and predictions that stages are timed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.special import expit

from hilum.cohort import Cohort, Fold
from hilum.metrics import Predictions
from hilum.recipe import Recipe, Setting, load

__all__ = ["FEATURES", "cohort_of", "features_of", "films_of", "predictions_of", "recipe_of", "write_files"]


FEATURES = 1280
"""Values an image, as EfficientNet-Lite0 gives."""

_IMAGES_A_PATIENT = 2
_PREVALENCE = 0.3
_SOURCES = ("north", "south", "east", "west", "centre")
_FACTORS = 64  # directions in which features vary together
_BLOCK_ROWS = 4096
_SIDE_PX = 16
_ROWS_A_FOLDER = 1000


def recipe_of(*settings: Setting) -> Recipe:
    """Return the demo's recipe, its images in folders by class with the patient in their names."""
    select = [{"source": "folder", "options": {"path": "images", "patient": r"(p\d+)_"}}]
    return load("demo", [Setting(("cohort", "select"), select), *settings])


def cohort_of(rows: int, recipe: Recipe) -> Cohort:
    """Draw a cohort of so many images: two a patient on average, five sources, ages, sexes and sizes.

    Parameters
    ----------
    rows : int
    recipe : Recipe
        Its classes; three of ten patients have the second.
    """
    rng = np.random.default_rng(0)
    patient = np.sort(rng.integers(max(1, rows // _IMAGES_A_PATIENT), size=rows))
    patients = int(patient.max()) + 1
    ill = rng.random(patients) < _PREVALENCE
    places = rng.integers(len(_SOURCES), size=patients)
    ages = rng.normal(50 + 8 * ill, 15).clip(1, 99).round()
    women = rng.random(patients) < 0.5
    label = np.asarray(recipe.cohort.classes, object)[ill.astype(int)][patient]
    source = np.asarray(_SOURCES, object)[places][patient]
    names = [f"p{one:06d}_{row:06d}.png" for row, one in enumerate(patient)]
    table = pd.DataFrame(
        {
            "image": [_place(row, label[row], names[row]) for row in range(rows)],
            "label": label,
            "patient": [f"{place}:p{one:06d}" for place, one in zip(source, patient, strict=True)],
            "source": source,
            "age": ages[patient],
            "sex": np.where(women, "F", "M")[patient],
            "view": np.where(rng.random(rows) < 0.6, "PA", "AP"),
            "rows": rng.integers(900, 3000, rows),
            "columns": rng.integers(900, 3000, rows),
            "format": "PNG",
            "sha256": [f"{row:064x}" for row in range(rows)],
        }
    )
    return Cohort.of(table, Path("images"))


def _place(row: int, label: str, name: str) -> str:
    """A folder for each class, and below it one for every so many files."""
    return f"images/{label}/{row // _ROWS_A_FOLDER:03d}/{name}"


def write_files(cohort: Cohort, data: Path) -> None:
    """Write an image of a few pixels for every row, no two alike."""
    noise = np.random.default_rng(1).integers(0, 256, (_SIDE_PX, _SIDE_PX), np.uint8)
    for row, name in enumerate(cohort.table["image"]):
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise[0, :4] = np.frombuffer(row.to_bytes(4, "little"), np.uint8)
        Image.fromarray(noise).save(path, "PNG", compress_level=0)


def features_of(table: pd.DataFrame, recipe: Recipe) -> NDArray[np.float32]:
    """Draw features that vary together, as a network's do, and tell the label with an AUC of about 0.9.

    Returns
    -------
    ndarray of float32, shape (rows, FEATURES)
        0 or more, as after a ReLU.
    """
    rng = np.random.default_rng(2)
    ill = (table["label"] == recipe.cohort.classes[1]).to_numpy()
    scales = (np.arange(1, _FACTORS + 1) ** -0.5).astype(np.float32)
    directions = rng.standard_normal((_FACTORS, FEATURES), np.float32) * scales[:, None]
    found = np.empty((len(table), FEATURES), np.float32)
    for start in range(0, len(table), _BLOCK_ROWS):
        block = found[start : start + _BLOCK_ROWS]
        factors = rng.standard_normal((len(block), _FACTORS), np.float32)
        factors[ill[start : start + _BLOCK_ROWS], 4:20] += 0.45
        np.matmul(factors, directions, out=block)
        block += rng.standard_normal(block.shape, np.float32)
        np.maximum(block, 0, out=block)
    return found


def predictions_of(table: pd.DataFrame, recipe: Recipe, fold: Fold) -> Predictions:
    """Draw predictions of every row, with an AUC of about 0.9 and a probability that means what it says."""
    rng = np.random.default_rng(3)
    classes = recipe.cohort.classes
    ill = (table["label"] == classes[1]).to_numpy()
    positive = expit(rng.normal(1.8 * ill - 1.7, 1.3)).astype(np.float32).astype(np.float64)
    part = np.empty(len(table), object)
    for name in ("train", "validation", "test"):
        part[getattr(fold, name)] = name
    facts = {name: table[name].to_numpy() for name in ("image", "patient", "source", "label")}
    probabilities = {f"probability_{classes[0]}": 1 - positive, f"probability_{classes[1]}": positive}
    predicted = np.asarray(classes, object)[(positive >= 0.5).astype(int)]
    return Predictions(
        pd.DataFrame({**facts, **probabilities, "split": part, "fold": 0, "predicted": predicted}),
        tuple(classes),
    )


def films_of(test: Predictions) -> dict[str, NDArray[np.uint8]]:
    """Give every test image the same small grey film."""
    ramp = np.linspace(20, 220, 192, dtype=np.uint8)
    film = np.minimum.outer(ramp, ramp[::-1])
    return dict.fromkeys(test.images, film)
