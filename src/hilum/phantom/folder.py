"""A synthetic cohort on disk: PNG images, ``cohort.csv`` and ``design.json``; complete or absent."""

from __future__ import annotations

import io
import json
import shutil
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, PngImagePlugin

from hilum.errors import CohortError
from hilum.executor import LOCAL
from hilum.files import write_bytes, write_json, write_text
from hilum.phantom.cohort import PhantomCohort, Shot, plan
from hilum.phantom.description import USUAL_RATES
from hilum.phantom.geometry import FloatArray
from hilum.phantom.rendering import render
from hilum.progress import SILENT, Progress

__all__ = ["DESIGN", "TABLE", "draw", "table", "write"]


TABLE, DESIGN = "cohort.csv", "design.json"
DRAWING = 3
"""Version of the files; raised whenever the same design gives other bytes."""
NOTICE = "SYNTHETIC: drawn by hilum's phantom. No patient, no diagnosis."
STRATEGY = zlib.Z_RLE
"""Faster than zlib's default, and smaller: noise has no repeated sequences to find."""


def write(design: PhantomCohort, folder: Path, progress: Progress = SILENT) -> Path:
    """Draw a cohort into `folder`, unless it is already there.

    Images are drawn by threads into ``.NAME.partial`` beside `folder`, which is renamed when it is complete.
    After an interruption the next call draws what is missing.

    Parameters
    ----------
    design : PhantomCohort
    folder : Path
        Absent, empty, or complete with the same design.
    progress : Progress

    Returns
    -------
    Path
        The table, ``folder/cohort.csv``; see `table` for its columns.

    Raises
    ------
    CohortError
        If `folder` contains anything else.
    """
    statement = json.loads(json.dumps({"synthetic": True, "drawing": DRAWING, "design": design.as_dict()}))
    if _is_complete(folder, statement):
        return folder / TABLE
    _require_free(folder)
    partial = folder.parent / f".{folder.name}.partial"
    if partial.exists() and _stated(partial) != statement:  # left by another design
        shutil.rmtree(partial)
    partial.mkdir(parents=True, exist_ok=True)
    write_json(partial / DESIGN, statement)
    shots = plan(design)

    def draw_file(shot: Shot) -> Shot:
        path = partial / shot.image
        if not path.exists():
            write_bytes(path, encode(draw(design, shot), design.bits))
        return shot

    with closing(LOCAL.map(draw_file, shots)) as drawn:
        for _ in progress.track(drawn, what="Drawing synthetic radiographs", total=len(shots)):
            pass
    write_text(partial / TABLE, table(shots).to_csv(index=False, lineterminator="\n"))
    _publish(partial, folder, statement)
    return folder / TABLE


def draw(design: PhantomCohort, shot: Shot) -> FloatArray:
    """Return the pixels of one shot, (rows, columns), float32 in [0, 1]."""
    noise = np.random.default_rng(np.random.SeedSequence(design.seed, spawn_key=shot.noise))
    return render(shot.patient, shot.finding, shot.acquisition, shot.size, noise)


def encode(grey: FloatArray, bits: int) -> bytes:
    """Return a PNG file of 8 or 16 bits, with a comment that says it is synthetic."""
    levels = np.rint(grey * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", NOTICE)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG", compress_level=1, compress_type=STRATEGY, pnginfo=notes)
    return buffer.getvalue()


def table(shots: list[Shot]) -> pd.DataFrame:
    """Return the table of a cohort, one row per image.

    Columns: ``image`` (file name), ``label``, ``patient`` (key), ``source``, ``view``, ``age`` (years),
    ``sex``, ``synthetic`` (always true), ``finding`` and ``severity`` (as drawn), ``person`` (the true
    identity of the patient), ``copy_of`` (the original of a copy), ``rows``, ``columns``, and
    ``factor_KIND`` (0 or 1) for each kind of shortcut except the source.
    """
    return pd.DataFrame([_row(shot) for shot in shots])


def _row(shot: Shot) -> dict[str, Any]:
    return {
        "image": shot.image,
        "label": shot.label,
        "patient": shot.key,
        "source": shot.source,
        "view": shot.acquisition.view.value,
        "age": shot.patient.age_years,
        "sex": shot.patient.sex.value,
        "synthetic": "true",
        "finding": shot.finding.kind.value,
        "severity": round(shot.finding.severity, 3),
        "person": shot.person,
        "copy_of": shot.copy_of,
        "rows": shot.size[0],
        "columns": shot.size[1],
        **{f"factor_{kind.value}": int(kind in shot.factors) for kind in USUAL_RATES},
    }


def _is_complete(folder: Path, statement: dict[str, Any]) -> bool:
    return (folder / TABLE).is_file() and _stated(folder) == statement


def _stated(folder: Path) -> Any:
    """Return the content of the folder's ``design.json``, None where it cannot be read."""
    try:
        return json.loads((folder / DESIGN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _require_free(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        found = "another design" if (folder / DESIGN).exists() else "other files"
        raise CohortError(
            "a synthetic cohort cannot be written here",
            path=folder,
            expected="no folder, an empty one, or the same cohort",
            found=found,
            remedy="Name another folder, or remove this one.",
        )


def _publish(partial: Path, folder: Path, statement: dict[str, Any]) -> None:
    for half_written in partial.glob(".hilum-*"):  # by a call that was killed
        half_written.unlink(missing_ok=True)
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
    try:
        partial.rename(folder)
    except OSError:
        # Another process may have completed the same cohort.
        if not _is_complete(folder, statement):
            raise
        shutil.rmtree(partial)
