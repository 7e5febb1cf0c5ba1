from __future__ import annotations

import numpy as np
import pytest

from benchmarks.measuring import Results
from benchmarks.stages import FEATURES, STAGES, Study, measure_stages
from hilum.cohort import build
from hilum.metrics import auc_estimates


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return Study(300, tmp_path_factory.mktemp("study"))


def test_a_study_has_patients_with_several_images_of_one_label(study: Study) -> None:
    patients = study.cohort.table.groupby("patient")
    assert len(study.cohort) == 300
    assert patients.size().max() > 1
    assert (patients["label"].nunique() == 1).all()
    assert (patients["source"].nunique() == 1).all()


def test_its_files_make_the_same_table(study: Study) -> None:
    found = build(study.recipe.cohort, study.data).table
    expected = study.cohort.table.set_index("image").loc[found["image"]]
    assert found["label"].tolist() == expected["label"].tolist()
    keys = [key.split(":")[1] for key in expected["patient"]]
    assert found["patient"].tolist() == [f"folder:{key}" for key in keys]
    assert found["sha256"].is_unique


def test_features_and_predictions_are_good_but_not_perfect(study: Study) -> None:
    assert study.features.shape == (300, FEATURES)
    assert study.features.dtype == np.float32
    gap = study.features[study.positive].mean(axis=0) - study.features[~study.positive].mean(axis=0)
    assert np.abs(gap).max() > 0.1
    assert 0.8 < auc_estimates(study.predictions)["COVID-19"].value < 0.97


@pytest.mark.parametrize("name", [name for name in STAGES if "head" not in name and name != "report"])
def test_a_stage_runs(study: Study, name: str) -> None:
    STAGES[name](study)()


def test_a_stage_is_timed_in_a_process_of_its_own(capsys) -> None:
    (row,) = measure_stages(100, Results("test"), ["AUC"])
    assert (row["Stage"], row["Rows"]) == ("AUC", "100")
    assert 0 <= float(row["Seconds"]) < 60
    assert 50 < float(row["Peak MB"].replace(",", "")) < 2000
    assert "AUC" in capsys.readouterr().out


def test_a_failing_stage_is_reported_and_the_next_one_is_measured(capsys) -> None:
    found = measure_stages(100, Results("test"), ["nonsense", "libraries"])
    assert [row["Stage"] for row in found] == ["libraries"]
    assert "KeyError: 'nonsense'" in capsys.readouterr().out
