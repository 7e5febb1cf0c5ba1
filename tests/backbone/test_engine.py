"""What every engine keeps, and which is chosen."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hilum.backbone import OpenVinoEngine, TorchEngine, engine, open_backbone, openvino_runtime
from hilum.errors import BackboneError
from hilum.recipe.settings import BackboneSettings, EngineSettings, Precision, WindowPooling

ENGINES = {
    "openvino": OpenVinoEngine,
    "torch": lambda backbone: TorchEngine(backbone, "cpu"),
    "torch, 4 a pass": lambda backbone: TorchEngine(backbone, "cpu", batch=4),
}


@pytest.fixture(scope="module")
def embedded():
    return open_backbone(BackboneSettings(), 64)


def some(count: int, side: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, side, side), dtype=np.float32)


def computed(started, images) -> np.ndarray:
    return np.stack(list(started.run(images)))


@pytest.mark.parametrize("start", ENGINES.values(), ids=ENGINES)
def test_an_image_has_the_same_features_whatever_stands_beside_it(embedded, start):
    engine = start(embedded)
    pixels = some(7)
    together = computed(engine, pixels)
    assert (together.shape, together.dtype) == ((7, 1280), np.float32)
    assert np.array_equal(computed(engine, pixels[::-1])[::-1], together)
    for row in range(7):
        assert np.array_equal(computed(engine, pixels[row : row + 1])[0], together[row])
    beside = some(7, seed=1)
    beside[3] = pixels[3]
    assert np.array_equal(computed(engine, beside)[3], together[3])
    assert np.array_equal(computed(start(embedded), pixels), together)


@pytest.mark.parametrize("start", ENGINES.values(), ids=ENGINES)
def test_it_gives_what_the_network_gives(embedded, start):
    pixels = some(3)
    with torch.inference_mode():
        expected = embedded.module(torch.from_numpy(pixels)[:, None]).numpy()
    np.testing.assert_allclose(computed(start(embedded), pixels), expected, rtol=1e-4, atol=1e-4)


def test_engines_agree_on_the_tutorials_network():
    backbone = open_backbone(
        BackboneSettings(name="vgg16", weights="random", pooling=WindowPooling(size=2)), 64
    )
    pixels = some(2)
    found, expected = (computed(each(backbone), pixels) for each in (OpenVinoEngine, ENGINES["torch"]))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_each_says_what_it_is(embedded):
    said = [start(embedded) for start in ENGINES.values()]
    assert [each.device for each in said] == ["cpu, OpenVINO", "cpu, PyTorch", "cpu, PyTorch"]
    assert {each.precision for each in said} == {Precision.FLOAT32}
    assert len({each.key for each in said}) == 3


def test_without_an_accelerator_openvino_runs(embedded, monkeypatch):
    monkeypatch.setattr(engine, "accelerator", lambda: None)
    chosen = engine.choose_engine(embedded)
    assert (chosen.device, chosen.precision) == ("cpu, OpenVINO", Precision.FLOAT32)
    asked = engine.choose_engine(embedded, EngineSettings(kind="torch"))
    assert (asked.device, asked.precision) == ("cpu, PyTorch", Precision.FLOAT32)


@pytest.mark.parametrize(
    ("device", "native", "auto"),
    [("cuda", True, "bfloat16"), ("cuda", False, "float16"), ("mps", True, "float16")],
)
def test_with_an_accelerator_torch_runs_unless_openvino_is_asked_for(
    embedded, device, native, auto, monkeypatch
):
    monkeypatch.setattr(engine, "accelerator", lambda: device)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: native)
    chosen = engine.choose_engine(embedded, EngineSettings())
    assert (chosen.device, chosen.precision) == (f"{device}, PyTorch", auto)
    assert engine.choose_engine(embedded).precision is Precision.FLOAT32
    half = engine.choose_engine(embedded, EngineSettings(precision="float16"))
    assert half.precision is Precision.FLOAT16
    assert isinstance(engine.choose_engine(embedded, EngineSettings(kind="openvino")), OpenVinoEngine)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (("float32",), "float32"),
        (("float32", "bfloat16", "float16"), "bfloat16"),
        (("float32", "float16"), "float16"),
    ],
)
def test_auto_takes_what_the_processor_is_fastest_in(embedded, known, expected, monkeypatch):
    monkeypatch.setattr(engine, "accelerator", lambda: None)
    monkeypatch.setattr(openvino_runtime, "precisions", lambda: tuple(map(Precision, known)))
    assert engine.choose_engine(embedded, EngineSettings()).precision == expected


def test_a_precision_that_the_processor_lacks_is_refused(embedded, monkeypatch):
    """OpenVINO would compute in float32 and say nothing."""
    monkeypatch.setattr(openvino_runtime, "precisions", lambda: (Precision.FLOAT32,))
    with pytest.raises(
        BackboneError, match=r"does not compute in bfloat16.*expected float32.*engine\.precision"
    ):
        engine.choose_engine(embedded, EngineSettings(kind="openvino", precision="bfloat16"))


def test_a_gpu_without_bfloat16_is_refused(embedded, monkeypatch):
    monkeypatch.setattr(engine, "accelerator", lambda: "cuda")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: including_emulation)
    with pytest.raises(BackboneError, match=r"this GPU does not compute in bfloat16.*float32 or float16"):
        engine.choose_engine(embedded, EngineSettings(precision="bfloat16"))


def test_bfloat16_gives_other_features_near_those_of_float32(embedded):
    pixels = some(4)
    exact, reduced = (computed(TorchEngine(embedded, "cpu", each), pixels) for each in list(Precision)[:2])
    assert reduced.dtype == np.float32
    assert not np.array_equal(exact, reduced)
    assert np.corrcoef(exact.ravel(), reduced.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("start", ENGINES.values(), ids=ENGINES)
def test_images_are_taken_a_bounded_number_ahead(embedded, start):
    taken = 0

    def images():
        nonlocal taken
        for image in some(60):
            taken += 1
            yield image

    for done, _ in enumerate(start(embedded).run(images()), 1):
        assert taken - done <= 4 * 4 * (os.cpu_count() or 1)
    assert taken == done == 60


@pytest.mark.parametrize("start", ENGINES.values(), ids=ENGINES)
def test_without_images_the_network_is_not_loaded(start, monkeypatch):
    assert list(start(None).run([])) == []


@pytest.mark.parametrize(
    ("cuda", "metal", "usable", "expected"),
    [
        (True, False, True, "cuda"),
        (True, False, False, None),
        (False, True, True, "mps"),
        (False, False, True, None),
    ],
)
def test_the_accelerator_is_one_that_torch_can_use(cuda, metal, usable, expected, monkeypatch):
    monkeypatch.setattr(engine, "_has_cuda", lambda: cuda)
    monkeypatch.setattr(engine, "_has_metal", lambda: metal)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: usable)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: usable)
    assert engine.accelerator.__wrapped__() == expected


class Driver:
    """Stands for NVIDIA's."""

    def __init__(self, devices: int, error: int = 0) -> None:
        self.devices, self.error = devices, error

    def cuInit(self, flags):  # noqa: N802
        return self.error

    def cuDeviceGetCount(self, count):  # noqa: N802
        count._obj.value = self.devices
        return 0


@pytest.mark.parametrize(
    ("driver", "expected"),
    [(Driver(2), True), (Driver(0), False), (Driver(2, error=100), False), (object(), False)],
)
def test_the_driver_is_asked_for_devices(driver, expected, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: driver)
    assert engine._has_cuda() is expected


def test_no_driver_is_no_device(monkeypatch):
    monkeypatch.setattr(engine, "_DRIVER", "libno-such-driver.so")
    assert engine._has_cuda() is False


def test_a_network_that_was_built_before_runs_without_torch(embedded, tmp_path: Path):
    """The embedded network is in the cache of this test run; the second process only reads it."""
    code = """
import sys
import numpy as np
from hilum.backbone import OpenVinoEngine, open_backbone
from hilum.recipe.settings import BackboneSettings
(found,) = OpenVinoEngine(open_backbone(BackboneSettings(), 64)).run(np.zeros((1, 64, 64), np.float32))
assert found.shape == (1280,) and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
