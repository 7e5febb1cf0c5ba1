"""``hilum cohort``: collections on disk, and the tables made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.cohort import Cohort

__all__ = ["commands"]

commands = typer.Typer(help="Collections on disk, and the tables made of them.", no_args_is_help=True)

_Data = Annotated[Path, typer.Option(help="Folder that holds the sources.")]


@commands.command("list")
def list_(data: _Data = Path("data")) -> None:
    """List the sources that hilum knows, and which are here."""
    from rich.table import Table

    from hilum.cli.console import results
    from hilum.cohort import SOURCES

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Source", "What it is", "Licence", "Here"):
        table.add_column(title, overflow="fold")
    for source in SOURCES.values():
        here = ("yes" if source.is_present(data) else "no") if source.marker else "–"
        table.add_row(source.name, source.title, source.licence, here)
    results().print(table)


@commands.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source (`hilum cohort list`).")],
    data: _Data = Path("data"),
) -> None:
    """Download a collection from its public home. An interrupted download goes on where it was."""
    from hilum.cli.console import results, status
    from hilum.cli.progress import TerminalProgress
    from hilum.cohort import fetch as fetch_source

    folder = fetch_source(name, data, TerminalProgress(status()))
    results().print(str(folder), markup=False, soft_wrap=True)


@commands.command()
def build(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name or a YAML file.")],
    out: Annotated[Path, typer.Option(help="The table, .csv or .parquet.")],
    data: _Data = Path("data"),
) -> None:
    """Write the table of images that RECIPE selects. It tells the rows left out, and why."""
    from hilum.cli.console import status
    from hilum.cli.progress import TerminalProgress
    from hilum.cohort import build as build_cohort
    from hilum.recipe import load

    cohort = build_cohort(load(recipe).cohort, data, TerminalProgress(status()))
    cohort.write(out)
    _show(cohort)


@commands.command()
def check(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help="A table, .csv or .parquet.")],
    data: _Data = Path("data"),
) -> None:
    """Read every image of COHORT; tell what cannot be read. Exits with 1 if any image failed."""
    from hilum.cli.console import status
    from hilum.cli.progress import TerminalProgress
    from hilum.cohort import Cohort
    from hilum.cohort import check as check_cohort

    before = Cohort.read(cohort, data)
    after = check_cohort(before, TerminalProgress(status()))
    failed = after.exclusions.iloc[len(before.exclusions) :]
    _show(after)
    for row in failed.itertuples():
        typer.echo(f"{row.image}: {row.detail}", err=True)
    if len(failed):
        raise typer.Exit(1)


@commands.command()
def duplicates(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help="A table, or a folder of images.")],
    against: Annotated[
        Path | None, typer.Option(metavar="OTHER", help="Look for copies in OTHER; else within COHORT.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the table's paths start from.")] = None,
    against_data: Annotated[
        Path | None, typer.Option(help="The same for OTHER's table.  [default: as --data]")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Find copies of images. Also those that were resized, cropped, mirrored or encoded anew."""
    from hilum.cli.console import results, status
    from hilum.cli.duplicates import search, show
    from hilum.cli.progress import TerminalProgress

    places = [(cohort, data)] if against is None else [(cohort, data), (against, against_data or data)]
    found = search(places, TerminalProgress(status()))
    for image, cause in found.failures.items():
        typer.echo(f"{image}: {cause}", err=True)
    if json_:
        print(json.dumps(found.as_dict(), ensure_ascii=False, indent=1))
    else:
        show(found, results())


def _show(cohort: Cohort) -> None:
    from rich.table import Table
    from rich.text import Text

    from hilum.cli.console import results

    used = Table("Label", "Source", "Images", "Patients", box=None, padding=(0, 2, 0, 0))
    for row in cohort.summary().itertuples():
        used.add_row(Text(str(row.label)), Text(str(row.source)), str(row.images), str(row.patients))
    console = results()
    console.print(used)
    if len(cohort.exclusions):
        left = Table("Left out because", "Images", box=None, padding=(0, 2, 0, 0))
        for reason, count in cohort.exclusions["reason"].value_counts().items():
            left.add_row(str(reason), str(count))
        console.print()
        console.print(left)
