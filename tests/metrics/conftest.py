from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hilum.metrics import Predictions

Build = Callable[..., Predictions]


@pytest.fixture(scope="session")
def build() -> Build:
    """Predictions from codes and probabilities; what is not given is plain."""

    def predictions(labels, probabilities, classes=("normal", "covid"), predicted=None, **columns):
        probabilities = np.asarray(probabilities, float)
        if probabilities.ndim == 1:
            probabilities = np.stack([1 - probabilities, probabilities], axis=1)
        if predicted is None:
            predicted = probabilities.argmax(axis=1) if probabilities.size else []
        names = np.array(classes, dtype=object)
        rows = np.arange(len(labels))
        table = pd.DataFrame(
            {
                "image": [f"{i}.png" for i in rows],
                "patient": [f"p{i}" for i in rows],
                "source": "made",
                "split": "test",
                "fold": 0,
                "label": names[np.asarray(labels, int)],
                "predicted": names[np.asarray(predicted, int)],
            }
            | {f"probability_{name}": probabilities[:, k] for k, name in enumerate(classes)}
            | columns,
            index=rows,
        )
        return Predictions(table, tuple(classes))

    return predictions


@pytest.fixture(scope="session")
def drawn(build) -> Callable[..., Predictions]:
    """Random predictions that overlap, with ties: `n` rows, two images to a patient, `k` classes."""

    def predictions(n=120, k=2, seed=0, decimals=1, **columns):
        rng = np.random.default_rng(seed)
        labels = np.r_[np.arange(k), rng.integers(k, size=n - k)]
        scores = np.round(rng.normal(1.0 * np.eye(k)[labels]), decimals)
        probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        classes = ("normal", "covid") if k == 2 else ("COVID-19", "normal", "other infection", "TB")[:k]
        columns = {"patient": [f"p{i // 2}" for i in range(n)]} | columns
        return build(labels, probabilities, classes, **columns)

    return predictions
