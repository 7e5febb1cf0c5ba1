"""The tutorial's run: a plain Keras script against ``hilum train``, on the same images.

The Keras script runs a few of its 50 epochs; the rest is added at the median epoch's time. All epochs do the
same work: the network is frozen.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from hilum.backbone import cache_folder
from hilum.backbone.openvino_runtime import precisions
from hilum.bench.baseline import KERAS
from hilum.bench.process import Usage
from hilum.bench.spread import Spread, ratio
from hilum.bench.turns import Side, take_turns
from hilum.bundle.manifest import PrecisionErrorRecord
from hilum.errors import BenchError
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import Precision
from hilum.run.run import Run

__all__ = ["EPOCHS", "MEMORY_GOAL", "Comparison", "Tutorial", "bench_tutorial", "whole_seconds"]


EPOCHS = 50
"""Of the tutorial."""
MEMORY_GOAL = 1 / 3
"""Of Keras' memory, at most."""
_KERAS = "keras"
_GOALS = {"cold": 50.0, "cached": 150.0}
_GOAL_FLOAT32 = 35.0


@dataclass(frozen=True)
class Comparison:
    """One way of running hilum, against Keras.

    Parameters
    ----------
    precision : Precision
        That the network is computed in.
    state : {"cold", "cached"}
        With an empty cache folder, or with the features in it.
    seconds, peak_bytes : Spread
        Of the whole process.
    faster : Spread
        Keras' seconds over these.
    memory : Spread
        This peak over Keras'.
    goal : float
        What `faster` is to reach.
    precision_error : PrecisionErrorRecord, optional
        How far the classifier moved from float32 on the run's validation images.
    """

    precision: Precision
    state: str
    seconds: Spread
    peak_bytes: Spread
    faster: Spread
    memory: Spread
    goal: float
    precision_error: PrecisionErrorRecord | None


@dataclass(frozen=True)
class Tutorial:
    """What was measured.

    Parameters
    ----------
    images : int
        That both sides trained and tested on.
    epochs_measured : int
        Of Keras'.
    epoch_seconds : Spread
        Of one of Keras' epochs: medians of the turns.
    keras_measured : Spread
        Seconds of the process that was run.
    keras_seconds : Spread
        Seconds of 50 epochs.
    keras_peak_bytes : Spread
    comparisons : tuple of Comparison
    """

    images: int
    epochs_measured: int
    epoch_seconds: Spread
    keras_measured: Spread
    keras_seconds: Spread
    keras_peak_bytes: Spread
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class _Plan:
    """Where the sides read and write."""

    data: Path
    folder: Path
    known: tuple[Precision, ...]

    def sides(self, python: Path, epochs: int) -> list[Side]:
        script = (str(python), str(KERAS.script), str(self.data), str(self._keras))
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
        keras = Side(
            _KERAS,
            (*script, "--epochs", str(epochs)),
            quiet,
            before=lambda: self._keras.mkdir(exist_ok=True),
        )
        hilum = [self._hilum(precision, state) for precision in self.known for state in _GOALS]
        return [keras, *hilum]

    def times(self) -> tuple[int, list[float]]:
        """Return Keras' number of images, and the seconds of each epoch."""
        found = json.loads((self._keras / "times.json").read_bytes())
        return found["images"], found["epoch_seconds"]

    def run(self, precision: Precision) -> Run:
        return Run.open(self.folder / f"run-{precision}")

    @property
    def _keras(self) -> Path:
        return self.folder / _KERAS

    def _hilum(self, precision: Precision, state: str) -> Side:
        cache = self.folder / f"cache-{precision}"
        words = ("train", "tutorial-model-1", "--backbone", "vgg16", "--weights", "random", "--no-audit")
        places = ("--overwrite", "--data", str(self.data), "--out", str(self.folder / f"run-{precision}"))
        engine = ("--set", "engine.kind=openvino", "--set", f"engine.precision={precision}")

        def empty() -> None:
            if state == "cold":
                shutil.rmtree(cache, ignore_errors=True)

        return Side(
            f"hilum-{precision}-{state}",
            (sys.executable, "-m", "hilum", *words, *places, *engine),
            {"HILUM_CACHE": str(cache)},
            before=empty,
        )


