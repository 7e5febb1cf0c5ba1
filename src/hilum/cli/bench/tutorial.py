"""``hilum bench tutorial``: the tutorial's run, with Keras and with hilum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.bench.tutorial import Comparison, Tutorial

__all__ = ["tutorial"]


def tutorial(
    data: Annotated[Path, typer.Option(help="Folder with cohen and kermany.")] = Path("data"),
    turns: Annotated[int, typer.Option(min=1, help="Runs of each side, in turn.")] = 2,
    epochs_measured: Annotated[
        int, typer.Option(min=1, max=50, help="Epochs that Keras runs; the rest of its 50 is added.")
    ] = 3,
    python: Annotated[
        Path | None,
        typer.Option(help="Interpreter with TensorFlow.  [default: one is made in the cache folder]"),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="JSON", help="All figures as a JSON file, too.")] = None,
) -> None:
    """Time the tutorial's run in Keras and in hilum. Both on the CPU, VGG16 with random weights."""
    from hilum.bench.machine import this_machine
    from hilum.bench.tutorial import bench_tutorial
    from hilum.cli.bench.sheet import show, write
    from hilum.cli.console import TerminalProgress, status

    progress = TerminalProgress(status())
    found = bench_tutorial(data, turns=turns, epochs=epochs_measured, python=python, progress=progress)
    machine = this_machine()
    rows = [_keras(found), *map(_hilum, found.comparisons)]
    show(f"The tutorial's run, {found.images} images", rows, _remarks(found, machine.precisions), machine)
    write(out, "tutorial", found, machine)


def _keras(found: Tutorial) -> dict[str, str]:
    from hilum.cli.bench.sheet import figure, megabytes

    return {
        "Side": "Keras, float32",
        "Seconds": figure(found.keras_seconds, 0),
        "Faster": "1",
        "Goal": "",
        "Peak memory": megabytes(found.keras_peak_bytes),
        "Share": "1",
        "Goal ": "",
        "Drift": "",
    }


def _hilum(one: Comparison) -> dict[str, str]:
    from hilum.bench.tutorial import MEMORY_GOAL
    from hilum.cli.bench.sheet import figure, megabytes, times

    drift = (
        "–"
        if one.precision_error is None
        else f"{one.precision_error.largest:.4f}, {one.precision_error.flips} of {one.precision_error.images}"
    )
    return {
        "Side": f"hilum, {one.precision}, {one.state}",
        "Seconds": figure(one.seconds),
        "Faster": times(one.faster),
        "Goal": f"{one.goal:.0f} ×",
        "Peak memory": megabytes(one.peak_bytes),
        "Share": f"{one.memory.median:.2f}",
        "Goal ": f"{MEMORY_GOAL:.2f}",
        "Drift": drift,
    }


def _remarks(found: Tutorial, known: tuple[str, ...]) -> list[str]:
    from hilum.bench.tutorial import EPOCHS
    from hilum.cli.bench.sheet import figure

    added = EPOCHS - found.epochs_measured
    lines = [
        f"Whole processes, in turn, {found.keras_seconds.n} of each: median (smallest–largest)."
        " Faster: ratio of the medians (smallest–largest of one turn).",
        f"Keras ran {found.epochs_measured} of its {EPOCHS} epochs in {figure(found.keras_measured)} s;"
        f" the other {added} are added at the median epoch's {figure(found.epoch_seconds)} s.",
        "Cold: an empty cache folder. Cached: the features in it. No audit; the report is written."
        " Drift: the most that a validation image's probability moved from float32; decisions that flipped.",
    ]
    if "bfloat16" not in known:
        lines.append("bfloat16 is skipped: this processor does not compute in it.")
    return lines
