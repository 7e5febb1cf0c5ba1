"""``hilum demo``: the main job with nothing on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Where the run shall be.")] = Path("runs/demo"),
    data: Annotated[Path, typer.Option(help="Where the synthetic radiographs shall be.")] = Path("data"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished run.")] = False,
) -> None:
    """Draw synthetic radiographs, and do the main job on them."""
    from hilum.cli.train import train

    train("demo", data=data, out=out, overwrite=overwrite)
