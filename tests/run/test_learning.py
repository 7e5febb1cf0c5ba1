"""A reduced precision is used where it changes nothing that counts, and only there."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from hilum.backbone import OpenVinoEngine, openvino_runtime
from hilum.bundle import Bundle
from hilum.recipe import Setting, load
from hilum.recipe.settings import Precision
from hilum.run import learning
from hilum.run.learning import TRIAL_IMAGES
from hilum.run.train import train

SETTINGS = ("cohort.select.0.options={images: 60}", "head={kind: linear, C: [0.001]}")
RESULTS = ("metrics.json", "predictions.csv", "model/head.safetensors")


class Coarse:
    """Stands for a processor with bfloat16: features in fewer digits, by `step`; none at 0."""

    device = OpenVinoEngine.device

    def __init__(self, backbone, precision: Precision, step: float, listener: Listener) -> None:
        self.exact, self.precision, self.step = OpenVinoEngine(backbone), precision, step
        self.seen = listener.computed
        self.key = f"{listener.name}, {step}"  # so that no run finds the features of another

    def run(self, images):
        for values in self.exact.run(images):
            self.seen[self.precision] += 1
            yield (np.round(values / self.step) * self.step).astype(np.float32) if self.step else values


class Listener:
    """Remembers what it was told, and which precision computed how many images."""

    def __init__(self) -> None:
        self.name = uuid4().hex
        self.said: list[str] = []
        self.computed: Counter = Counter()

    def track(self, items, *, what, total=None):
        yield from items

    def say(self, message):
        self.said.append(message)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return the folder of the synthetic cohort, which the first training draws."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def trained(data, tmp_path, monkeypatch):
    """Return a function that trains, without known features, where bfloat16 has steps of `step`."""

    def start(step: float, precision: str = "auto"):
        listener = Listener()

        def choose(backbone, settings):
            if settings.precision is Precision.FLOAT32:
                return Coarse(backbone, Precision.FLOAT32, 0, listener)
            return Coarse(backbone, Precision.BFLOAT16, step, listener)

        out = tmp_path / f"run-{step}-{precision}"
        monkeypatch.setattr(learning, "choose_engine", choose)
        settings = [*SETTINGS, f"engine.precision={precision}"]
        recipe = load("demo", [Setting.parse(text) for text in settings])
        return train(recipe, data, out, audited=False, progress=listener), listener

    return start


def images_of(run) -> tuple[int, int]:
    """Return the numbers of all images and of the validation images."""
    return len(run.cohort), int((run.cohort.table["split"] == "validation").sum())


def test_a_reduced_precision_that_changes_little_is_used_and_its_error_recorded(trained):
    run, heard = trained(0.001)
    count, validation = images_of(run)
    record = run.model.manifest.precision
    assert (record.value, record.precision_error.precision) == (Precision.BFLOAT16, Precision.BFLOAT16)
    assert record.precision_error.images == validation > 0
    assert 0 < record.precision_error.largest <= 0.01
    assert record.precision_error.flips == 0
    assert run.environment["precision"] == "bfloat16"
    assert "precision" in run.environment["seconds"]
    assert not heard.said
    assert heard.computed == {Precision.BFLOAT16: count, Precision.FLOAT32: validation}
    assert (run.environment["features"]["from_cache"], run.environment["features"]["computed"]) == (0, count)


def test_one_that_changes_much_is_refused_after_a_few_images_and_the_run_is_in_float32(trained):
    refused, heard = trained(0.5)
    plain, _ = trained(0.5, "float32")
    count, validation = images_of(refused)
    record = refused.model.manifest.precision
    assert record.value is Precision.FLOAT32
    assert record.precision_error.precision is Precision.BFLOAT16
    assert record.precision_error.images == min(validation, TRIAL_IMAGES)
    assert record.precision_error.largest > 0.01
    assert "float32 is used: with bfloat16" in heard.said[0]
    assert heard.computed == {Precision.BFLOAT16: min(validation, TRIAL_IMAGES), Precision.FLOAT32: count}
    assert (refused.environment["features"]["from_cache"], refused.environment["precision"]) == (0, "float32")
    for name in RESULTS:
        assert (refused.path / name).read_bytes() == (plain.path / name).read_bytes(), name
    assert plain.model.manifest.precision.precision_error is None


def test_one_that_the_trial_passes_is_still_refused_where_a_decision_moves(trained, monkeypatch):
    monkeypatch.setattr(learning, "_movement", lambda *_: 0.0)
    run, heard = trained(0.5)
    record = run.model.manifest.precision
    assert record.value is Precision.FLOAT32
    assert record.precision_error.images == images_of(run)[1]
    assert "decisions flip" in heard.said[0]
    assert run.environment["features"]["from_cache"] == 0


def test_the_trial_takes_as_many_images_of_each_class():
    labels = pd.Series(["a"] * 90 + ["b"] * 10 + ["c"] * 100)
    rows = learning._spread_over_classes(labels, np.arange(0, 200, 2))
    assert len(rows) == TRIAL_IMAGES
    assert labels.iloc[rows].value_counts().to_dict() == {"a": 14, "b": 5, "c": 13}


def test_a_class_without_validation_images_leaves_nothing_to_try():
    features = np.zeros((2, 3), np.float32)
    assert learning._movement(features, features, np.array([0, 0]), ["a", "b"], 1.0) == float("inf")


def test_one_that_was_asked_for_is_kept_with_its_error(trained):
    run, heard = trained(0.5, "bfloat16")
    record = run.model.manifest.precision
    assert (record.value, run.environment["precision"]) == (Precision.BFLOAT16, "bfloat16")
    assert record.precision_error.largest > 0.01
    assert not heard.said


def test_a_bundle_of_another_machine_runs_in_float32_where_its_precision_is_lacking(trained, monkeypatch):
    run, _ = trained(0.001)
    monkeypatch.setattr(openvino_runtime, "precisions", lambda: (Precision.FLOAT32,))
    model = Bundle.load(run.path)
    assert model._inference.precision is Precision.FLOAT32
    assert model.manifest.precision.value is Precision.BFLOAT16


def test_torch_in_bfloat16_says_nothing_of_the_bundle_which_openvino_runs(data, tmp_path, monkeypatch):
    monkeypatch.setattr(openvino_runtime, "precisions", lambda: tuple(Precision))  # PyTorch emulates them
    settings = [*SETTINGS, "engine={kind: torch, precision: bfloat16}"]
    recipe = load("demo", [Setting.parse(text) for text in settings])
    run = train(recipe, data, tmp_path / "run", audited=False)
    assert run.environment["device"] == "cpu, PyTorch"
    assert run.environment["precision"] == "bfloat16"
    assert run.model.manifest.precision.value is Precision.FLOAT32


def test_both_engines_give_the_same_probabilities(data, tmp_path):
    """To 1e-4, from training to prediction."""
    found = {}
    for kind in ("openvino", "torch"):
        settings = [*SETTINGS, f"engine={{kind: {kind}, precision: float32}}"]
        recipe = load("demo", [Setting.parse(text) for text in settings])
        run = train(recipe, data, tmp_path / kind, audited=False)
        found[kind] = run.predictions.table.filter(like="probability_").to_numpy()
    np.testing.assert_allclose(found["openvino"], found["torch"], rtol=0, atol=1e-4)
