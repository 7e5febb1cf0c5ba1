"""Commands that audit, evaluate and compare runs."""

from __future__ import annotations

import json
import shutil

import pytest

from hilum.cohort import Cohort
from hilum.run.run import Run

CODES = {"sound": 0, "doubtful": 2, "broken": 3}


@pytest.fixture
def run(demo_run, tmp_path):
    """Return a copy of the demo's run."""
    return Run.open(shutil.copytree(demo_run[0].path, tmp_path / "run"))


@pytest.fixture
def other(demo_run, tmp_path):
    """Return a table of images without headers, and their folder."""
    finished, data = demo_run
    table = finished.cohort.table.tail(12)[["image", "label", "patient", "source"]]
    Cohort.of(table, data).write(tmp_path / "other.csv")
    return tmp_path / "other.csv", data


def test_the_exit_code_is_the_verdict(call, run):
    done = call("audit", run.path, "--json")
    record = json.loads(done.stdout)
    assert done.exit_code == CODES[record["verdict"]]
    assert record == json.loads((run.path / "audit.json").read_text())


def test_the_audit_includes_an_external_cohort(call, run, other):
    table, data = other
    done = call("audit", run.path, "--external", table, "--external-data", data)
    answer = Run.open(run.path).audit.answers["external"]
    assert answer.details["external"] == "phantom-a, phantom-b"
    assert f"Verdict: {Run.open(run.path).audit.verdict.rating.upper()}" in done.stdout
    assert answer.claim.split(".")[0] in (run.path / "report.html").read_text()


def test_an_audit_without_the_images_is_an_error(call, run, tmp_path):
    done = call("audit", run.path, "--data", tmp_path)
    assert done.exit_code == 1
    assert "the images of the run are not here" in done.stderr


def test_evaluate_gives_the_metrics_of_the_cohort(call, run, other, tmp_path):
    table, data = other
    words = "evaluate", run.path, "--cohort", table, "--data", data
    found = json.loads(call(*words, "--json", "--out", tmp_path / "predictions.csv").stdout)
    assert found["images"] == 12
    for name in ("accuracy", "specificity", "roc_auc"):
        sides = found["internal"][name]["value"], found["metrics"][name]["value"]
        assert found["drop"][name]["value"] == pytest.approx(sides[0] - sides[1])
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 13
    shown = call(*words)
    assert shown.exit_code == 0
    assert "12 images" in shown.stdout


def test_evaluate_names_a_missing_cohort(call, run, tmp_path):
    done = call("evaluate", run.path, "--cohort", tmp_path / "none.csv")
    assert done.exit_code == 1
    assert "does not exist" in done.stderr


def test_a_run_equals_itself(call, run):
    found = json.loads(call("compare", run.path, run.path, "--json").stdout)
    assert found["images"] == len(run.predictions.part("test"))
    assert found["metrics"]["accuracy"]["difference"]["value"] == 0
    assert found["right"] == {"only_a": 0, "only_b": 0}
    assert "A − B" in call("compare", run.path, run.path).stdout
