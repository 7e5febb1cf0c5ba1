"""What every engine keeps, and which is chosen."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hilum.backbone import OpenVinoEngine, TorchEngine, cuda, engine, open_backbone
from hilum.recipe.settings import BackboneSettings, WindowPooling

ENGINES = {
    "openvino": OpenVinoEngine,
    "torch": lambda backbone: TorchEngine(backbone, "cpu"),
    "torch, 4 a pass": lambda backbone: TorchEngine(backbone, "cpu", batch=4),
}


@pytest.fixture(scope="module")
def embedded():
    return open_backbone(BackboneSettings(), 64)


def some(count: int, side: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 1, side, side), dtype=np.float32)


@pytest.mark.parametrize("start", ENGINES.values(), ids=ENGINES)
def test_an_image_has_the_same_features_whatever_stands_beside_it(embedded, start):
    engine = start(embedded)
    pixels = some(7)
    together = engine.run(pixels)
    assert (together.shape, together.dtype) == ((7, 1280), np.float32)
    assert np.array_equal(engine.run(pixels[::-1])[::-1], together)
    for row in range(7):
        assert np.array_equal(engine.run(pixels[row : row + 1])[0], together[row])
    beside = some(7, seed=1)
    beside[3] = pixels[3]
    assert np.array_equal(engine.run(beside)[3], together[3])
    assert np.array_equal(start(embedded).run(pixels), together)


@pytest.mark.parametrize("start", ENGINES.values(), ids=ENGINES)
def test_it_gives_what_the_network_gives(embedded, start):
    pixels = some(3)
    with torch.inference_mode():
        expected = embedded.module(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(start(embedded).run(pixels), expected, rtol=1e-4, atol=1e-4)


def test_engines_agree_on_the_tutorials_network():
    backbone = open_backbone(
        BackboneSettings(name="vgg16", weights="random", pooling=WindowPooling(size=2)), 64
    )
    pixels = some(2)
    found, expected = (each(backbone).run(pixels) for each in (OpenVinoEngine, ENGINES["torch"]))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_each_says_what_it_is(embedded):
    said = [start(embedded) for start in ENGINES.values()]
    assert [each.device for each in said] == ["cpu, OpenVINO", "cpu, PyTorch", "cpu, PyTorch"]
    assert {each.precision for each in said} == {"float32"}
    assert len({each.key for each in said}) == 3


def test_without_a_device_openvino_runs(embedded, monkeypatch):
    monkeypatch.setattr(engine, "has_cuda", lambda: False)
    assert isinstance(engine.choose_engine(embedded), OpenVinoEngine)


def test_with_a_device_torch_runs_if_it_can_use_it(embedded, monkeypatch):
    monkeypatch.setattr(engine, "has_cuda", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert engine.choose_engine(embedded).device == "cuda, PyTorch"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert isinstance(engine.choose_engine(embedded), OpenVinoEngine)


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
    assert cuda.has_cuda.__wrapped__() is expected


def test_no_driver_is_no_device(monkeypatch):
    monkeypatch.setattr(cuda, "_DRIVER", "libno-such-driver.so")
    assert cuda.has_cuda.__wrapped__() is False


def test_a_network_that_was_built_before_runs_without_torch(embedded, tmp_path: Path):
    """The embedded network is on the shelf of this test run; the second process only reads it."""
    code = """
import sys
import numpy as np
from hilum.backbone import OpenVinoEngine, open_backbone
from hilum.recipe.settings import BackboneSettings
found = OpenVinoEngine(open_backbone(BackboneSettings(), 64)).run(np.zeros((1, 1, 64, 64), np.float32))
assert found.shape == (1, 1280) and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
