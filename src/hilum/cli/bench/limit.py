"""``hilum bench limit``: how near to what the machine can do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.bench.limit import Limit

__all__ = ["limit"]


def limit(
    data: Annotated[Path, typer.Option(help="Folder of radiographs; JPEG and PNG files are used.")] = Path(
        "data"
    ),
    images: Annotated[int, typer.Option(min=1, help="Images of each measurement.")] = 64,
    turns: Annotated[int, typer.Option(min=1, help="Measurements of each part, in turn.")] = 5,
    backbone: Annotated[
        list[str] | None, typer.Option(help="Network; several times for several.  [default: four]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="JSON", help="All figures as a JSON file, too.")] = None,
) -> None:
    """Tell how near the machine's limit hilum is. The limit: decoding alone and arithmetic alone."""
    from hilum.bench.limit import PEAK_GOAL, SIZES, bench_limit
    from hilum.bench.machine import this_machine
    from hilum.cli.bench.sheet import show, write
    from hilum.cli.console import TerminalProgress, status

    networks = backbone or list(SIZES)
    progress = TerminalProgress(status())
    found = bench_limit(data, networks=networks, images=images, turns=turns, progress=progress)
    machine = this_machine()
    remarks = [
        f"Within one process, in turn, {turns} of each: median (smallest–largest).",
        "Whole: from files to features on all cores, without the cache, an image. Limit: (decode + forward) /"
        " cores, both measured alone on one core, forward at its best batch.",
        "GFLOP/s: the network's as hilum runs it, of those of a product of 4096 × 4096 matrices, both on all"
        f" cores. Share: the first over the second; the goal for vgg16 is {PEAK_GOAL:.2f}.",
    ]
    show("How near the limit", list(map(_row, found)), remarks, machine)
    write(out, "limit", found, machine)


def _row(one: Limit) -> dict[str, str]:
    from hilum.bench.limit import GOAL
    from hilum.cli.bench.sheet import figure

    return {
        "Network": f"{one.network}, {one.size} px",
        "Precision": one.precision,
        "Decode ms": f"{one.decode_seconds.median * 1e3:.1f}",
        "Forward ms": f"{one.forward_seconds.median * 1e3:.1f}",
        "Batch": str(one.batch),
        "Whole ms": f"{one.whole_seconds.median * 1e3:.1f}",
        f"Over limit, goal {GOAL}": figure(one.over_limit, 2),
        "GFLOP": f"{one.operations / 1e9:.2f}",
        "GFLOP/s": f"{one.engine_rate.median / 1e9:.0f} of {one.product_rate.median / 1e9:.0f}",
        "Share": figure(one.of_product, 2),
    }
