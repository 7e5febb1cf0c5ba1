"""Small images and a small network for the backbone's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SMALL = "test_resnet"  # timm's own network for tests


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Return five different pictures."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (40, 50), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def said():
    """Return a progress that remembers what it was told."""

    class Listener:
        def __init__(self) -> None:
            self.messages: list[str] = []

        def track(self, items, *, what, total=None):
            yield from items

        def say(self, message: str) -> None:
            self.messages.append(message)

    return Listener()


@pytest.fixture(scope="session")
def small_backbone():
    """Return a small network with random weights, at 64 px."""
    from hilum.backbone import open_backbone
    from hilum.recipe.settings import BackboneSettings

    return open_backbone(BackboneSettings(name=SMALL, weights="random"), 64, seed=1)
