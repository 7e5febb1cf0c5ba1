"""``hilum train``, ``demo`` and ``report``, and the lists ``hilum recipes`` and ``hilum backbones``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["backbones", "demo", "recipes", "report", "train"]


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="The name of a recipe (`hilum recipes`) or a YAML file.")
    ],
    data: Annotated[Path, typer.Option(help="Folder with the sources of the recipe.")] = Path("data"),
    backbone: Annotated[
        str | None, typer.Option(help="Another network than the recipe's (`hilum backbones`).")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, random, or a safetensors file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.  [default: runs/RECIPE]")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any value of the recipe, such as head.dropout=0.3."),
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit/--no-audit", help="Also audit whether the result can be believed.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished run.")] = False,
) -> None:
    """Train, evaluate and audit the classifier of RECIPE. The run has a report and the model."""
    from hilum.cli.console import TerminalProgress, results, show, status
    from hilum.recipe import Setting, load

    named = {("backbone", "name"): backbone, ("backbone", "weights"): weights}
    settings = [Setting(key, value) for key, value in named.items() if value is not None]
    settings += [Setting.parse(text) for text in set_ or ()]
    resolved = load(recipe, settings)

    from hilum.run.train import train as train_run  # after the recipe: an error in it appears without torch

    progress = TerminalProgress(status())
    show(train_run(resolved, data, out, audited=audit, overwrite=overwrite, progress=progress), results())


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/demo"),
    data: Annotated[Path, typer.Option(help="Folder for the synthetic radiographs.")] = Path("data"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished run.")] = False,
) -> None:
    """Train and audit a classifier on synthetic radiographs. They contain a planted shortcut."""
    train("demo", data=data, out=out, overwrite=overwrite)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of its images; without it the gallery has no images.")
    ] = None,
) -> None:
    """Write the report of RUN again from its files."""
    from hilum.cli.console import TerminalProgress, results, status
    from hilum.run.report import write_report
    from hilum.run.run import Run

    opened = Run.open(run)
    write_report(opened, data, TerminalProgress(status()))
    results().print(str(opened.report), soft_wrap=True, markup=False)


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this recipe as YAML, as a template.")
    ] = None,
) -> None:
    """List the recipes that come with hilum, or print one."""
    from hilum.cli.console import new_table, results
    from hilum.errors import RecipeError, did_you_mean
    from hilum.recipe import load, shipped

    known = shipped()
    if name is not None:
        if name not in known:
            raise RecipeError(f"no recipe is named {name!r}", remedy=did_you_mean(name, known))
        typer.echo(known[name], nl=False)
        return
    table = new_table("Recipe", "Classifier", "Backbone", "Split by")
    for each in known:
        recipe = load(each)
        folds = f", {recipe.split.folds} folds" if recipe.split.folds else ""
        table.add_row(each, recipe.title, recipe.backbone.name, f"{recipe.split.by}{folds}")
    results().print(table)


def backbones() -> None:
    """List networks with their size and weights. Other networks of timm work as well."""
    from rich.text import Text

    from hilum.backbone import entries, is_local
    from hilum.cli.console import new_table, results

    numbers = "Parameters", "Features", "Input, px"
    table = new_table("Backbone, ImageNet weights", *numbers, "Available", right=numbers)
    for entry in entries().values():
        weights = f"{entry.origin} · {entry.licence or 'licence not stated'}"
        table.add_row(
            Text.assemble(entry.name, (f"\n  {weights}", "dim")),
            f"{entry.parameters / 1e6:.1f} M",
            f"{entry.features:,}",
            str(entry.size),
            "yes" if is_local(entry) else "download",
        )
    console = results()
    console.print(table)
    remark = "\nOther weights: --weights FILE.safetensors (with timm's names) or --weights random."
    console.print(remark, style="dim")
