"""The audit of a run, of its predictions as a bare table, and of a function."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hilum
from hilum.auditing import Answer, Audit, Probe, ProbeImages, Rating, cannot_tell, probes
from hilum.classifier import FunctionClassifier
from hilum.cohort import Cohort
from hilum.errors import AuditError, RunError
from hilum.metrics import Estimate, read_predictions
from hilum.run.audit import subject_of
from hilum.run.run import Run

NAMES = {
    *("patients", "source", "header", "border", "lungs_removed", "thumbnail", "histogram", "region_swap"),
    *("direct_ablation", "left_out", "external", "subgroups", "calibration", "splits", "labels", "permuted"),
}
NEEDS_CLASSIFIER = {"direct_ablation", "region_swap"}


@pytest.fixture
def run(demo_run, tmp_path):
    """Return a copy of the demo's run, and its data."""
    finished, data = demo_run
    return Run.open(shutil.copytree(finished.path, tmp_path / "run")), data


def test_all_named_probes_are_registered_with_priorities_of_their_own():
    assert set(probes()) == NAMES
    assert len({probe.priority for probe in probes().values()}) == len(NAMES)


def test_training_leaves_an_audit(demo_run):
    run, _ = demo_run
    record = json.loads((run.path / "audit.json").read_text())
    assert record["schema_version"] == 2
    assert record["verdict"] == run.audit.verdict.rating
    assert list(record["probes"]) == list(probes())
    for probe in record["probes"].values():
        assert {"rating", "value", "low", "high", "n", "measure", "question", "meaning", "source"} <= set(
            probe
        )
        assert probe["rating"] in {"sound", "doubtful", "broken", "cannot tell"}


def test_an_audit_from_the_run_alone_equals_that_of_training(run):
    finished, _ = run
    before = (finished.path / "audit.json").read_text()
    (finished.path / "audit.json").unlink()
    hilum.audit(finished.path)
    assert (finished.path / "audit.json").read_text() == before


def same(first: float, second: float) -> bool:
    return first == pytest.approx(second, abs=1e-12) or (math.isnan(first) and math.isnan(second))


def test_predictions_as_a_bare_table_give_the_same_answers_as_the_run(run, tmp_path):
    finished, data = run
    table = read_predictions(finished.path / "predictions.csv", classes=finished.predictions.classes)
    found = hilum.audit(table.predictions, data=data, out=tmp_path / "table")
    for name in NAMES - NEEDS_CLASSIFIER - {"source", "subgroups"}:  # which use facts of the cohort's table
        ours, theirs = finished.audit.answers[name], found.answers[name]
        assert ours.rating is theirs.rating, name
        for value in ("value", "low", "high", "n"):
            assert same(getattr(ours.figure, value), getattr(theirs.figure, value)), name
    for name in NEEDS_CLASSIFIER:
        assert found.answers[name].rating is Rating.CANNOT_TELL
    assert Audit.read(tmp_path / "table" / "audit.json").verdict == found.verdict
    assert "cannot be run" in (tmp_path / "table" / "report.html").read_text()
    assert {"audit.json", "metrics.json", "predictions.csv", "report.html"} <= {
        path.name for path in (tmp_path / "table").iterdir()
    }


def border_brightness(pixels: np.ndarray) -> float:
    """A classifier that sees the border alone."""
    return float(np.clip(pixels[:4].mean() * 2 - 0.5, 0, 1))


def test_a_function_that_sees_only_the_border_is_broken(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    for row, label in enumerate(labels):
        pixels = rng.integers(80, 140, (96, 96), dtype=np.uint8)
        pixels[:6] = 220 if label else 40
        Image.fromarray(pixels).save(tmp_path / f"{row}.png")
    cohort = pd.DataFrame(
        {
            "image": [f"{row}.png" for row in range(80)],
            "label": np.array(["no", "yes"])[labels],
            "patient": [f"p{row}" for row in range(80)],
            "source": "made",
        }
    )
    classifier = FunctionClassifier(border_brightness, ("no", "yes"))
    wanted = [probes()[name] for name in ("border", "direct_ablation", "region_swap", "splits")]
    found = hilum.audit(classifier, Cohort.of(cohort, tmp_path), probes=wanted)
    assert found.verdict.rating is Rating.BROKEN
    direct = found.answers["direct_ablation"]
    assert direct.rating is Rating.BROKEN
    assert direct.details["lungs_removed"]["part"]["value"] == 1
    assert direct.details["border_removed"]["part"]["value"] < 0.7
    assert found.answers["splits"].rating is Rating.CANNOT_TELL  # nothing says which images were trained on


def test_a_probe_of_ones_own_is_asked(run):
    finished, data = run
    mine = Probe("rows", "Rows", "How many?", "me", lambda subject: _count(len(subject.table)))
    found = hilum.audit(finished, data=data, probes=[mine])
    assert found.answers["rows"].figure.value == len(finished.cohort)


def _count(n: int) -> Answer:
    return Answer(Rating.SOUND, f"{n} rows.", "", "", figure=Estimate(n, np.nan, np.nan, n))


def test_another_hospital_is_predicted_by_the_classifier(run):
    finished, data = run
    subject = subject_of(finished, data, Cohort.of(finished.cohort.table.head(8), data))
    assert len(subject.external.predictions) == 8


def test_predictions_cannot_be_tested_on_another_hospital(run):
    finished, data = run
    other = Cohort.of(finished.cohort.table.head(8), data)
    with pytest.raises(AuditError, match="--model or --function"):
        hilum.audit(finished.predictions, data=data, external=other)


def test_a_classifier_without_images_is_an_error(run):
    with pytest.raises(AuditError, match="--cohort"):
        hilum.audit(run[0].model)


def test_missing_images_are_an_error(run, tmp_path):
    finished, _ = run
    with pytest.raises(RunError, match=r"images of the run.*--data"):
        hilum.audit(finished, data=tmp_path)


def test_an_audit_of_another_version_is_an_error(run):
    finished, _ = run
    (finished.path / "audit.json").write_text('{"schema_version": 1}')
    with pytest.raises(AuditError, match="expected schema_version 2, found 1"):
        _ = finished.audit


def test_a_rating_beyond_what_a_probe_can_justify_is_a_bug(run):
    finished, data = run
    loud = Probe(
        "loud", "Loud", "?", "me", lambda _: Answer(Rating.BROKEN, "", "", ""), worst=Rating.DOUBTFUL
    )
    with pytest.raises(ValueError, match="doubtful at most"):
        hilum.audit(finished, data=data, probes=[loud])


def test_an_inconclusive_probe_does_not_decide(run):
    finished, data = run
    quiet = Probe("quiet", "Quiet", "?", "me", lambda _: cannot_tell("no data"))
    assert hilum.audit(finished, data=data, probes=[quiet]).verdict.rating is Rating.DOUBTFUL


def test_the_images_of_a_subject_are_those_of_the_cohort(run):
    finished, data = run
    images = subject_of(finished, data).images
    assert isinstance(images, ProbeImages)
    assert [path.relative_to(data).as_posix() for path in images.paths] == finished.cohort.table[
        "image"
    ].tolist()
