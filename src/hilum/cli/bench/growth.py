"""``hilum bench growth``: time an image and memory, from a thousand images to a hundred thousand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.bench.growth import Growth
    from hilum.bench.stages import StageTime

__all__ = ["growth"]


def growth(
    images: Annotated[
        list[int] | None,
        typer.Option(min=100, help="Number of images; several times.  [default: 1000, 10000, 100000]"),
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="Network; any but the embedded one has random weights.")
    ] = "efficientnet_lite0",
    data: Annotated[
        Path | None, typer.Option(help="Radiographs to use again and again.  [default: synthetic ones]")
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Where the files are written, and removed afterwards.")
    ] = None,
    turns: Annotated[int, typer.Option(min=1, help="Runs of each, in turn.")] = 1,
    stages: Annotated[
        bool, typer.Option("--stages/--no-stages", help="Also the stages that look at no pixels.")
    ] = True,
    out: Annotated[Path | None, typer.Option(metavar="JSON", help="All figures as a JSON file, too.")] = None,
) -> None:
    """Measure time and memory as images grow. Prediction, features computed, features looked up."""
    from hilum.bench.growth import COUNTS, bench_growth
    from hilum.bench.machine import this_machine
    from hilum.bench.stages import measure_stages
    from hilum.cli.bench.sheet import show, write
    from hilum.cli.console import TerminalProgress, results, status

    counts = images or list(COUNTS)
    progress = TerminalProgress(status())
    found = bench_growth(counts, network=backbone, data=data, scratch=scratch, turns=turns, progress=progress)
    timed = [one for count in counts if stages for one in measure_stages(count, progress)]
    machine = this_machine()
    pictures = "files of --data" if data else "synthetic radiographs of 256 × 256 pixels"
    remarks = [
        f"Whole processes, in turn, {turns} of each. An image: what a run takes more than one of 10 images.",
        f"Network: {backbone}, float32. Images: {pictures}, used again and again, each file"
        " with a comment of its own and so with other bytes.",
    ]
    show("Growth with the number of images", list(map(_row, found)), remarks, machine)
    if timed:
        results().print()
        remark = "Each stage in a process of its own; the seconds are the stage's alone."
        show("Stages that look at no pixels", list(map(_stage, timed)), [remark], machine)
    write(out, "growth", {"images": found, "stages": timed}, machine)


def _row(one: Growth) -> dict[str, str]:
    from hilum.cli.bench.sheet import figure, megabytes

    return {
        "Work": one.work,
        "Images": f"{one.images:,}",
        "Seconds": figure(one.seconds),
        "ms an image": f"{one.image_seconds.median * 1e3:.2f}",
        "Peak memory": megabytes(one.peak_bytes),
        "Feature store": f"{one.stored_bytes / 1e6:,.0f} MB" if one.stored_bytes else "",
    }


def _stage(one: StageTime) -> dict[str, str]:
    return {
        "Stage": one.stage,
        "Rows": f"{one.rows:,}",
        "Seconds": f"{one.seconds:.2f}",
        "Peak memory": f"{one.peak_bytes / 1e6:,.0f} MB",
    }
