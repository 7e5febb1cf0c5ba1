"""The command ``hilum``: its subcommands, and what an error looks like.

Exit codes: 0 all done; 1 something failed, and standard error says what; 2 the command was misspelt.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from click import Context
from typer.core import TyperGroup

from hilum import __version__
from hilum.cli import backbones, cohort, demo, predict, recipes, report, train
from hilum.errors import HilumError

__all__ = ["app"]


class _Commands(TyperGroup):
    """Shows hilum's own errors as one line; anything else is a bug and keeps its traceback."""

    def invoke(self, ctx: Context) -> Any:
        try:
            return super().invoke(ctx)
        except HilumError as error:
            typer.secho("Error: ", fg="red", bold=True, err=True, nl=False)
            typer.echo(str(error), err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            typer.echo("Stopped. What was computed is kept; the same command goes on from there.", err=True)
            sys.exit(130)


app = typer.Typer(
    name="hilum",
    cls=_Commands,
    help="Chest X-ray classifiers you can believe. For research, not diagnosis.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"hilum {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version


app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("report")(report.report)
app.command("demo")(demo.demo)
app.add_typer(cohort.commands, name="cohort")
app.command("backbones")(backbones.backbones)
app.command("recipes")(recipes.recipes)
