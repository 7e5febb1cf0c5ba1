from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import numpy as np
import pandas as pd
import pytest

from hilum.evaluate import Predictions, confusion, metrics_of_parts, pr_curve, roc_curve
from hilum.recipe import Setting, dump, load
from hilum.report import BackboneFacts, Content, Environment

RESAMPLES = 200
LONG = "Universitätsklinikum-Außenstelle-für-Lungenheilkunde-und-Thoraxradiologie-Süd"
NASTY = "<script>alert('x')</script> & 肺炎 $x_1$"


def film(rng: np.random.Generator, rows: int = 190, columns: int = 160) -> np.ndarray:
    """A grey blur with two dark ellipses: not a radiograph, but not flat either."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    image = 175 - 70 * np.hypot(x, y) + rng.normal(0, 7, (rows, columns))
    for side in (-0.45, 0.45):
        image -= 95 * np.exp(-(((x - side) / 0.28) ** 4) - ((y / 0.6) ** 4))
    return np.clip(image, 0, 255).astype(np.uint8)


def rows_of(labels, scores, classes, *, sources, splits, folds=0, per_patient=1) -> pd.DataFrame:
    """Predictions from labels (codes) and probabilities (n, k)."""
    n = len(labels)
    table = pd.DataFrame({
        "image": [f"{sources[code]}/images/{code}-{row:04d}.jpeg" for row, code in enumerate(labels)],
        "patient": [f"secret-patient-{code}-{row // per_patient}" for row, code in enumerate(labels)],
        "source": [sources[code] for code in labels],
        "split": splits,
        "fold": folds,
        "label": [classes[code] for code in labels],
        "predicted": [classes[code] for code in scores.argmax(axis=1)],
    })  # fmt: skip
    for place, name in enumerate(classes):
        table[f"probability_{name}"] = scores[:, place]
    assert len(table) == n
    return table


def scores_for(labels, k, rng, sharpness) -> np.ndarray:
    logits = rng.normal(0, 1, (len(labels), k))
    logits[np.arange(len(labels)), labels] += sharpness
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True)


def cohort_of(predictions: Predictions, rng: np.random.Generator) -> pd.DataFrame:
    table = predictions.table.drop_duplicates("image")[["image", "label", "patient", "source"]].copy()
    columns = rng.integers(300, 2400, len(table))
    rows = (columns * rng.uniform(0.7, 1.1, len(table))).astype(int)
    sized = table.assign(rows=rows, columns=columns, format="JPEG")
    return sized.astype({"rows": "Int64", "columns": "Int64"})


def history_of(epochs: int, rng: np.random.Generator, folds: int = 1) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    parts = []
    for fold in range(folds):
        loss = 0.65 * np.exp(-epoch / 9) + 0.02 + rng.normal(0, 0.008, epochs).clip(-0.015)
        val = loss * 1.25 + rng.normal(0, 0.02, epochs).clip(-0.02)
        parts.append(pd.DataFrame({
            "epoch": epoch, "loss": loss, "accuracy": (1 - loss / 2.4).clip(0, 1),
            "val_loss": val, "val_accuracy": (1 - val / 2.4).clip(0, 1), "learning_rate": 1e-3, "fold": fold,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def content_of(recipe, predictions: Predictions, rng, **changes) -> Content:
    test = predictions.part("test")
    seed = np.random.default_rng(1)
    films = [film(rng) for _ in range(55)]
    facts = {
        "recipe": recipe,
        "recipe_text": dump(recipe),
        "cohort": cohort_of(predictions, rng),
        "exclusions": pd.DataFrame(columns=["image", "source", "reason", "detail"]),
        "history": history_of(0, rng),
        "predictions": predictions,
        "metrics": metrics_of_parts(predictions, seed, RESAMPLES),
        "roc": roc_curve(test),
        "pr": pr_curve(test, np.random.default_rng(1), RESAMPLES),
        "confusion": confusion(test),
        "backbone": BackboneFacts("efficientnet_lite0", "ImageNet", "Apache-2.0", 1280, 3_374_976),
        "environment": Environment(
            "CPU, 2 cores, OpenVINO",
            {"hilum": "0.1.0", "Python": "3.11.2", "numpy": "2.4.0", "openvino": "2026.4"},
            {"Cohort": 1.94, "Features": 3.21, "Head": 0.84, "Evaluation": 2.02},
        ),
        "thumbnails": dict(zip(test.table["image"], cycle(films), strict=False)),
    }  # fmt: skip
    return Content(**(facts | changes))


EXCLUSIONS = pd.DataFrame(
    [(f"images/volume_{i}.nii.gz", "cohen", "CT", "") for i in range(84)]
    + [(f"images/lateral-{i}.jpg", "cohen", "lateral view", "view is L") for i in range(41)]
    + [("images/lost.png", "cohen", "missing file", "")]
    + [("images/cut.jpg", "cohen", "unreadable", "cut short after 8 rows")],
    columns=["image", "source", "reason", "detail"],
)  # fmt: skip


@pytest.fixture(scope="session")
def two_class() -> Content:
    """As the tutorial's Model 1: 275 images, 54 of 55 test images right."""
    rng = np.random.default_rng(0)
    recipe = load("tutorial-model-1", [Setting.parse("backbone.name=efficientnet_lite0")])
    labels = np.array([0] * 78 + [1] * 142 + [0] * 22 + [1] * 33)
    scores = scores_for(labels, 2, rng, 4.5)
    positive = scores[:, 1]
    positive[220:] = np.where(labels[220:] == 1, positive[220:].clip(0.52), positive[220:].clip(max=0.47))
    positive[-1] = 0.071
    scores = np.column_stack([1 - positive, positive])
    splits = ["train"] * 198 + ["validation"] * 22 + ["test"] * 55
    table = rows_of(
        labels, scores, recipe.cohort.classes, sources=("kermany", "cohen"), splits=splits, per_patient=3
    )
    predictions = Predictions(table, tuple(recipe.cohort.classes))
    return content_of(
        recipe, predictions, rng, exclusions=EXCLUSIONS, history=history_of(50, rng), threshold=0.5,
        threshold_choice="fixed at 0.5", splits_share_patients=23,
    )  # fmt: skip


