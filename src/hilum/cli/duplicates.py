"""What ``hilum cohort duplicates`` does and shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hilum.backbone import FeatureStore, extract, open_backbone
from hilum.cohort import locate
from hilum.cohort.copies import CopyKind, find_copies
from hilum.progress import Progress
from hilum.radiograph import Preparation, find_images
from hilum.recipe.settings import BackboneSettings

__all__ = ["Duplicates", "search", "show"]


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
        return extract(paths, Preparation(backbone.size), backbone, store, progress).values


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