def bench_tutorial(
    data: Path,
    *,
    turns: int = 2,
    epochs: int = 3,
    python: Path | None = None,
    progress: Progress = SILENT,
) -> Tutorial:
    """Run the tutorial's Model 1 with Keras and with hilum, in turn, on the CPU.

    Parameters
    ----------
    data : Path
        Folder with ``cohen`` and ``kermany``.
    turns : int
    epochs : int
        That Keras runs of its 50.
    python : Path, optional
        An interpreter with what Keras needs; one is made otherwise.
    progress : Progress

    Raises
    ------
    BenchError
        If a side fails, or they do not read the same number of images.
    """
    interpreter = KERAS.interpreter(python, progress)
    with tempfile.TemporaryDirectory(prefix="hilum-bench-") as folder:
        plan = _Plan(data.resolve(), Path(folder), precisions())
        epoch_seconds: list[list[float]] = []

        def note(side: Side) -> None:
            if side.name == _KERAS:
                epoch_seconds.append(plan.times()[1])

        logs = cache_folder() / "bench" / "logs"
        used = take_turns(plan.sides(interpreter, epochs), turns, logs, progress, after=note)
        return _summed(plan, used, epoch_seconds)


def whole_seconds(measured: float, epochs: Sequence[float], wanted: int = EPOCHS) -> float:
    """Add the epochs that were not run.

    Parameters
    ----------
    measured : float
        Seconds of the process that was run.
    epochs : sequence of float
        Seconds of each of its epochs.
    wanted : int
        Epochs of the whole.

    Examples
    --------
    >>> whole_seconds(100.0, [30.0, 20.0, 20.0])
    1040.0
    """
    return measured + (wanted - len(epochs)) * median(epochs)


def _summed(plan: _Plan, used: dict[str, list[Usage]], epochs: list[list[float]]) -> Tutorial:
    images = _same_images(plan)
    measured = [turn.seconds for turn in used[_KERAS]]
    whole = [whole_seconds(seconds, each) for seconds, each in zip(measured, epochs, strict=True)]
    peaks = [turn.peak_bytes for turn in used[_KERAS]]
    return Tutorial(
        images=images,
        epochs_measured=len(epochs[0]),
        epoch_seconds=Spread.of([median(each) for each in epochs]),
        keras_measured=Spread.of(measured),
        keras_seconds=Spread.of(whole),
        keras_peak_bytes=Spread.of(peaks),
        comparisons=tuple(
            _compared(plan, precision, state, used[f"hilum-{precision}-{state}"], whole, peaks)
            for precision in plan.known
            for state in _GOALS
        ),
    )


def _compared(
    plan: _Plan, precision: Precision, state: str, used: list[Usage], seconds: list[float], peaks: list[int]
) -> Comparison:
    ours = [turn.seconds for turn in used]
    our_peaks = [turn.peak_bytes for turn in used]
    exact_and_cold = precision is Precision.FLOAT32 and state == "cold"
    return Comparison(
        precision=precision,
        state=state,
        seconds=Spread.of(ours),
        peak_bytes=Spread.of(our_peaks),
        faster=ratio(seconds, ours),
        memory=ratio(our_peaks, peaks),
        goal=_GOAL_FLOAT32 if exact_and_cold else _GOALS[state],
        precision_error=plan.run(precision).model.manifest.precision.precision_error,
    )


def _same_images(plan: _Plan) -> int:
    theirs = plan.times()[0]
    ours = {len(plan.run(precision).cohort) for precision in plan.known}
    if ours != {theirs}:
        raise BenchError(
            "the sides do not read the same images",
            path=plan.data,
            expected=f"{theirs}, as Keras",
            found=", ".join(map(str, sorted(ours))),
        )
    return theirs