@pytest.fixture(scope="session")
def three_class() -> Content:
    """As DarkCovidNet's 5 folds: 1,124 images, each of which tests once."""
    rng = np.random.default_rng(2)
    recipe = load("darkcovidnet-3class")
    classes = tuple(recipe.cohort.classes)
    labels = rng.permutation(np.array([0] * 500 + [1] * 124 + [2] * 500))
    tables = []
    for fold in range(5):
        splits = np.where(np.arange(1124) % 5 == fold, "test", "train").astype(object)
        splits[(np.arange(1124) % 5 != fold) & (np.arange(1124) % 11 == 0)] = "validation"
        scores = scores_for(labels, 3, rng, 2.6)
        tables.append(
            rows_of(
                labels,
                scores,
                classes,
                sources=("nih", "cohen", "nih"),
                splits=splits,
                folds=fold,
                per_patient=2,
            )
        )
    predictions = Predictions(pd.concat(tables, ignore_index=True), classes)
    return content_of(
        recipe, predictions, rng, history=history_of(30, rng, folds=5), splits_share_patients=211
    )


@pytest.fixture(scope="session")
def degenerate() -> Content:
    """One class only among the test images, all wrong, with names made to break a page."""
    rng = np.random.default_rng(3)
    base = load("demo")
    classes = [LONG, NASTY]
    recipe = base.model_copy(update={
        "cohort": base.cohort.model_copy(update={"classes": classes}),
        "backbone": base.backbone.model_copy(update={"weights": "random"}),
        "title": f"{NASTY} or {LONG}",
        "caveats": [],
    })  # fmt: skip
    labels = np.array([0] * 6 + [1] * 9)
    scores = np.column_stack([np.full(15, 0.9), np.full(15, 0.1)])
    splits = ["train"] * 12 + ["test"] * 3
    table = rows_of(labels, scores, classes, sources=(f"{LONG}-1", NASTY), splits=splits)
    content = content_of(recipe, Predictions(table, tuple(classes)), rng, synthetic=True, threshold=0.5)
    return replace(
        content,
        thumbnails={},
        backbone=BackboneFacts("vgg16", "random (not trained)", "", 512, 14_714_688),
        exclusions=pd.DataFrame([("<b>.png", NASTY, "<i>unreadable</i>", "")], columns=EXCLUSIONS.columns),
    )


@pytest.fixture(scope="session", params=["two_class", "three_class", "degenerate"])
def content(request) -> Content:
    """Each of the three."""
    return request.getfixturevalue(request.param)
