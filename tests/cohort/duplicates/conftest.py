"""Synthetic radiographs, and what people do to images."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from PIL import Image

from hilum.phantom import PhantomCohort, write


@pytest.fixture(scope="session")
def films(shared: Path) -> tuple[list[Path], pd.DataFrame]:
    """Return 40 synthetic images, follow-ups and planted copies among them, and their table."""
    folder = shared / "films"
    with FileLock(shared / "films.lock"):
        write(
            PhantomCohort(images=40, duplicates=0.2, images_per_patient=1.5, size=(256, 256), seed=6), folder
        )
    table = pd.read_csv(folder / "cohort.csv", keep_default_na=False)
    return [folder / image for image in table["image"]], table


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write an altered copy of an image, as PNG or as a poor JPEG."""

    def write_copy(name: str, source: Path, *changes: Callable[[Image.Image], Image.Image]) -> Path:
        image = Image.open(source).convert("L")
        for change in changes:
            image = change(image)
        buffer = io.BytesIO()
        image.save(
            buffer, "JPEG" if name.endswith("jpg") else "PNG", **({"quality": 30} if "jpg" in name else {})
        )
        (tmp_path / name).write_bytes(buffer.getvalue())
        return tmp_path / name

    return write_copy


@pytest.fixture
def blank() -> Callable[[int], np.ndarray]:
    """Return features that tell no image from another."""
    return lambda n: np.zeros((n, 4), np.float32)
