"""Any classifier on other cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hilum.classifier import FunctionClassifier
from hilum.cohort import Cohort, Reason
from hilum.errors import CohortError, RunError
from hilum.metrics import evaluate as metrics_of
from hilum.run.compare import compare
from hilum.run.evaluate import evaluate, predict_cohort
from hilum.run.run import Run


@pytest.fixture
def cohort(demo_run):
    """Return the demo's own cohort, with the folder of its images."""
    run, data = demo_run
    return Cohort.of(run.cohort.table.head(6), data)


def test_probabilities_are_those_of_the_run(demo_run, cohort):
    run, _ = demo_run
    found = predict_cohort(run.model, cohort).predictions.table.set_index("image")
    before = run.predictions.table.set_index("image").loc[found.index]
    column = f"probability_{run.model.classes[1]}"
    assert found[column].to_numpy() == pytest.approx(before[column].to_numpy(), abs=1e-4)
    assert (found["split"] == "test").all()


def test_other_labels_and_broken_files_are_left_out_with_their_reason(demo_run, cohort, tmp_path):
    run, _ = demo_run
    table = cohort.table.copy()
    table.loc[0, "label"] = "Fracture"
    (tmp_path / "empty.png").touch()
    for name in table["image"][1:]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(cohort.root / name)
    table.loc[1, "image"] = "empty.png"
    found = predict_cohort(run.model, Cohort.of(table, tmp_path))
    assert len(found.predictions) == len(found.cohort) == 4
    reasons = found.cohort.exclusions.set_index("image")
    assert reasons.loc[cohort.table["image"][0], "detail"] == "label is Fracture"
    assert reasons.loc["empty.png", "reason"] == Reason.UNREADABLE


def test_a_cohort_without_a_known_label_is_refused(demo_run, cohort):
    run, _ = demo_run
    strange = Cohort.of(cohort.table.assign(label="Fracture"), cohort.root)
    with pytest.raises(CohortError, match="expected Normal or COVID-19, found Fracture"):
        predict_cohort(run.model, strange)


def test_a_cohort_of_broken_files_is_refused(demo_run, tmp_path):
    run, _ = demo_run
    (tmp_path / "a.png").touch()
    rows = {"image": ["a.png"], "label": ["Normal"], "patient": ["a"], "source": ["s"]}
    with pytest.raises(CohortError, match="no image of the cohort can be read"):
        predict_cohort(run.model, Cohort.of(pd.DataFrame(rows), tmp_path))


@pytest.fixture
def brightness():
    return FunctionClassifier(lambda pixels: pixels.mean(), ("Normal", "COVID-19"))


def test_a_run_has_its_own_test_beside(demo_run, cohort):
    run, _ = demo_run
    found = evaluate(run, cohort)
    assert found.drops["accuracy"].internal == run.metrics["test"]["accuracy"]
    assert found.metrics["accuracy"] == found.drops["accuracy"].external
    assert {"metrics", "internal", "drop"} <= set(found.as_dict())


def test_another_classifier_has_no_internal_test(cohort, brightness):
    found = evaluate(brightness, cohort)
    expected = metrics_of(found.predictions, np.random.default_rng(0))
    assert found.metrics["roc_auc"].value == expected["roc_auc"].value
    assert not {"internal", "drop"} & set(found.as_dict())
    with pytest.raises(CohortError, match="no cohort"):
        evaluate(brightness)


def test_predictions_are_evaluated_on_their_test_part(demo_run):
    run, _ = demo_run
    found = evaluate(run.predictions)
    assert found.metrics["accuracy"].value == run.metrics["test"]["accuracy"].value
    with pytest.raises(CohortError, match="no test image"):
        evaluate(run.predictions.part("train"))


def test_an_evaluation_is_kept_in_the_form_of_a_run(demo_run, cohort, brightness, tmp_path):
    run, data = demo_run
    evaluate(brightness, cohort).write(tmp_path / "out")
    kept = Run.open(tmp_path / "out")
    assert kept.data == data.resolve()
    assert set(kept.metrics) == {"test"}
    assert kept.cohort.table["image"].tolist() == kept.predictions.images.tolist()
    with pytest.raises(RunError, match="already here"):
        evaluate(brightness, cohort).write(tmp_path / "out")
    other = evaluate(run.model, cohort)
    found = compare(tmp_path / "out", other.predictions)
    assert found.images == len(cohort)
    again = compare(tmp_path / "out" / "predictions.csv", other.predictions)
    assert repr(again) == repr(found)  # NaN differs from itself
