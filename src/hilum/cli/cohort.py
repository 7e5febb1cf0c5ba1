"""``hilum cohort``: collections of radiographs, tables of images, and copies of images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hilum.cohort import Cohort
    from hilum.progress import Progress

__all__ = ["commands"]


commands = typer.Typer(help="Collections of radiographs, and tables of images.", no_args_is_help=True)

_Data = Annotated[Path, typer.Option(help="Folder with the sources.")]


@commands.command("list")
def list_(data: _Data = Path("data")) -> None:
    """List the sources that hilum knows, and which of them are in the data folder."""
    from hilum.cli.console import new_table, results
    from hilum.cohort import SOURCES

    table = new_table("Source", "Description", "Licence", "Present")
    for source in SOURCES.values():
        present = ("yes" if source.is_present(data) else "no") if source.marker else "–"
        table.add_row(source.name, source.title, source.licence, present)
    results().print(table)


@commands.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source (`hilum cohort list`).")],
    data: _Data = Path("data"),
) -> None:
    """Download a collection from its public home. An interrupted download is resumed."""
    from hilum.cli.console import TerminalProgress, results, status
    from hilum.cohort import fetch as fetch_source

    folder = fetch_source(name, data, TerminalProgress(status()))
    results().print(str(folder), markup=False, soft_wrap=True)


@commands.command()
def build(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="The name of a recipe or a YAML file.")],
    out: Annotated[Path, typer.Option(help="The table, .csv or .parquet.")],
    data: _Data = Path("data"),
) -> None:
    """Write the table of images that RECIPE selects, and show which are excluded and why."""
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
    """Read every image of COHORT. Exits with 1 if any image cannot be read."""
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


def _show(cohort: Cohort) -> None:
    from rich.text import Text

    from hilum.cli.console import new_table, results

    included = new_table("Label", "Source", "Images", "Patients")
    for row in cohort.summary().itertuples():
        included.add_row(Text(str(row.label)), Text(str(row.source)), str(row.images), str(row.patients))
    console = results()
    console.print(included)
    if len(cohort.exclusions):
        excluded = new_table("Excluded because", "Images")
        for reason, count in cohort.exclusions["reason"].value_counts().items():
            excluded.add_row(str(reason), str(count))
        console.print()
        console.print(excluded)


@commands.command()
def duplicates(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help="A table, or a folder of images.")],
    against: Annotated[
        Path | None,
        typer.Option(metavar="OTHER", help="Search for copies in OTHER instead of within COHORT."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the paths of the table start from.")] = None,
    against_data: Annotated[
        Path | None, typer.Option(help="The same for the table OTHER.  [default: as --data]")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Find copies of images, including resized, cropped, mirrored and re-encoded ones."""
    from hilum.cli.console import TerminalProgress, status

    places = [(cohort, data)] if against is None else [(cohort, data), (against, against_data or data)]
    found = _search(places, TerminalProgress(status()))
    for image, cause in found["unreadable"].items():
        typer.echo(f"{image}: {cause}", err=True)
    if json_:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        _show_copies(found)


def _search(places: Sequence[tuple[Path, Path | None]], progress: Progress) -> dict[str, Any]:
    """Find copies within one cohort or between two; a cohort is a table with its data folder, or a folder.

    Returns
    -------
    dict
        What ``--json`` prints: ``pairs``, ``images``, ``other_images``, ``kinds``, ``unreadable``.
    """
    from hilum.backbone import FeatureStore, extract, open_backbone
    from hilum.cohort.duplicates import CopyKind, find_copies
    from hilum.radiograph import Preprocessing
    from hilum.recipe.settings import BackboneSettings

    backbone = open_backbone(BackboneSettings())
    cohorts = []
    with FeatureStore.open(progress=progress) as store:
        for names, paths in map(_listed, *zip(*places, strict=True)):
            features = extract(paths, Preprocessing(backbone.size), backbone, store, progress).values
            cohorts.append((names, paths, features))
    names, paths, features = cohorts[0]
    other_names, other_paths, other_features = cohorts[-1] if len(cohorts) > 1 else (names, None, None)
    found = find_copies(paths, features, other_paths, other_features, progress)
    pairs = [
        {
            "image": names[row["image"]],
            "other": other_names[row["other"]],
            "kind": str(row["kind"]),
            "similarity": round(row["similarity"], 4),
            "mirrored": row["mirrored"],
            "scale": round(row["scale"], 4),
        }
        for row in found.pairs.to_dict("records")
    ]
    unreadable = {names[row]: error.cause for row, error in found.failures.items()}
    unreadable |= {other_names[row]: error.cause for row, error in found.other_failures.items()}
    return {
        "pairs": pairs,
        "images": len(names),
        "other_images": None if other_paths is None else len(other_paths),
        "kinds": {str(kind): sum(one["kind"] == kind for one in pairs) for kind in CopyKind},
        "unreadable": unreadable,
    }


def _listed(place: Path, data: Path | None) -> tuple[list[str], list[Path]]:
    """Return the names and the paths of the images of a table or a folder."""
    from hilum.cohort import locate
    from hilum.radiograph import find_images

    if place.is_dir():
        paths = find_images([place])
        return [path.relative_to(place).as_posix() for path in paths], paths
    cohort = locate(place, data)
    return cohort.table["image"].tolist(), cohort.paths


def _show_copies(found: dict[str, Any]) -> None:
    """Print the pairs, each image once, and a summary."""
    from rich.text import Text

    from hilum.cli.console import new_table, results

    console, pairs = results(), found["pairs"]
    table = new_table("Image", "Copy", "Kind", "Similarity")
    last = None
    for pair in pairs:
        kind = f"{pair['kind']}{', mirrored' if pair['mirrored'] else ''}"
        name = "" if pair["image"] == last else pair["image"]
        last = pair["image"]
        table.add_row(Text(name), Text(pair["other"]), kind, f"{pair['similarity']:.3f}")
    if pairs:
        console.print(table)
        console.print()
    others = "" if found["other_images"] is None else f" and {found['other_images']}"
    kinds = [f"{count} {kind}" for kind, count in found["kinds"].items() if count]
    unreadable = f" {len(found['unreadable'])} could not be read." if found["unreadable"] else ""
    count = f"{len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} of copies"
    listed = f": {', '.join(kinds)}" if kinds else ""
    line = f"{count} among {found['images']}{others} images{listed}.{unreadable}"
    console.print(line, markup=False, soft_wrap=True)
