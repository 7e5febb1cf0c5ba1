"""``hilum train``: from a recipe and a folder of X-rays to a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["train"]


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe's name (`hilum recipes`) or a YAML file.")
    ],
    data: Annotated[Path, typer.Option(help="Folder that holds the recipe's sources.")] = Path("data"),
    backbone: Annotated[
        str | None, typer.Option(help="Network instead of the recipe's (`hilum backbones`).")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, random, or a safetensors file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the run shall be.  [default: runs/RECIPE]")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any other value of the recipe, as head.dropout=0.3."
        ),
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit/--no-audit", help="Ask also whether the result can be believed.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished run.")] = False,
) -> None:
    """Train a classifier as RECIPE states it. A report tells what it is worth."""
    from hilum.cli.console import results, status
    from hilum.cli.progress import TerminalProgress
    from hilum.recipe import Setting, load

    short = (("backbone", "name"), backbone), (("backbone", "weights"), weights)
    settings = [Setting(location, value) for location, value in short if value is not None]
    settings += [Setting.parse(text) for text in set_ or ()]
    resolved = load(recipe, settings)

    from hilum.cli.summary import show
    from hilum.run import train as run_recipe  # after the recipe: a misspelt one need not wait for torch

    progress = TerminalProgress(status())
    run = run_recipe(resolved, data, out, audited=audit, overwrite=overwrite, progress=progress)
    show(run, results())
