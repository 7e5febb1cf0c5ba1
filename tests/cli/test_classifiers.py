"""Classifiers made elsewhere, as a user names them to the commands."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from hilum.cli.classifiers import open_classifier


@pytest.fixture
def place(demo_run, tmp_path, monkeypatch):
    """Return a folder with a function, a cohort of the demo's images, and their folder."""
    run, data = demo_run
    monkeypatch.chdir(tmp_path)
    (tmp_path / "brightness.py").write_text("def classify(pixels):\n    return pixels.mean()\n")
    table = run.cohort.table[["image", "label", "patient", "source"]]
    table.groupby("label").head(4).to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path, data


FUNCTION = ("--function", "brightness:classify", "--classes", "Normal,COVID-19")


def test_a_function_predicts_files(call, place):
    _, data = place
    images = sorted((data / "phantom").rglob("*.png"))[:2]
    done = call("predict", *FUNCTION, "--threshold", "0.01", *images, "--json")
    assert done.exit_code == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["predicted"], line["threshold"]) for line in lines] == [("COVID-19", 0.01)] * 2


def test_a_function_is_evaluated_kept_and_compared(call, place):
    folder, data = place
    words = ("evaluate", "--cohort", "cohort.csv", "--data", data)
    done = call(*words, *FUNCTION, "--out", "kept", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["images"] == 8
    assert "internal" not in found
    again = call("evaluate", "--predictions", folder / "kept" / "predictions.csv", "--json")
    assert json.loads(again.stdout)["metrics"] == found["metrics"]
    shown = call(*words, *FUNCTION)
    assert "Drop" not in shown.stdout
    assert "8 images" in shown.stdout
    done = call("compare", "kept", folder / "kept" / "predictions.csv", "--json")
    assert json.loads(done.stdout)["images"] == 8


def test_a_bare_table_is_evaluated_with_the_facts_of_a_cohort(call, place):
    folder, _ = place
    table = pd.read_csv(folder / "cohort.csv")
    table["probability"] = (table["label"] == "COVID-19") * 0.8
    table[["image", "probability"]].to_csv(folder / "bare.csv", index=False)
    words = ("evaluate", "--predictions", "bare.csv", "--classes", "Normal,COVID-19", "--json")
    done = call(*words, "--cohort", "cohort.csv")
    assert json.loads(done.stdout)["metrics"]["roc_auc"]["value"] == 1
    assert "no column split" in done.stderr
    assert "no column patient" not in done.stderr
    assert "no column 'label'" in call(*words).stderr


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "a.png"),
        ("predict", "--function", "brightness:classify", "a.png"),
        ("predict", "--model", "m.onnx", "a.png"),
        ("predict", "run", "a.png", "--classes", "a,b"),
        ("predict", "--model", "m.onnx", "--preprocessing", "p.yaml", *FUNCTION, "a.png"),
        ("evaluate", "--cohort", "cohort.csv"),
        ("evaluate", *FUNCTION),
        ("evaluate", "run", *FUNCTION, "--cohort", "cohort.csv"),
        ("evaluate", "run", "--predictions", "bare.csv"),
    ],
)
def test_options_that_do_not_name_one_classifier_are_usage_errors(call, place, words):
    assert call(*words).exit_code == 2


def test_a_model_and_its_preprocessing_are_opened(call, place):
    folder, _ = place
    (folder / "p.yaml").write_text("preset: imagenet\nclases: [a, b]\n")
    (folder / "a.png").touch()
    done = call("predict", "--model", "m.onnx", "--preprocessing", "p.yaml", "a.png")
    assert done.exit_code == 1
    assert "clases (line 2): unknown key. Did you mean classes?" in done.stderr


def test_a_run_is_one_of_the_classifiers(demo_run):
    run, _ = demo_run
    assert open_classifier(run.path).classes == run.model.classes
