"""Rates from whole processes: by hand, and when they cannot be determined."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.measuring import FAILED, Results, Usage
from benchmarks.prediction import SAME, Runner, show, steady, theirs

RUNNERS = [
    Runner("torchxrayvision", SAME, "float32", ()),
    Runner("hilum-a", SAME, "float32", ()),
    Runner("hilum-b", "vgg16", "float32", ()),
]


def table(tmp_path, few, many):
    """Return the rows for 10 and 110 images, from the seconds of each side's turns."""
    used = {
        f"{name}-{run}": [FAILED if math.isnan(one) else Usage(one, 2e6) for one in seconds]
        for run, sides in (("few", few), ("many", many))
        for name, seconds in sides.items()
    }
    show(RUNNERS, used, 10, 110, Results("prediction", tmp_path / "out.json"))
    return json.loads((tmp_path / "out.json").read_text())["figures"][-1]["rows"]


def test_a_steady_rate_excludes_the_start():
    assert steady(10, 3.0, 110, 8.0) == 20


@pytest.mark.parametrize(("many", "seconds"), [(110, 3.0), (110, 2.0), (10, 9.0), (110, math.nan)])
def test_a_long_run_that_took_no_longer_has_no_steady_rate(many, seconds):
    assert math.isnan(steady(10, 3.0, many, seconds))


def test_rates_are_compared_for_the_same_network_only(tmp_path):
    few = {"torchxrayvision": [2.0, 2.0], "hilum-a": [1.0, 1.0], "hilum-b": [1.0, 1.0]}
    many = {"torchxrayvision": [22.0, 22.0], "hilum-a": [5.0, 3.0], "hilum-b": [11.0, 11.0]}
    theirs, ours, other = table(tmp_path, few, many)
    assert (theirs["Steady images/s"], theirs["Whole images/s"]) == ("5.0 (5.0–5.0)", "5.0 (5.0–5.0)")
    assert ours["Faster"] == "7.5 (5.0–10.0)"  # 25 and 50 images a second over 5
    assert (other["Steady images/s"], other["Faster"], other["Goal"]) == ("10.0 (10.0–10.0)", "", "")


def test_figures_are_kept_where_the_images_are_too_few_to_tell_a_rate(tmp_path, capsys):
    few = {"torchxrayvision": [2.0, 2.0], "hilum-a": [1.0, 1.0], "hilum-b": [1.0, 1.0]}
    many = {"torchxrayvision": [math.nan, math.nan], "hilum-a": [0.9, 3.0], "hilum-b": [0.9, 0.8]}
    theirs, ours, other = table(tmp_path, few, many)
    assert (theirs["Steady images/s"], ours["Faster"]) == ("–", "–")
    assert ours["Steady images/s"] == "50.0"
    assert other["Steady images/s"] == "–"
    assert other["Whole images/s"].startswith("129.9")
    assert "--images" in capsys.readouterr().out


def test_without_the_baseline_hilum_is_measured_alone(tmp_path, capsys):
    assert theirs(tmp_path / "python", tmp_path, Results("prediction")) == []
    assert "torchxrayvision is not measured" in capsys.readouterr().out


def test_a_runner_puts_the_folder_in_its_place():
    side = Runner("a", "vgg16", "float32", ("run", "it"), ("table.csv",)).over(Path("/x/few"))
    assert (side.name, side.command) == ("a-few", ("run", "it", "/x/few", "table.csv"))
