"""``hilum bench gpu``: networks on a CUDA device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.bench.gpu import GpuRate

__all__ = ["gpu"]


def gpu(
    images: Annotated[int, typer.Option(min=1, help="Images that the engine is given.")] = 2048,
    turns: Annotated[int, typer.Option(min=1, help="Measurements of each part, in turn.")] = 5,
    backbone: Annotated[
        list[str] | None, typer.Option(help="Network; several times for several.  [default: four]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="JSON", help="All figures as a JSON file, too.")] = None,
) -> None:
    """Measure networks on a CUDA device. Where there is none, says so and ends."""
    from hilum.backbone.engine import accelerator
    from hilum.cli.console import results, status

    if accelerator() != "cuda":
        results().print("No CUDA device is here: nothing to measure.")
        return
    from hilum.bench.gpu import bench_gpu
    from hilum.bench.limit import SIZES
    from hilum.bench.machine import this_machine
    from hilum.cli.bench.sheet import show, write
    from hilum.cli.console import TerminalProgress

    networks = backbone or list(SIZES)
    found = bench_gpu(networks=networks, images=images, turns=turns, progress=TerminalProgress(status()))
    machine = this_machine()
    remarks = [
        f"Within one process, in turn, {turns} of each: median (smallest–largest). float32 without TF32.",
        "Forward: the network alone, its input on the device, at its best batch. Engine: hilum's, from the"
        " processor's memory and back. Share: operations a second of forward, over those of a product of"
        " 8192 × 8192 matrices in the same precision.",
    ]
    show(f"On {machine.gpu}", list(map(_row, found)), remarks, machine)
    write(out, "gpu", found, machine)


def _row(one: GpuRate) -> dict[str, str]:
    from hilum.cli.bench.sheet import figure

    return {
        "Network": f"{one.network}, {one.size} px, {one.precision}",
        "Batch": str(one.batch),
        "Forward images/s": figure(one.forward, 0),
        "Share of peak": figure(one.of_peak, 2),
        "Engine images/s": figure(one.engine, 0),
    }
