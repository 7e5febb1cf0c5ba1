"""The audit of a finished run."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import hilum
from hilum.auditing import Answer, Probe, Rating, cannot_tell, probes
from hilum.backbone import FeatureStore
from hilum.classifier import Head
from hilum.cohort import Cohort
from hilum.errors import AuditError, RunError
from hilum.metrics import Estimate
from hilum.run.audit import subject_of
from hilum.run.run import Run

NAMES = {
    *("patients", "source", "header", "frame", "middle", "thumbnail", "histogram", "swap", "left_out"),
    *("external", "subgroups", "calibration", "splits", "labels", "permuted"),
}


@pytest.fixture
def run(demo_run, tmp_path):
    """Return a copy of the demo's run, and its data."""
    finished, data = demo_run
    return Run.open(shutil.copytree(finished.path, tmp_path / "run")), data


def test_all_named_probes_are_registered():
    assert set(probes()) == NAMES
    assert next(iter(probes())) == "source"  # it costs nothing


def test_training_leaves_an_audit(demo_run):
    run, _ = demo_run
    record = json.loads((run.path / "audit.json").read_text())
    assert record["verdict"] == run.audit.verdict.rating
    assert record["sentence"]
    assert list(record["probes"]) == list(probes())
    for probe in record["probes"].values():
        assert {"reading", "value", "low", "high", "n", "measure", "question", "meaning", "source"} <= set(
            probe
        )
        assert probe["reading"] in {"sound", "doubtful", "broken", "cannot tell"}


def test_it_runs_again_from_the_run_alone(run):
    finished, _ = run
    (finished.path / "audit.json").unlink()
    found = hilum.auditing(finished.path, probes=[probes()["source"]])
    assert Run.open(finished.path).audit.answers["source"].figure == found.answers["source"].figure


def test_a_users_own_probe_is_asked(run):
    finished, data = run
    mine = Probe("rows", "Rows", "How many?", "me", lambda subject: _count(len(subject.table)))
    found = hilum.auditing(finished, data, probes=[mine])
    assert found.answers["rows"].figure.value == len(finished.cohort)


def _count(n: int) -> Answer:
    return Answer(Rating.SOUND, f"{n} rows.", "", "", figure=Estimate(n, np.nan, np.nan, n))


def test_another_hospital_is_predicted_by_the_runs_own_classifier(run):
    finished, data = run
    other = Cohort.of(finished.cohort.table.head(8), data)
    subject = subject_of(finished, data, other)
    assert len(subject.external.predictions) == 8


def test_the_subject_has_the_runs_features(run):
    finished, data = run
    with FeatureStore.open() as store:
        subject = subject_of(finished, data, store=store)
    head = Head.read(finished.model.folder / "head.safetensors")
    expected = finished.predictions.table.set_index("image").loc[subject.table["image"]]
    found = head.probabilities(subject.features)
    assert found[:, 1] == pytest.approx(expected[f"probability_{head.classes[1]}"].to_numpy(), abs=1e-5)


def test_images_that_moved_are_asked_for(run, tmp_path):
    finished, _ = run
    with pytest.raises(RunError, match=r"the run's images are not here.*--data"):
        hilum.auditing(finished, tmp_path)


def test_a_damaged_audit_is_told(run):
    finished, _ = run
    (finished.path / "audit.json").write_text('{"schema_version": 1}')
    with pytest.raises(AuditError, match="the audit is damaged"):
        _ = finished.audit


def test_a_probe_that_says_more_than_it_can_is_a_bug(run):
    finished, data = run
    loud = Probe(
        "loud", "Loud", "?", "me", lambda _: Answer(Rating.BROKEN, "", "", ""), gravest=Rating.DOUBTFUL
    )
    with pytest.raises(ValueError, match="doubtful at most"):
        hilum.auditing(finished, data, probes=[loud])


def test_what_cannot_be_told_does_not_decide(run):
    finished, data = run
    quiet = Probe("quiet", "Quiet", "?", "me", lambda _: cannot_tell("nobody looked"))
    assert hilum.auditing(finished, data, probes=[quiet]).verdict.rating is Rating.DOUBTFUL
