from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hilum.auditing import Asked, Audit, Rating, Verdict, cannot_tell
from hilum.errors import RunError
from hilum.metrics import Predictions, metrics_of_parts
from hilum.run.report import THUMBNAIL_SIDE, content_of, write_audit_report


@pytest.fixture
def predictions() -> Predictions:
    """Two images of each class, one error; patient p1 is in both parts."""
    probability = np.array([0.1, 0.2, 0.9, 0.4, 0.7, 0.3])
    table = pd.DataFrame({
        "image": [f"{row}.png" for row in range(6)], "patient": ["p0", "p1", "p2", "p3", "p1", "p4"],
        "source": "a", "split": ["test"] * 4 + ["train"] * 2, "fold": 0,
        "label": ["normal", "normal", "covid", "covid", "covid", "normal"],
        "probability_normal": 1 - probability, "probability_covid": probability,
        "predicted": np.where(probability >= 0.5, "covid", "normal"),
    })  # fmt: skip
    return Predictions(table, ("normal", "covid"))


@pytest.fixture
def audit() -> Audit:
    asked = Asked(
        "Sources left out", "Does it hold elsewhere?", "", cannot_tell("every image is of one source")
    )
    return Audit(Verdict(Rating.DOUBTFUL, "The data are too few.", ()), {"left_out": asked})


def test_content_is_computed_from_predictions(predictions):
    metrics = metrics_of_parts(predictions, np.random.default_rng(0), 50)
    content = content_of(predictions, predictions.table, metrics, threshold=0.5)
    assert content.confusion.counts.tolist() == [[2, 0], [1, 1]]
    assert content.splits_share_patients == 1
    assert content.roc["covid"].auc.value == 1.0
    assert set(content.clinical.calibration) == {"covid"}
    assert content.recipe is None


def test_any_classifier_gets_the_files_of_a_run(predictions, audit, tmp_path):
    metrics = metrics_of_parts(predictions, np.random.default_rng(0), 50)
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (300, 200), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "images" / "0.png")
    table = predictions.table[["image", "label", "patient", "source"]]
    decoded = {"1.png": np.zeros((THUMBNAIL_SIDE, 100), np.uint8)}
    facts = {"threshold": 0.5, "thumbnails": decoded, "classifier": "model.onnx"}
    write_audit_report(tmp_path, table, predictions, metrics, audit, data=tmp_path / "images", **facts)
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/jpeg") == 2  # one decoded before, one read now; the others are not there
    assert "every image is of one source" in page
    assert "model.onnx" in (tmp_path / "checklist.md").read_text()
    assert json.loads((tmp_path / "evaluation.json").read_text())["points"][0]["threshold"] == 0.5
    assert (tmp_path / "figures" / "predictions.pdf").is_file()


def test_a_folder_that_does_not_exist_is_refused(predictions, tmp_path):
    with pytest.raises(RunError, match="--data"):
        write_audit_report(tmp_path, predictions.table, predictions, {}, None, data=tmp_path / "nowhere")
