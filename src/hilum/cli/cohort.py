"""``hilum cohort``: collections on disk, and the tables made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hilum.backbone import FeatureStore, extract, open_backbone
from hilum.cohort import locate
from hilum.cohort.duplicates import CopyKind, find_copies
from hilum.progress import Progress
from hilum.radiograph import Preprocessing, find_images
from hilum.recipe.settings import BackboneSettings

if TYPE_CHECKING:
    from hilum.cohort import Cohort

__all__ = ["Duplicates", "commands", "search", "show"]


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
    from hilum.cli.console import TerminalProgress, results, status
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
    from hilum.cli.console import TerminalProgress, status
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
    from hilum.cli.console import TerminalProgress, status
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
    from hilum.cli.console import TerminalProgress, results, status

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


@dataclass(frozen=True)
class Duplicates:
    """Copies by the names of their images.

    Parameters
    ----------
    pairs : list of dict
        ``image, other, kind, similarity, mirrored, scale`` each.
    images : int
    others : int, optional
        Images of the other cohort; None without one.
    failures : dict of str to str
        Why images could not be read.
    """

    pairs: list[dict[str, Any]]
    images: int
    others: int | None
    failures: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            "pairs": self.pairs,
            "images": self.images,
            "other_images": self.others,
            "kinds": {str(kind): sum(one["kind"] == kind for one in self.pairs) for kind in CopyKind},
            "unreadable": self.failures,
        }


@dataclass(frozen=True)
class _Listed:
    names: list[str]
    paths: list[Path]


def search(places: Sequence[tuple[Path, Path | None]], progress: Progress) -> Duplicates:
    """Find copies within one cohort, or between two: tables with their data folders, or folders of images."""
    lists = [_listed(*place) for place in places]
    features = [_features(one.paths, progress) for one in lists]
    other, values = (lists[1].paths, features[1]) if len(lists) > 1 else (None, None)
    found = find_copies(lists[0].paths, features[0], other, values, progress)
    first, second = lists[0].names, lists[-1].names
    pairs = [
        {
            "image": first[row["image"]],
            "other": second[row["other"]],
            "kind": str(row["kind"]),
            "similarity": round(row["similarity"], 4),
            "mirrored": row["mirrored"],
            "scale": round(row["scale"], 4),
        }
        for row in found.pairs.to_dict("records")
    ]
    failures = {first[row]: error.cause for row, error in found.failures.items()}
    failures |= {second[row]: error.cause for row, error in found.other_failures.items()}
    return Duplicates(pairs, len(first), len(second) if len(lists) > 1 else None, failures)


def _listed(place: Path, data: Path | None) -> _Listed:
    if place.is_dir():
        paths = find_images([place])
        return _Listed([path.relative_to(place).as_posix() for path in paths], paths)
    cohort = locate(place, data)
    return _Listed(cohort.table["image"].tolist(), cohort.paths)


def _features(paths: Sequence[Path], progress: Progress) -> NDArray[np.float32]:
    backbone = open_backbone(BackboneSettings())
    with FeatureStore.open(progress=progress) as store:
        return extract(paths, Preprocessing(backbone.size), backbone, store, progress).values


def show(found: Duplicates, console: Console) -> None:
    """Print the pairs, each image once, and a line that sums them up."""
    table = Table("Image", "Copy", "Kind", "Similarity", box=None, padding=(0, 2, 0, 0))
    last = None
    for pair in found.pairs:
        mirrored = ", mirrored" if pair["mirrored"] else ""
        name = "" if pair["image"] == last else pair["image"]
        last = pair["image"]
        table.add_row(
            Text(name), Text(pair["other"]), f"{pair['kind']}{mirrored}", f"{pair['similarity']:.3f}"
        )
    if found.pairs:
        console.print(table)
        console.print()
    among = f"{found.images} images" if found.others is None else f"{found.images} and {found.others} images"
    kinds = [f"{count} {kind}" for kind, count in found.as_dict()["kinds"].items() if count]
    unread = f" {len(found.failures)} could not be read." if found.failures else ""
    counted = f"{len(found.pairs)} pairs of copies" if len(found.pairs) != 1 else "1 pair of copies"
    told = f": {', '.join(kinds)}" if kinds else ""
    console.print(f"{counted} among {among}{told}.{unread}", markup=False, soft_wrap=True)
