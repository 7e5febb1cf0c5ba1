"""The commands from the command line."""

from __future__ import annotations

import csv
import io
import json
import shutil

import pytest
from rich.console import Console

from hilum.cli.console import show
from hilum.recipe import shipped
from hilum.run.run import Run


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("train",),
        ("predict",),
        ("report",),
        ("audit",),
        ("evaluate",),
        ("compare",),
        ("demo",),
        ("cohort",),
        ("cohort", "list"),
        ("cohort", "fetch"),
        ("cohort", "build"),
        ("cohort", "check"),
        ("cohort", "duplicates"),
        ("cache", "info"),
        ("cache", "prune"),
        ("backbones",),
        ("recipes",),
    ],
)
def test_every_command_explains_itself(call, command):
    done = call(*command, "--help")
    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_a_misspelt_command_is_a_usage_error(call):
    assert call("trian").exit_code == 2


def test_the_version_is_shown(call):
    assert call("--version").stdout.startswith("hilum ")


def test_an_error_is_one_line_on_standard_error_without_a_traceback(call, tmp_path):
    done = call("train", "tutorial-modl-1", "--out", tmp_path / "run")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == "Error: no recipe is named 'tutorial-modl-1'. Did you mean tutorial-model-1?\n"


def test_recipes_are_listed_and_printed(call):
    listed = call("recipes").stdout
    assert all(name in listed for name in shipped())
    assert call("recipes", "demo").stdout == shipped()["demo"]
    assert call("recipes", "dmo").exit_code == 1


def test_backbones_are_listed_with_what_matters(call):
    listed = call("backbones").stdout
    assert "efficientnet_lite0" in listed
    assert "vgg16" in listed


def test_sources_are_listed(call):
    listed = call("cohort", "list").stdout
    assert "cohen" in listed
    assert "kermany" in listed


@pytest.fixture
def images(demo_run, tmp_path):
    _, data = demo_run
    folder = tmp_path / "new"
    folder.mkdir()
    for number, path in enumerate(sorted((data / "phantom").rglob("*.png"))[:3]):
        shutil.copy(path, folder / f"{number}.png")
    return folder


def test_predict_writes_json_lines(call, demo_run, images):
    done = call("predict", demo_run[0].path, images, "--json")
    assert done.exit_code == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["image"] for line in lines] == [str(images / f"{n}.png") for n in range(3)]
    for line in lines:
        assert set(line) == {"image", "predicted", "probability", "threshold"}
        assert sum(line["probability"].values()) == pytest.approx(1, abs=1e-5)
        positive = line["probability"]["COVID-19"] >= line["threshold"]
        assert line["predicted"] == ("COVID-19" if positive else "Normal")


def test_predict_goes_on_after_a_bad_image_and_exits_with_1(call, demo_run, images):
    (images / "0a.png").write_bytes(b"<html>not found</html>")
    done = call("predict", demo_run[0].path, images, "--csv")
    assert done.exit_code == 1
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [bool(row["error"]) for row in rows] == [False, True, False, False]
    assert rows[0]["predicted"] in {"Normal", "COVID-19"}


def test_predict_shows_a_table(call, demo_run, images):
    (images / "9.txt").write_text("notes")
    done = call("predict", demo_run[0].path, images / "0.png", images / "9.txt")
    assert done.exit_code == 1
    assert "1 predicted, 1 failed" in done.stdout
    assert "not diagnosis" in done.stdout


def test_predict_refuses_two_formats_at_once(call, demo_run, images):
    assert call("predict", demo_run[0].path, images, "--csv", "--json").exit_code == 2


def test_predict_says_that_there_is_no_model(call, tmp_path, images):
    done = call("predict", tmp_path, images)
    assert done.exit_code == 1
    assert "no model is here" in done.stderr


def test_report_is_drawn_again(call, demo_run, tmp_path):
    run, data = demo_run
    shutil.copytree(run.path, tmp_path / "copy")
    (tmp_path / "copy" / "report.html").unlink()
    shutil.rmtree(tmp_path / "copy" / "figures")
    done = call("report", tmp_path / "copy", "--data", data)
    assert done.exit_code == 0
    assert (tmp_path / "copy" / "report.html").read_bytes() == run.report.read_bytes()


def test_a_cohort_is_built_and_checked(call, demo_run, tmp_path):
    _, data = demo_run
    (tmp_path / "mine.yaml").write_text(
        shipped()["demo"].replace("{source: phantom}", "{source: phantom, options: {images: 60}}")
    )
    done = call("cohort", "build", tmp_path / "mine.yaml", "--out", tmp_path / "c.csv", "--data", data)
    assert done.exit_code == 0, done.stdout
    assert "COVID-19" in done.stdout
    assert call("cohort", "check", tmp_path / "c.csv", "--data", data).exit_code == 0


BRACKETS = "a [/x] b [red]"
"""What Rich would take for markup."""


def test_names_with_brackets_are_shown_as_they_are(call, demo_run, images, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(demo_run[0].path, copy)
    manifest = json.loads((copy / "model" / "bundle.json").read_text())
    manifest["classes"] = ["Normal", BRACKETS]
    (copy / "model" / "bundle.json").write_text(json.dumps(manifest))
    shown = call("predict", copy, images).stdout
    assert f"P({BRACKETS})" in shown
    assert f"{BRACKETS} is predicted when" in shown

    recipe = copy / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("title: ", f"title: {BRACKETS} "))
    text = io.StringIO()
    show(Run.open(copy), Console(file=text))
    assert BRACKETS in text.getvalue()


def test_a_cohort_with_brackets_is_shown_as_it_is(call, images, tmp_path):
    table = f"image,label,patient,source\n0.png,{BRACKETS},p,{BRACKETS}\n"
    (tmp_path / "c.csv").write_text(table)
    assert call("cohort", "check", tmp_path / "c.csv", "--data", images).stdout.count(BRACKETS) == 2


@pytest.mark.parametrize("place", ["file.txt/run", "/", "y" * 250])
def test_a_place_that_cannot_be_written_is_an_error_in_one_line(call, tmp_path, place):
    (tmp_path / "file.txt").touch()
    done = call("train", "demo", "--data", tmp_path, "--out", tmp_path / place)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_a_table_that_cannot_be_written_is_an_error_in_one_line(call, demo_run, tmp_path):
    (tmp_path / "file.txt").touch()
    out = tmp_path / "file.txt" / "c.csv"
    done = call("cohort", "build", "demo", "--out", out, "--data", demo_run[1])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_a_report_without_the_folder_it_names_is_refused(call, demo_run, tmp_path):
    done = call("report", demo_run[0].path, "--data", tmp_path / "nowhere")
    assert done.exit_code == 1
    assert "the folder of the images does not exist" in done.stderr
