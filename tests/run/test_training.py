"""From a recipe to a run: what must be there, and what must agree."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from hilum.backbone import Features
from hilum.cohort import Cohort
from hilum.errors import CohortError, RunError, RunExistsError, SourceError, SplitError
from hilum.radiograph import Header
from hilum.recipe import Setting, load
from hilum.recipe.settings import SplitBy
from hilum.run.learning import with_headers
from hilum.run.predict import predict
from hilum.run.run import Run
from hilum.run.train import train

FILES = {
    "audit.json",
    "checklist.md",
    "cohort.parquet",
    "environment.json",
    "evaluation.json",
    "figures",
    "history.csv",
    "metrics.json",
    "model",
    "predictions.csv",
    "recipe.yaml",
    "report.html",
}
SAME = (
    "recipe.yaml",
    "cohort.parquet",
    "predictions.csv",
    "metrics.json",
    "evaluation.json",
    "history.csv",
    "model/head.safetensors",
    "model/graph.bin",
    "model/bundle.json",
    "figures/predictions.pdf",
)
"""What two runs of one recipe must share to the last bit."""


def assert_same_results(one, other):
    for name in SAME:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_run_holds_all_its_files(demo_run):
    run, _ = demo_run
    assert {entry.name for entry in run.path.iterdir()} == FILES
    assert (run.path / "figures" / "predictions.pdf").read_bytes().startswith(b"%PDF")


def test_metrics_follow_from_the_predictions(demo_run):
    run, _ = demo_run
    table = pd.read_csv(run.path / "predictions.csv")
    stored = json.loads((run.path / "metrics.json").read_text())
    assert stored["schema_version"] == 1
    for part in ("train", "validation", "test"):
        rows = table[table["split"] == part]
        truth = rows["label"] == "COVID-19"
        expected = {
            "accuracy": accuracy_score(rows["label"], rows["predicted"]),
            "sensitivity": recall_score(rows["label"], rows["predicted"], pos_label="COVID-19"),
            "specificity": recall_score(rows["label"], rows["predicted"], pos_label="Normal"),
            "roc_auc": roc_auc_score(truth, rows["probability_COVID-19"]),
        }
        for name, value in expected.items():
            assert stored[part][name]["value"] == pytest.approx(value, abs=1e-12), (part, name)
        assert stored[part]["accuracy"]["n"] == len(rows)
        assert stored[part]["sensitivity"]["n"] == truth.sum()


def test_other_thresholds_follow_from_the_validation_rows(demo_run):
    run, _ = demo_run
    record = json.loads((run.path / "evaluation.json").read_text())
    assert set(record) == {"schema_version", "calibration", "points", "prevalence", "decision"}
    own, *aimed = record["points"]
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        assert own[name]["value"] == pytest.approx(run.metrics["test"][name].value, nan_ok=True)
    table = run.predictions.table
    validation = table[table["split"] == "validation"]
    found = validation.loc[validation["label"] == "COVID-19", "probability_COVID-19"]
    assert [point["name"] for point in aimed] == ["sensitivity_95", "sensitivity_90", "specificity_95"]
    assert (found >= aimed[0]["threshold"]).mean() >= 0.95
    assert record["calibration"]["COVID-19"]["brier"]["score"] == pytest.approx(
        run.metrics["test"]["brier"].value
    )


def test_the_checklist_is_filled_in_and_linked(demo_run):
    run, _ = demo_run
    text = (run.path / "checklist.md").read_text()
    assert "synthetic" in text
    assert f"{len(run.cohort.table)} images of" in text
    assert 'href="checklist.md"' in run.report.read_text()


def test_every_image_is_in_one_part_and_patients_in_one_too(demo_run):
    run, _ = demo_run
    table = run.predictions.table
    assert sorted(table["image"]) == sorted(run.cohort.table["image"])
    assert (table.groupby("patient")["split"].agg(lambda parts: len(set(parts))) == 1).all()
    assert set(run.cohort.table["split"]) == {"train", "validation", "test"}


def test_the_saved_model_gives_the_run_s_probabilities(demo_run):
    run, data = demo_run
    rows = run.predictions.table.sample(8, random_state=0)
    for row in rows.to_dict("records"):
        (prediction,) = predict(run.model, [data / row["image"]])
        assert prediction.probability["COVID-19"] == pytest.approx(row["probability_COVID-19"], abs=1e-4)
        assert prediction.predicted == row["predicted"]


def test_the_history_has_a_row_an_epoch(demo_run):
    run, _ = demo_run
    assert run.history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]


def test_the_report_says_that_the_radiographs_are_synthetic(demo_run):
    run, _ = demo_run
    page = run.report.read_text()
    assert "ynthetic" in page
    assert "not diagnosis" in page
    for patient in run.cohort.table["patient"]:
        assert f">{patient}<" not in page


def test_a_second_run_computes_no_feature_and_gives_the_same_bits(demo_run, small_recipe, tmp_path):
    run, data = demo_run
    again = train(small_recipe, data, tmp_path / "again")
    assert_same_results(run.path, again.path)
    assert again.environment["features"]["computed"] == 0


def test_a_run_from_scratch_gives_the_same_bits(demo_run, small_recipe, tmp_path, monkeypatch):
    run, data = demo_run
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path / "cache"))
    fresh = train(small_recipe, data, tmp_path / "fresh", audited=False)
    assert fresh.environment["features"]["from_cache"] == 0
    assert_same_results(run.path, fresh.path)


def test_the_kept_recipe_repeats_the_run(demo_run, tmp_path):
    run, data = demo_run
    again = train(run.path / "recipe.yaml", data, tmp_path / "again")
    assert_same_results(run.path, again.path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(
            (name, content)
            for name in ("metrics.json", "environment.json")
            for content in (b"", b"\xff{", b"[1]")
        ),
        ("history.csv", b""),
        ("history.csv", b"\xff{"),
    ],
)
def test_a_damaged_file_is_named(demo_run, tmp_path, name, content):
    shutil.copytree(demo_run[0].path, tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(content)
    with pytest.raises(RunError, match=rf"{name}: the file is damaged"):
        getattr(Run(tmp_path / "run"), name.partition(".")[0])


def test_a_finished_run_is_kept(demo_run, small_recipe):
    run, data = demo_run
    before = run.report.stat().st_mtime_ns
    with pytest.raises(RunExistsError, match="--overwrite"):
        train(small_recipe, data, run.path)
    assert run.report.stat().st_mtime_ns == before


def test_k_fold_tests_each_image_once_and_keeps_a_head_fitted_on_all(demo_run, small_recipe, tmp_path):
    _, data = demo_run
    recipe = small_recipe.model_copy(
        update={"split": small_recipe.split.model_copy(update={"folds": 3, "by": SplitBy.IMAGE})}
    )
    run = train(recipe, data, tmp_path / "folds", audited=False)
    table = run.predictions.table
    assert set(table["fold"]) == {0, 1, 2}
    assert sorted(table.loc[table["split"] == "test", "image"]) == sorted(run.cohort.table["image"])
    assert run.metrics["test"]["accuracy"].n == len(run.cohort.table)
    assert run.model.manifest.head.fitted_on == len(run.cohort.table)


def test_random_weights_are_named_in_the_report(demo_run, small_recipe, tmp_path):
    _, data = demo_run
    recipe = small_recipe.model_copy(
        update={"backbone": small_recipe.backbone.model_copy(update={"weights": "random"})}
    )
    run = train(recipe, data, tmp_path / "random", audited=False)
    assert "random" in run.model.manifest.backbone.weights
    assert "andom" in run.report.read_text()


def write_folder(folder, count=8):
    """Write a class-per-subfolder cohort of plain noise, with a difference to learn."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label, level in (("ill", 150), ("well", 60)):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            pixels = rng.normal(level, 20, (64, 64)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{label}{number}.png")


