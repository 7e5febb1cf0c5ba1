"""``hilum bench``: what its tables say, with figures that a test states."""

from __future__ import annotations

import json

import pytest

from hilum.bench import Comparison, Growth, Limit, Machine, Prediction, Rate, Spread, Tutorial
from hilum.bench.stages import StageTime
from hilum.bundle.manifest import DriftRecord
from hilum.errors import BenchError
from hilum.recipe.settings import Precision

MACHINE = Machine("Abacus", 2, 24_000_000_000, "", "Linux", ("float32",), {"python": "3.11"})
ONE = Spread(1, 1, 1, 1)


def spread(low, median, high):
    return Spread(median, low, high, 3)


@pytest.fixture(autouse=True)
def _machine(monkeypatch):
    monkeypatch.setattr("hilum.bench.machine.this_machine", lambda: MACHINE)


def squeezed(text):
    return " ".join(text.split())


@pytest.mark.parametrize("command", ["tutorial", "prediction", "limit", "growth", "gpu"])
def test_every_command_explains_itself(call, command):
    done = call("bench", command, "--help")
    assert done.exit_code == 0
    assert "--out" in done.stdout


def test_the_tutorial_s_table(call, monkeypatch, tmp_path):
    drift = DriftRecord(precision=Precision.BFLOAT16, images=22, largest=0.0042, flips=1)
    sizes = (Spread(7e8, 7e8, 7e8, 3), spread(39.5, 40.1, 41), spread(0.2, 0.25, 0.3), 35.0)
    found = Tutorial(
        images=275,
        epochs_measured=3,
        epoch_seconds=spread(18, 18.6, 19),
        keras_measured=spread(80, 81, 82),
        keras_seconds=spread(950, 955, 960),
        keras_peak_bytes=Spread(2.8e9, 2.8e9, 2.8e9, 3),
        comparisons=(
            Comparison(Precision.FLOAT32, "cold", spread(23, 24, 25), *sizes, None),
            Comparison(Precision.BFLOAT16, "cold", spread(15, 16, 17), *sizes, drift),
        ),
    )
    monkeypatch.setattr("hilum.bench.tutorial.bench_tutorial", lambda *_, **__: found)
    done = call("bench", "tutorial", "--out", tmp_path / "t.json")
    said = squeezed(done.stdout)
    assert "The tutorial's run, 275 images" in said
    assert "Keras, float32 955 (950–960) 1 2,800 MB" in said
    assert "hilum, float32, cold 24.0 (23.0–25.0) 40 (40–41) × 35 × 700 MB 0.25 0.33 –" in said
    assert "0.0042, 1 of 22" in said
    assert (
        "3 of its 50 epochs in 81.0 (80.0–82.0) s; the other 47 are added at the median epoch's 18.6" in said
    )
    assert "bfloat16 is skipped" in said
    assert (
        "Machine: Abacus, 2 cores; 24 GB memory; no GPU; computes in float32; Linux. Versions: python 3.11."
        in said
    )
    written = json.loads((tmp_path / "t.json").read_text())
    assert written["machine"]["processor"] == "Abacus"
    assert written["values"]["comparisons"][1]["drift"]["flips"] == 1
    assert written["values"]["comparisons"][0]["faster"] == {"median": 40.1, "low": 39.5, "high": 41, "n": 3}


def test_prediction_s_table_compares_the_same_network_only(call, monkeypatch):
    known = {"peak_bytes": Spread(5e8, 5e8, 5e8, 3), "whole": spread(9, 10, 11)}
    rates = (
        Rate(
            "torchxrayvision",
            "densenet121",
            "float32",
            steady=spread(11, 12, 13),
            whole_faster=ONE,
            steady_faster=ONE,
            **known,
        ),
        Rate(
            "hilum",
            "densenet121",
            "float32",
            steady=spread(47, 48, 49),
            whole_faster=spread(5, 6, 7),
            steady_faster=spread(3, 4, 5),
            **known,
        ),
        Rate(
            "hilum",
            "vgg16",
            "float32",
            steady=spread(9, 10, 11),
            whole_faster=None,
            steady_faster=None,
            **known,
        ),
    )
    monkeypatch.setattr(
        "hilum.bench.prediction.bench_prediction", lambda *_, **__: Prediction(200, 20, rates)
    )
    said = call("bench", "prediction").stdout.splitlines()
    assert squeezed(said[2]) == "torchxrayvision densenet121, float32 12.0 (11.0–13.0) 10.0 (9.0–11.0) 500 MB"
    assert "48.0 (47.0–49.0) 4.0 (3.0–5.0) × 10.0 (9.0–11.0) 6.0 (5.0–7.0) × 4 ×" in squeezed(said[3])
    assert "×" not in said[4]


def test_the_limit_s_table(call, monkeypatch):
    found = Limit(
        "vgg16",
        "float32",
        237,
        4,
        33_500_000_000,
        *(spread(0.01, 0.012, 0.02),) * 3,
        over_limit=spread(1, 1.1, 1.2),
        engine_rate=Spread(1.4e11, 1.4e11, 1.4e11, 3),
        product_rate=Spread(1.65e11, 1.65e11, 1.65e11, 3),
        of_product=spread(0.8, 0.85, 0.9),
    )
    monkeypatch.setattr("hilum.bench.limit.bench_limit", lambda *_, **__: [found])
    said = squeezed(call("bench", "limit").stdout)
    assert "vgg16, 237 px float32 12.0 12.0 4 12.0 1.10 (1.00–1.20) 33.50 140 of 165 0.85 (0.80–0.90)" in said


def test_growth_has_a_table_of_images_and_one_of_stages(call, monkeypatch):
    asked = []

    def bench(counts, **given):
        asked.append((counts, given["turns"]))
        return [
            Growth(
                "features", 1000, ONE, Spread(0.0015, 0.0015, 0.0015, 1), Spread(4e8, 4e8, 4e8, 1), 6_000_000
            )
        ]

    monkeypatch.setattr("hilum.bench.growth.bench_growth", bench)
    monkeypatch.setattr(
        "hilum.bench.stages.measure_stages", lambda rows, _: [StageTime("split", rows, 0.25, 10**8)]
    )
    said = squeezed(call("bench", "growth", "--images", 1000, "--images", 2000).stdout)
    assert asked == [([1000, 2000], 1)]
    assert "features 1,000 1.0 1.50 400 MB 6 MB" in said
    assert "split 1,000 0.25 100 MB" in said
    assert "split 2,000 0.25 100 MB" in said
    assert "split" not in call("bench", "growth", "--no-stages").stdout


def test_without_a_gpu_a_word_says_so(call, monkeypatch):
    monkeypatch.setattr("hilum.backbone.engine.accelerator", lambda: None)
    done = call("bench", "gpu")
    assert (done.exit_code, done.stdout) == (0, "No CUDA device is here: nothing to measure.\n")


def test_an_interpreter_without_the_baseline_s_packages_is_one_line(call, tmp_path, demo_run):
    _, data = demo_run
    done = call("bench", "prediction", "--data", data / "phantom", "--python", tmp_path / "python")
    assert done.exit_code == 1
    assert "this Python cannot run the baseline" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_side_is_one_line(call, monkeypatch):
    def bench(*_, **__):
        raise BenchError("keras failed", found="exit code 1")

    monkeypatch.setattr("hilum.bench.tutorial.bench_tutorial", bench)
    done = call("bench", "tutorial")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Error: keras failed; found exit code 1\n")
