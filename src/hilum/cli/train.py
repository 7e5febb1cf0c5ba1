"""``hilum train``: from a recipe and a folder of X-rays to a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["backbones", "demo", "recipes", "report", "train"]


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
    from hilum.cli.console import TerminalProgress, results, status
    from hilum.recipe import Setting, load

    short = (("backbone", "name"), backbone), (("backbone", "weights"), weights)
    settings = [Setting(location, value) for location, value in short if value is not None]
    settings += [Setting.parse(text) for text in set_ or ()]
    resolved = load(recipe, settings)

    from hilum.cli.console import show
    from hilum.run.train import (
        train as run_recipe,  # after the recipe: a misspelt one need not wait for torch
    )

    progress = TerminalProgress(status())
    run = run_recipe(resolved, data, out, audited=audit, overwrite=overwrite, progress=progress)
    show(run, results())


def demo(
    out: Annotated[Path, typer.Option(help="Where the run shall be.")] = Path("runs/demo"),
    data: Annotated[Path, typer.Option(help="Where the synthetic radiographs shall be.")] = Path("data"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished run.")] = False,
) -> None:
    """Draw synthetic radiographs, and do the main job on them."""
    train("demo", data=data, out=out, overwrite=overwrite)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of its images; without it the gallery shows names only.")
    ] = None,
) -> None:
    """Draw the report of RUN again, from its own files."""
    from hilum.cli.console import TerminalProgress, results, status
    from hilum.run.report import write_report
    from hilum.run.run import Run

    opened = Run.open(run)
    write_report(opened, data, TerminalProgress(status()))
    results().print(str(opened.report), soft_wrap=True, markup=False)


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this recipe as YAML, to start your own from.")
    ] = None,
) -> None:
    """List the shipped recipes, or print one."""
    from rich.table import Table

    from hilum.cli.console import results
    from hilum.errors import RecipeError, did_you_mean
    from hilum.recipe import load, shipped

    known = shipped()
    if name is not None:
        if name not in known:
            raise RecipeError(f"no recipe is named {name!r}", remedy=did_you_mean(name, known))
        typer.echo(known[name], nl=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Recipe", "What it trains", "Backbone", "Split by"):
        table.add_column(title)
    for each in known:
        recipe = load(each)
        folds = f", {recipe.split.folds} folds" if recipe.split.folds else ""
        table.add_row(each, recipe.title, recipe.backbone.name, f"{recipe.split.by}{folds}")
    results().print(table)


def backbones() -> None:
    """List networks with their size, features and weights. Every other network of timm works by its name."""
    from rich.table import Table
    from rich.text import Text

    from hilum.backbone import entries, is_local
    from hilum.cli.console import results

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Backbone, and its ImageNet weights", overflow="fold")
    for title in ("Parameters", "Features", "Input, px"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Here", no_wrap=True)
    for entry in entries().values():
        weights = f"{entry.origin} · {entry.licence or 'licence not stated'}"
        table.add_row(
            Text.assemble(entry.name, (f"\n  {weights}", "dim")),
            f"{entry.parameters / 1e6:.1f} M",
            f"{entry.features:,}",
            str(entry.size),
            "yes" if is_local(entry) else "no",
        )
    console = results()
    console.print(table)
    console.print(
        "\nOther weights: --weights FILE.safetensors (timm's names), or --weights random.", style="dim"
    )
