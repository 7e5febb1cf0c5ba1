from __future__ import annotations

import numpy as np
import pytest

from hilum.bench.stages import STAGES, measure_stages
from hilum.bench.study import Study
from hilum.bench.synthetic import FEATURES
from hilum.cohort import build
from hilum.metrics.auc import areas


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


def test_features_tell_the_label_and_not_without_error(study: Study) -> None:
    ill = (study.cohort.table["label"] == study.recipe.cohort.classes[1]).to_numpy()
    assert study.features.shape == (300, FEATURES)
    assert study.features.dtype == np.float32
    gap = study.features[ill].mean(axis=0) - study.features[~ill].mean(axis=0)
    assert np.abs(gap).max() > 0.1
    assert 0.8 < areas(study.predictions)["COVID-19"].value < 0.97


@pytest.mark.parametrize("name", [name for name in STAGES if "head" not in name and name != "report"])
def test_a_stage_runs(study: Study, name: str) -> None:
    STAGES[name](study)()


def test_a_stage_is_timed_in_a_process_of_its_own() -> None:
    (found,) = measure_stages(100, stages=["area"])
    assert (found.stage, found.rows) == ("area", 100)
    assert 0 < found.seconds < 60
    assert 50 << 20 < found.peak_bytes < 2 << 30


def test_what_cannot_be_timed_is_refused() -> None:
    with pytest.raises(ValueError, match="found \\['nonsense'\\] and 100"):
        measure_stages(100, stages=["nonsense"])
    with pytest.raises(ValueError, match="100 rows, found \\[\\] and 9"):
        measure_stages(9)
