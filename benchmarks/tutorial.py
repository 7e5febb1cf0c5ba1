"""The tutorial's run: a plain Keras script against ``hilum train``, on the same images, on the CPU.

Whole processes take turns. Keras runs a few of its 50 epochs; the others are added at the duration of the
median epoch, since the network is frozen and all epochs do the same work. Both sides run VGG16 with random
weights.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.baseline import KERAS
from benchmarks.measuring import (
    BenchmarkError,
    Results,
    Side,
    Spread,
    Usage,
    arguments,
    ratio,
    take_turns,
)
from hilum.backbone.openvino_runtime import precisions
from hilum.recipe.settings import Precision
from hilum.run.run import Run

EPOCHS = 50
GOALS = {"cold": 50, "cached": 150}
GOAL_FLOAT32_COLD = 35
MEMORY_GOAL = 1 / 3
_HILUM = (
    "-m",
    "hilum",
    "train",
    "tutorial-model-1",
    "--backbone",
    "vgg16",
    "--weights",
    "random",
    "--no-audit",
)


def main() -> None:
    """Measure, and print the table."""
    parser = arguments(__doc__, data=True)
    parser.add_argument("--turns", type=int, default=2, help="runs of each side [2]")
    parser.add_argument("--epochs", type=int, default=3, help="epochs that Keras runs [3]")
    parser.add_argument("--python", type=Path, help="interpreter with TensorFlow [one is made]")
    options = parser.parse_args()
    results = Results("tutorial", options.out)
    with tempfile.TemporaryDirectory(prefix="hilum-bench-") as folder:
        keras = KerasSide(options.data.resolve(), Path(folder) / "keras", options.epochs)
        sides = keras.sides(options.python, results)
        sides += [
            hilum_side(options.data, Path(folder), precision, state)
            for precision in precisions()
            for state in GOALS
        ]
        used = take_turns(sides, options.turns, results)
        show(keras, used, Path(folder), options.turns, results)


class KerasSide:
    """The Keras script, and the epochs of each of its turns."""

    def __init__(self, data: Path, folder: Path, epochs: int) -> None:
        self._data, self._folder, self._epochs = data, folder, epochs
        self.images = 0
        self.epoch_seconds: list[list[float]] = []

    def sides(self, python: Path | None, results: Results) -> list[Side]:
        """Return the side; none where its environment cannot be made."""
        self._folder.mkdir()
        try:
            interpreter = KERAS.interpreter(python)
        except BenchmarkError as error:
            results.add(f"Keras is not measured: {error}", side="keras", error=str(error))
            return []
        places = str(self._data), str(self._folder)
        command = (str(interpreter), str(KERAS.script), *places, "--epochs", str(self._epochs))
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
        return [Side("keras", command, quiet, after=self._read_times)]

    def _read_times(self) -> None:
        found = json.loads((self._folder / "times.json").read_bytes())
        self.images = found["images"]
        self.epoch_seconds.append(found["epoch_seconds"])


def hilum_side(data: Path, folder: Path, precision: Precision, state: str) -> Side:
    """Return ``hilum train`` with an empty cache folder (cold), or with the features in it (cached)."""
    cache = folder / f"cache-{precision}"
    places = ("--overwrite", "--data", str(data), "--out", str(folder / f"run-{precision}"))
    engine = ("--set", "engine.kind=openvino", "--set", f"engine.precision={precision}")

    def empty() -> None:
        if state == "cold":
            shutil.rmtree(cache, ignore_errors=True)

    command = (sys.executable, *_HILUM, *places, *engine)
    return Side(f"hilum-{precision}-{state}", command, {"HILUM_CACHE": str(cache)}, before=empty)


def whole_seconds(measured: float, epochs: Sequence[float], wanted: int = EPOCHS) -> float:
    """Add the epochs that were not run.

    Examples
    --------
    >>> whole_seconds(100.0, [30.0, 20.0, 20.0])
    1040.0
    """
    return measured + (wanted - len(epochs)) * median(epochs)


def show(keras: KerasSide, used: dict[str, list[Usage]], folder: Path, turns: int, results: Results) -> None:
    """Print the table; ratios are missing where Keras was not measured."""
    done = keras.epoch_seconds + [[math.nan]] * (turns - len(keras.epoch_seconds))
    measured = used.get("keras", [Usage(math.nan, math.nan)] * turns)
    whole = [whole_seconds(turn.seconds, epochs) for turn, epochs in zip(measured, done, strict=True)]
    peaks = [turn.peak_bytes for turn in measured]
    rows = [_row("Keras, float32", whole, peaks)]
    for precision in precisions():
        for state, goal in GOALS.items():
            turns_used = used[f"hilum-{precision}-{state}"]
            seconds = [turn.seconds for turn in turns_used]
            memory = [turn.peak_bytes for turn in turns_used]
            exact = precision is Precision.FLOAT32 and state == "cold"
            row = _row(f"hilum, {precision}, {state}", seconds, memory)
            row["Faster"] = ratio(whole, seconds).text()
            row["Goal"] = str(GOAL_FLOAT32_COLD if exact else goal)
            row["Share"] = ratio(memory, peaks).text(2)
            row["Goal "] = f"{MEMORY_GOAL:.2f}"
            row["Precision error"] = _precision_error(folder / f"run-{precision}")
            rows.append(row)
    results.table("The tutorial's run", rows, _remarks(keras, folder))


def _row(side: str, seconds: list[float], peaks: list[float]) -> dict[str, str]:
    return {
        "Side": side,
        "Seconds": Spread.of(seconds).text(),
        "Faster": "",
        "Goal": "",
        "Peak MB": Spread.of(peaks).text(0, 1e-6),
        "Share": "",
        "Goal ": "",
        "Precision error": "",
    }


def _precision_error(run: Path) -> str:
    """Return how far the classifier moved from float32 on the validation images."""
    found = Run.open(run).model.manifest.precision.precision_error if run.exists() else None
    return "–" if found is None else f"{found.largest:.4f}, {found.flips} of {found.images}"


def _remarks(keras: KerasSide, folder: Path) -> list[str]:
    lines = [
        "Median of the turns (smallest–largest). Faster: ratio of the medians (range of the turns).",
        "Cold: empty cache folder. Cached: features in it. Without the audit; the report is included."
        " Precision error: largest change of a validation probability from float32, and changed decisions.",
    ]
    if keras.epoch_seconds:
        run, epoch = len(keras.epoch_seconds[0]), Spread.of(map(median, keras.epoch_seconds))
        lines.append(
            f"Keras ran {run} of {EPOCHS} epochs; the other {EPOCHS - run} are added at {epoch} s each."
        )
    runs = [Run.open(folder / f"run-{one}") for one in precisions() if (folder / f"run-{one}").exists()]
    counts = {f"hilum-{number}": len(run.cohort) for number, run in enumerate(runs)}
    if keras.images:
        counts["keras"] = keras.images
    if len(set(counts.values())) > 1:
        lines.append(f"NOT COMPARABLE: the sides read different numbers of images: {counts}.")
    elif counts:
        lines.append(f"{next(iter(counts.values()))} images on each side.")
    return lines


if __name__ == "__main__":
    main()
