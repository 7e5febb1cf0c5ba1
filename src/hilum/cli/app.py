"""The command ``hilum``: its subcommands and its errors.

Exit codes: 0 success; 1 failure, with its cause on standard error; 2 a usage error. `hilum audit` exits with
0 for a sound result, 2 for a doubtful one and 3 for a broken one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from hilum import __version__
from hilum.cli import cache, cohort, evaluate, train
from hilum.errors import HilumError, extra_required

__all__ = ["app", "main"]


app = typer.Typer(
    name="hilum",
    help="Chest X-ray classifiers you can believe. For research, not diagnosis.",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich takes longer to load than everything else that --help needs
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; print errors of hilum and of the system in one line, and any other with its traceback.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``hilum``; by default the arguments of the process.
    """
    try:
        with extra_required():
            app(arguments)
    except HilumError as error:
        _exit_with(str(error))
    except OSError as error:  # a full disk, a folder without permission
        where = "" if error.filename is None else f"{error.filename}: "
        _exit_with(f"{where}{error.strerror or error}")


def _exit_with(error: str) -> NoReturn:
    typer.secho("Error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(error, err=True)
    sys.exit(1)


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
app.command("predict")(evaluate.predict)
app.command("audit")(evaluate.audit)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(evaluate.compare)
app.command("report")(train.report)
app.command("demo")(train.demo)
app.add_typer(cohort.commands, name="cohort")
app.add_typer(cache.commands, name="cache")
app.command("backbones")(train.backbones)
app.command("recipes")(train.recipes)
