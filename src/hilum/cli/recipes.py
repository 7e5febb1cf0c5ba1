"""``hilum recipes``: the recipes that come with hilum."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["recipes"]


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
