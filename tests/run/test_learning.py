"""A reduced precision is used where it changes nothing that counts, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.backbone import OpenVinoEngine, openvino_runtime
from hilum.bundle import Bundle
from hilum.recipe import Setting, load
from hilum.recipe.settings import Precision
from hilum.run.train import train

SETTINGS = ("cohort.select.0.options={images: 60}", "head={kind: linear, C: [0.001]}")
RESULTS = ("metrics.json", "predictions.csv", "model/head.safetensors")


class Coarse:
    """Stands for a processor with bfloat16: features in fewer digits, by `step`."""

    device = OpenVinoEngine.device
    precision = Precision.BFLOAT16

    def __init__(self, backbone, step: float) -> None:
        self.exact, self.step = OpenVinoEngine(backbone), step
        self.key = f"coarse, {step}"

    def run(self, squares):
        for values in self.exact.run(squares):
            yield (np.round(values / self.step) * self.step).astype(np.float32)


@pytest.fixture
def trained(demo_run, tmp_path, monkeypatch):
    """Return a function that trains with a coarse engine, and what the user was told."""

    def start(step: float, precision: str = "auto"):
        def choose(backbone, settings):
            if settings.precision is Precision.FLOAT32:
                return OpenVinoEngine(backbone)
            return Coarse(backbone, step)

        monkeypatch.setattr(train, "choose_engine", choose)
        settings = [*SETTINGS, f"engine.precision={precision}"]
        recipe = load("demo", [Setting.parse(text) for text in settings])
        out = tmp_path / f"run-{step}-{precision}"
        return train(recipe, demo_run[1], out, audited=False, progress=listener), listener.said

    class Listener:
        said: tuple[str, ...] = ()

        def track(self, items, *, what, total=None):
            yield from items

        def say(self, message):
            self.said += (message,)

    listener = Listener()
    return start


def test_a_reduced_precision_that_changes_little_is_used_and_its_drift_kept(trained):
    run, said = trained(0.001)
    record = run.model.manifest.precision
    assert (record.value, record.precision_error.precision) == (Precision.BFLOAT16, Precision.BFLOAT16)
    assert record.precision_error.images == (run.cohort.table["split"] == "validation").sum() > 0
    assert 0 < record.precision_error.largest <= 0.01
    assert record.precision_error.flips == 0
    assert run.environment["precision"] == "bfloat16"
    assert "precision" in run.environment["seconds"]
    assert not said


def test_one_that_changes_decisions_is_refused_and_the_run_is_float32_s(trained):
    refused, said = trained(0.5)
    plain, _ = trained(0.5, "float32")
    record = refused.model.manifest.precision
    assert record.value is Precision.FLOAT32
    assert record.precision_error.precision is Precision.BFLOAT16
    assert record.precision_error.largest > 0.01
    assert "float32 is used: with bfloat16" in said[0]
    assert refused.environment["precision"] == "float32"
    for name in RESULTS:
        assert (refused.path / name).read_bytes() == (plain.path / name).read_bytes(), name
    assert plain.model.manifest.precision.precision_error is None


def test_one_that_was_asked_for_is_kept_with_its_drift(trained):
    run, said = trained(0.5, "bfloat16")
    record = run.model.manifest.precision
    assert (record.value, run.environment["precision"]) == (Precision.BFLOAT16, "bfloat16")
    assert record.precision_error.largest > 0.01
    assert not said


def test_the_audit_looks_up_the_features_of_the_run(trained, demo_run, monkeypatch):
    from hilum.run.audit import audit

    run, _ = trained(0.001)
    asked = []

    def choose(backbone, settings):
        asked.append(settings.precision)
        return OpenVinoEngine(backbone)

    monkeypatch.setattr(audit, "choose_engine", choose)
    audit.subject_of(run, demo_run[1])
    assert asked == [Precision.BFLOAT16]


def test_a_bundle_of_another_machine_runs_in_float32_where_its_precision_is_lacking(trained, monkeypatch):
    from hilum.bundle import graph

    run, _ = trained(0.001)
    monkeypatch.setattr(graph, "precisions", lambda: (Precision.FLOAT32,))
    model = Bundle.load(run.path)
    assert model._inference.precision is Precision.FLOAT32
    assert model.manifest.precision.value is Precision.BFLOAT16


def test_torch_in_bfloat16_says_nothing_of_the_bundle_which_openvino_runs(demo_run, tmp_path, monkeypatch):
    monkeypatch.setattr(openvino_runtime, "precisions", lambda: tuple(Precision))  # PyTorch emulates them
    settings = [*SETTINGS, "engine={kind: torch, precision: bfloat16}"]
    recipe = load("demo", [Setting.parse(text) for text in settings])
    run = train(recipe, demo_run[1], tmp_path / "run", audited=False)
    assert run.environment["device"] == "cpu, PyTorch"
    assert run.environment["precision"] == "bfloat16"
    assert run.model.manifest.precision.value is Precision.FLOAT32


def test_both_engines_give_the_same_probabilities(demo_run, tmp_path):
    """To 1e-4, from training to prediction."""
    found = {}
    for kind in ("openvino", "torch"):
        settings = [*SETTINGS, f"engine={{kind: {kind}, precision: float32}}"]
        recipe = load("demo", [Setting.parse(text) for text in settings])
        run = train(recipe, demo_run[1], tmp_path / kind, audited=False)
        found[kind] = run.predictions.table.filter(like="probability_").to_numpy()
    np.testing.assert_allclose(found["openvino"], found["torch"], rtol=0, atol=1e-4)
