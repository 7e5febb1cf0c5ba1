from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hilum.auditing import ALTERATIONS, Images
from hilum.backbone import FeatureStore, OpenVinoEngine, open_backbone
from hilum.errors import AuditError
from hilum.radiograph import Preprocessing, read
from hilum.recipe.settings import BackboneSettings


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(rng.integers(0, 255, (70, 80), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    backbone = open_backbone(BackboneSettings(name="test_resnet", weights="random"), 64, seed=1)
    with FeatureStore.open(tmp_path / "store") as store:
        names, engine = ("0.png", "1.png", "2.png"), OpenVinoEngine(backbone)
        yield Images(tmp_path, names, Preprocessing(64), backbone, engine, store)


def test_rows_come_in_the_order_asked_for(images):
    squares = list(images.prepared([2, 0]))
    expected = [Preprocessing(64).apply(read(images.root / name).pixels) for name in ("2.png", "0.png")]
    assert np.array_equal(squares, expected)
    assert np.array_equal(images.features([2, 0]), images.features(range(3))[[2, 0]])


def test_features_of_altered_images_are_those_of_their_altered_pixels(images):
    alteration = ALTERATIONS["frame"]
    whole = images.features(range(3))
    altered = (alteration.apply(square) for square in images.prepared(range(3)))
    expected = np.stack(list(OpenVinoEngine(images.backbone).run(altered)))
    for _ in range(2):  # computed, then looked up
        assert np.array_equal(images.features(range(3), alteration), expected)
    assert not np.allclose(whole, expected)
    assert np.array_equal(images.features(range(3)), whole)


def test_an_image_that_is_gone_is_said(images):
    (images.root / "1.png").unlink()
    with pytest.raises(AuditError, match="1 of 3 images cannot be read"):
        images.features(range(3))
