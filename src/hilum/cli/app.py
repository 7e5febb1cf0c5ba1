"""The command ``hilum``: its subcommands, and what an error looks like.

Exit codes: 0 all done; 1 something failed, and standard error says what; 2 the command was misspelt.
`hilum audit` has its own: 0 a sound result, 2 a doubtful one, 3 a broken one.
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
    rich_markup_mode=None,  # rich takes longer to load than all else that --help needs
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; hilum's errors and the system's become one line, all else is a bug with its traceback.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``hilum``; those of the process otherwise.
    """
    try:
        with extra_required():
            app(arguments)
    except HilumError as error:
        _complain(str(error))
    except OSError as error:  # a full disk, a folder without permission
        where = "" if error.filename is None else f"{error.filename}: "
        _complain(f"{where}{error.strerror or error}")


def _complain(what: str) -> NoReturn:
    typer.secho("Error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(what, err=True)
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
