from __future__ import annotations

import numpy as np
import pytest

from hilum.classifier.samples import Samples


def blobs(n: int = 80, d: int = 6, classes: int = 2, *, gap: float = 4.0, seed: int = 0) -> Samples:
    """Rows around one centre per class, two rows a patient; the last fifth validates."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n // 2) % classes, 2)
    centres = gap * rng.standard_normal((classes, d))
    features = (centres[labels] + rng.standard_normal((n, d))).astype(np.float32)
    rows = np.arange(n)
    names = tuple("ABCDE"[:classes])
    return Samples(features, labels, rows // 2, rows[: n * 4 // 5], rows[n * 4 // 5 :], names)


@pytest.fixture
def two() -> Samples:
    return blobs()


@pytest.fixture
def three() -> Samples:
    return blobs(90, classes=3)


@pytest.fixture
def overlapping() -> Samples:
    return blobs(200, 10, gap=0.3)