FOLDER = [
    Setting.parse(text)
    for text in (
        "cohort={classes: [well, ill], select: [{source: folder}]}",
        "head={kind: linear, folds: 2}",
        "preprocessing.size=64",
        "split={by: image, test: 0.25, validation: 0.25}",
    )
]
"""Settings that make the demo recipe one for `write_folder`."""


def test_an_image_that_cannot_be_read_is_left_out_with_its_cause(tmp_path):
    write_folder(tmp_path / "data")
    (tmp_path / "data" / "ill" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    run = train("demo", tmp_path / "data", tmp_path / "run", settings=FOLDER, audited=False)
    assert len(run.cohort.table) == 16
    left = run.cohort.exclusions
    assert left["image"].tolist() == ["ill/broken.png"]
    assert left["reason"].tolist() == ["unreadable"]
    assert left["detail"].iloc[0]
    assert "ill/broken.png" in run.report.read_text()


def test_equipment_is_in_the_table_where_a_file_states_it_and_what_none_states_stays(tmp_path):
    rows = {"image": ["a.dcm", "b.png"], "label": ["x", "y"], "patient": ["1", "2"], "source": "s"}
    cohort = Cohort.of(pd.DataFrame(rows).assign(model="as listed", kvp=[70.0, 70.0]), tmp_path)
    stated = Header("DICOM", 40, 50, "MONOCHROME2", 12, 4500, spacing_mm=(0.15, 0.2), view="PA", kvp=110.0)
    plain = Header("PNG", 40, 50, "L", 8, 900)
    features = Features(np.zeros((2, 3), np.float32), (stated, plain), {}, 0, "none", "float32")
    table = with_headers(cohort, features)[0].table
    assert table["model"].tolist() == ["as listed", "as listed"]
    assert table["kvp"].fillna(0).tolist() == [110, 0]
    assert table["spacing_mm"].fillna(0).tolist() == [0.15, 0]
    assert table["format"].tolist() == ["DICOM", "PNG"]
    assert not {"view", "detector"} & set(table.columns)


def test_a_cohort_without_one_readable_image_is_an_error_and_leaves_nothing(tmp_path):
    for label in ("ill", "well"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(8):
            path = tmp_path / "data" / label / f"{number}.png"
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + f"{label}{number}".encode())
    with pytest.raises(CohortError, match="none of the 16 images can be read"):
        train("demo", tmp_path / "data", tmp_path / "run", settings=FOLDER, audited=False)
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


def test_a_class_without_images_is_named_with_what_was_left_out(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.png").touch()
    (tmp_path / "cohort.csv").write_text("image,label,patient\na/0.png,Normal,p\na/1.png,COVID-19,q\n")
    settings = [Setting.parse("cohort.select=[{source: table}]")]
    message = r"no image of COVID-19 is in use; .*found 1 of Normal; left out: 1 with missing file"
    with pytest.raises(CohortError, match=message):
        train(load("demo", settings), tmp_path, tmp_path / "run")


def test_what_cannot_be_split_is_told_before_the_features(tmp_path, monkeypatch):
    write_folder(tmp_path / "data", count=2)
    monkeypatch.setattr("hilum.run.train.learn", None)  # it would be called too late
    with pytest.raises(SplitError):
        train("demo", tmp_path / "data", tmp_path / "run", settings=FOLDER, audited=False)


def test_missing_data_are_told_with_a_way_out(tmp_path):
    with pytest.raises(SourceError, match=r"cohen.*hilum cohort fetch"):
        train("tutorial-model-1", tmp_path, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_killed_run_leaves_nothing_and_the_next_call_gives_the_same_bits(demo_run, tmp_path):
    run, data = demo_run
    out = tmp_path / "killed"
    environment = {**os.environ, "HILUM_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "hilum", "train", str(run.path / "recipe.yaml"), "--data", str(data)]
    command += ["--out", str(out)]
    moments = random.Random(0)
    for _ in range(3):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(3, 8))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if out.exists():  # it was faster than the kill
            break
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert out.exists(), done.stderr
    assert_same_results(run.path, out)
    assert {entry.name for entry in tmp_path.iterdir()} == {"killed", "cache"}


@pytest.mark.real
def test_the_tutorial_on_real_radiographs(real_data, tmp_path):
    recipe = load("tutorial-model-1", [Setting.parse("backbone.name=efficientnet_lite0")])
    run = train(recipe, real_data, tmp_path / "tutorial", audited=False)
    test = run.metrics["test"]
    assert len(run.cohort.table) == 275
    assert run.cohort.table["label"].value_counts().to_dict() == {"COVID-19": 175, "Normal": 100}
    assert test["accuracy"].n == 55
    assert test["accuracy"].value >= 0.95
    assert len(run.history) == 50
    assert run.predictions.table["split"].value_counts().to_dict() == {
        "train": 198,
        "test": 55,
        "validation": 22,
    }


@pytest.mark.real
def test_the_tutorial_s_network_runs_with_random_weights(real_data, tmp_path):
    settings = ["backbone.weights=random", "cohort.select.0.limit=20", "cohort.select.1.limit=15"]
    recipe = load("tutorial-model-1", [Setting.parse(text) for text in settings])
    run = train(recipe, real_data, tmp_path / "vgg", audited=False)
    assert run.model.manifest.head.parameters == 32_897
    assert Run.open(run.path).environment["versions"]["torch"]
