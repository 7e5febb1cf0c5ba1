from __future__ import annotations

import numpy as np
import pytest

from hilum.backbone import open_backbone
from hilum.backbone.engine import TorchEngine
from hilum.recipe.settings import BackboneSettings


@pytest.fixture(scope="module")
def embedded():
    return open_backbone(BackboneSettings(), 64).module


def some(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 1, 64, 64), dtype=np.float32)


@pytest.mark.parametrize("batch", [1, 4])
def test_an_image_has_the_same_features_whatever_stands_beside_it(embedded, batch):
    engine = TorchEngine(embedded, device="cpu", batch=batch)
    pixels = some(7)
    together = engine.run(pixels)
    assert together.dtype == np.float32
    assert np.array_equal(engine.run(pixels[::-1])[::-1], together)
    for row in range(7):
        assert np.array_equal(engine.run(pixels[row : row + 1])[0], together[row])
    beside = some(7, seed=1)
    beside[3] = pixels[3]
    assert np.array_equal(engine.run(beside)[3], together[3])


def test_every_pass_has_the_same_number_of_images(embedded):
    seen = []

    def note(_module, inputs):
        seen.append(inputs[0].shape[0])

    hook = embedded.register_forward_pre_hook(note)
    found = TorchEngine(embedded, device="cpu", batch=3).run(some(7))
    hook.remove()
    assert seen == [3, 3, 3]
    assert found.shape == (7, 1280)


def test_it_says_where_it_runs(embedded):
    engine = TorchEngine(embedded, device="cpu")
    assert (engine.device, engine.precision, engine.batch) == ("cpu", "float32", 1)
