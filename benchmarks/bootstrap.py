"""Seconds for all metrics of a two-class part, with 2,000 resamples over patients.

Run: ``python benchmarks/bootstrap.py``.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from hilum.metrics import Predictions, evaluate


def predictions(images: int, rng: np.random.Generator) -> Predictions:
    """Draw a table of `images` rows, two to a patient, where the classes overlap."""
    labels = rng.integers(2, size=images)
    positive = 1 / (1 + np.exp(-rng.normal(2.0 * labels - 1)))
    names = np.array(["normal", "covid"])
    table = pd.DataFrame(
        {
            "image": [f"{i}.png" for i in range(images)],
            "patient": [f"p{i // 2}" for i in range(images)],
            "source": "drawn",
            "split": "test",
            "fold": 0,
            "label": names[labels],
            "probability_normal": 1 - positive,
            "probability_covid": positive,
            "predicted": names[(positive >= 0.5).astype(int)],
        }
    )
    return Predictions(table, ("normal", "covid"))


def main() -> None:
    """Print the best of three for each size."""
    for images in (1_000, 10_000):
        table = predictions(images, np.random.default_rng(1))
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            evaluate(table, np.random.default_rng(2), resamples=2_000)
            seconds.append(time.perf_counter() - start)
        print(f"n = {images:6,}: {min(seconds):.2f} s")


if __name__ == "__main__":
    main()
