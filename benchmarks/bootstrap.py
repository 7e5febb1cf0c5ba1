"""Seconds for all metrics of a two-class part, with 2,000 resamples over patients; the best of three."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.measuring import Results, arguments, timed
from hilum.metrics import Predictions, evaluate


def predictions(images: int, rng: np.random.Generator) -> Predictions:
    """Draw predictions whose classes overlap, for two images per patient."""
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


def seconds_of(images: int) -> float:
    """Return the best time of three."""
    table = predictions(images, np.random.default_rng(1))
    return min(timed(lambda: evaluate(table, np.random.default_rng(2), resamples=2_000)) for _ in range(3))


def main() -> None:
    """Measure each number of images."""
    parser = arguments(__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[1_000, 10_000], help="[1000 10000]")
    options = parser.parse_args()
    results = Results("bootstrap", options.out)
    for images in options.images:
        seconds = seconds_of(images)
        results.add(f"{images:,} images: {seconds:.2f} s", images=images, seconds=seconds)


if __name__ == "__main__":
    main()
