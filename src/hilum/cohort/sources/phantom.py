"""Synthetic radiographs, drawn on first use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from hilum.cohort.sources.source import Source
from hilum.cohort.sources.table import table_rows
from hilum.errors import SourceError
from hilum.phantom import PhantomCohort, Shortcut, ShortcutKind, write
from hilum.progress import Progress

__all__ = ["PHANTOM"]

_COUNTS = ("images", "classes", "sources", "bits", "seed")
_SHARES = ("signal", "images_per_patient", "source_contrast", "duplicates")
_SHORTCUTS = tuple(kind.value for kind in ShortcutKind)


def _prepare(data: Path, progress: Progress, *, path: str = "phantom", **design: Any) -> None:
    """Draw the cohort unless it exists; an existing one must have the design that the options state."""
    if design or not (data / path / "cohort.csv").is_file():
        write(_design(design), data / path, progress)


def _design(options: dict[str, Any]) -> PhantomCohort:
    stated = {name: value for name, value in options.items() if name in (*_COUNTS, *_SHARES)}
    planted = {name: value for name, value in options.items() if name in _SHORTCUTS}
    if "size" in options:
        stated["size"] = (options["size"], options["size"])
    try:
        if planted:
            stated["shortcuts"] = tuple(
                Shortcut(ShortcutKind(kind), value) for kind, value in planted.items()
            )
        return PhantomCohort(**stated)
    except (TypeError, ValueError) as error:
        raise SourceError("no synthetic cohort has this design", found=str(error)) from error


def _rows(data: Path, path: str = "phantom", **design: Any) -> pd.DataFrame:
    del design  # it was drawn by `_prepare`
    rows = table_rows(data, path=f"{path}/cohort.csv", name="phantom")
    return rows.assign(projection="frontal", modality="X-ray")


PHANTOM = Source(
    name="phantom",
    title="synthetic radiographs, drawn by hilum",
    licence="Apache-2.0",
    citation="hilum",
    layout=(
        "drawn on first use; options: path (folder), size (side in pixels), "
        f"{', '.join((*_COUNTS, *_SHARES))}, and the strength of a shortcut: {', '.join(_SHORTCUTS)}"
    ),
    rows=_rows,
    options=("path", "size", *_COUNTS, *_SHARES, *_SHORTCUTS),
    prepare=_prepare,
)
