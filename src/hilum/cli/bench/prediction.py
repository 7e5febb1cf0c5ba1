"""``hilum bench prediction``: images a second, torchxrayvision's way and hilum's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.bench.prediction import Rate

__all__ = ["prediction"]


def prediction(
    data: Annotated[Path, typer.Option(help="Folder of radiographs; JPEG and PNG files are used.")] = Path(
        "data"
    ),
    images: Annotated[int, typer.Option(min=2, help="Images of the long run.")] = 200,
    turns: Annotated[int, typer.Option(min=1, help="Runs of each side, in turn.")] = 3,
    backbone: Annotated[
        list[str] | None,
        typer.Option(help="Network that hilum runs; several times for several.  [default: four]"),
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option(help="Interpreter with torchxrayvision.  [default: one is made in the cache folder]"),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="JSON", help="All figures as a JSON file, too.")] = None,
) -> None:
    """Count images a second of what predicts. torchxrayvision as its README does, and hilum, on the CPU."""
    from hilum.bench.machine import this_machine
    from hilum.bench.prediction import NETWORKS, bench_prediction
    from hilum.cli.bench.sheet import show, write
    from hilum.cli.console import TerminalProgress, status

    found = bench_prediction(
        data,
        images=images,
        turns=turns,
        networks=backbone or NETWORKS,
        python=python,
        progress=TerminalProgress(status()),
    )
    machine = this_machine()
    remarks = [
        f"Whole processes, in turn, {turns} of each: median (smallest–largest)."
        " Faster: over torchxrayvision's rate, for the same network.",
        f"Whole: {found.images} images over the seconds of the process, its start included."
        f" Steady: what {found.images} images take more than {found.few}.",
        "torchxrayvision: one image at a time, as its README does. Weights are random but for"
        " efficientnet_lite0's.",
    ]
    show(f"Prediction, {found.images} JPEG and PNG files", list(map(_row, found.rates)), remarks, machine)
    write(out, "prediction", found, machine)


def _row(rate: Rate) -> dict[str, str]:
    from hilum.bench.prediction import GOAL
    from hilum.cli.bench.sheet import figure, megabytes, times

    ours = rate.side == "hilum"
    faster = rate.steady_faster if ours else None
    whole_faster = rate.whole_faster if ours else None
    return {
        "Side": rate.side,
        "Network": f"{rate.network}, {rate.precision}",
        "Steady images/s": figure(rate.steady),
        "Faster": times(faster) if faster else "",
        "Whole images/s": figure(rate.whole),
        "Faster ": times(whole_faster) if whole_faster else "",
        "Goal": f"{GOAL:.0f} ×" if faster else "",
        "Peak memory": megabytes(rate.peak_bytes),
    }
