"""Finding images that are copies of one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.cohort.duplicates.alignment import align
from hilum.cohort.duplicates.codes import Coder, Codes, reduce_features, sample
from hilum.cohort.duplicates.fingerprints import Fingerprints, Thumbnails, fingerprint
from hilum.cohort.duplicates.search import Candidates, find_candidates
from hilum.errors import RadiographError
from hilum.progress import SILENT, Progress

__all__ = ["LEAST_SIMILARITY", "Copies", "CopyKind", "copies_among", "find_copies"]

LEAST_SIMILARITY = 0.88
"""Of near copies; ``benchmarks/copies.py`` measures its sensitivity and its false positives."""

_DTYPES = {
    "image": "int64",
    "other": "int64",
    "kind": "str",
    "similarity": "float64",
    "mirrored": "bool",
    "scale": "float64",
}
_COLUMNS = list(_DTYPES)


class CopyKind(StrEnum):
    """How two files are copies, the most certain first."""

    SAME_FILE = "same file"
    """The same bytes."""
    SAME_PIXELS = "same pixels"
    """Other bytes, equal pixels."""
    NEAR_COPY = "near copy"
    """Resized, re-encoded, cropped, with other gray values, or mirrored."""


@dataclass(frozen=True, eq=False)
class Copies:
    """Pairs of images that are copies, one row each.

    Columns: ``image`` and ``other`` (rows of the first and of the second list), ``kind``, ``similarity``
    (of the fine detail, up to 1), ``mirrored``, and ``scale`` (pixels of `image` per pixel of `other`,
    along an edge). Of several equal files, each is paired with the first.
    """

    pairs: pd.DataFrame
    failures: dict[int, RadiographError]  # why rows of the first list could not be read
    other_failures: dict[int, RadiographError]


def find_copies(
    paths: Sequence[Path],
    features: NDArray[np.floating],
    other_paths: Sequence[Path] | None = None,
    other_features: NDArray[np.floating] | None = None,
    progress: Progress = SILENT,
) -> Copies:
    """Find copies among images, or between two lists of them.

    Images are candidates if the whole of one resembles a window of the other, upright or mirrored, or if a
    network's features are similar. They are copies if they agree in fine detail after registration, which
    different radiographs of one patient do not. Rotated and inverted copies, and crops to less than half of a
    side, are not found.

    Features (n, features) are those of any backbone. With a second list of paths and features, copies are
    sought between both lists, and not within either. A file that cannot be read is recorded as a failure.
    """
    if len(paths) == 0:
        return Copies(pd.DataFrame(columns=_COLUMNS).astype(_DTYPES), {}, {})
    first = fingerprint(paths, progress)
    second = None if other_paths is None else fingerprint(other_paths, progress)
    return copies_among(first, features, second, other_features, progress)


def copies_among(
    first: Fingerprints,
    features: NDArray[np.floating],
    second: Fingerprints | None = None,
    other_features: NDArray[np.floating] | None = None,
    progress: Progress = SILENT,
) -> Copies:
    """Find copies among fingerprinted images, or between two lists of them; see `find_copies`."""
    within = second is None or other_features is None
    codes = reduce_features(features, features[:0] if other_features is None else other_features)
    second = first if second is None else second
    sides = codes[0], codes[0] if within else codes[1]
    exact = _exact(first, second, within=within)
    near = _near((first, second), sides, within=within, progress=progress)
    pairs = pd.concat([exact, near]).sort_values(["image", "other"], ignore_index=True)
    return Copies(pairs.astype(_DTYPES), first.failures, {} if within else second.failures)


def _exact(first: Fingerprints, second: Fingerprints, *, within: bool) -> pd.DataFrame:
    rows = set()
    for here, there in ((first.files, second.files), (first.contents, second.contents)):
        rows |= _matches(here, there, within=within)
        if not within:
            rows |= {(row, other) for other, row in _matches(there, here, within=False)}
    pairs = pd.DataFrame(sorted(rows), columns=["image", "other"])
    same = [first.files[row] == second.files[other] for row, other in sorted(rows)]
    kinds = [CopyKind.SAME_FILE if one else CopyKind.SAME_PIXELS for one in same]
    return pairs.assign(kind=kinds, similarity=1.0, mirrored=False, scale=1.0)[_COLUMNS]


def _matches(contents: Sequence[str], others: Sequence[str], *, within: bool) -> set[tuple[int, int]]:
    """Pair each row with the first of `others` that has its content; within one list, with an earlier one."""
    firsts: dict[str, int] = {}
    for row, content in enumerate(others):
        firsts.setdefault(content, row)
    known = {(row, firsts[one]) for row, one in enumerate(contents) if one and one in firsts}
    return {(other, row) for row, other in known if other < row} if within else known


def _near(
    fingerprints: tuple[Fingerprints, Fingerprints],
    features: tuple[Codes, Codes],
    *,
    within: bool,
    progress: Progress,
) -> pd.DataFrame:
    """Find near copies among the first image of each content."""
    rows = tuple(_firsts(one.contents) for one in fingerprints)
    if not (len(rows[0]) and len(rows[1])):
        return pd.DataFrame(columns=_COLUMNS)
    thumbnails = tuple(one.thumbnails.select(kept) for one, kept in zip(fingerprints, rows, strict=True))
    kept = tuple(one[kept] for one, kept in zip(features, rows, strict=True))
    coder = _fit_coder(thumbnails[:1] if within else thumbnails)
    found = []
    for a, b in ((0, 1),) if within else ((0, 1), (1, 0)):
        candidates = find_candidates(
            thumbnails[a], thumbnails[b], (kept[a], kept[b]), coder, within=within, progress=progress
        )
        pairs = _confirmed(thumbnails[a], thumbnails[b], candidates, progress)
        pairs["image"], pairs["other"] = rows[a][pairs["image"]], rows[b][pairs["other"]]
        pairs["scale"] = _scale(pairs, fingerprints[a].shapes, fingerprints[b].shapes)
        found.append(pairs if a == 0 else _swapped(pairs))
    every = pd.concat(found)
    if within:
        later = every["image"] > every["other"]
        every = pd.concat([every[~later], _swapped(every[later])])
    best = every.sort_values("similarity", ascending=False, kind="stable").drop_duplicates(["image", "other"])
    every = best if within else _with_equals(best, fingerprints)
    contents = [
        [one.contents[row] for row in every[name]]
        for one, name in zip(fingerprints, _COLUMNS[:2], strict=True)
    ]
    return every.loc[[a != b for a, b in zip(*contents, strict=True)], _COLUMNS]


def _with_equals(pairs: pd.DataFrame, fingerprints: tuple[Fingerprints, Fingerprints]) -> pd.DataFrame:
    """Add the pairs of images whose pixels equal those of a compared one."""
    more = [pairs]
    for name, one in zip(_COLUMNS[:2], fingerprints, strict=True):
        equals = pd.DataFrame({"content": one.contents, "equal": np.arange(len(one.contents))})
        known = pairs.assign(content=[one.contents[row] for row in pairs[name]]).merge(equals, on="content")
        more.append(known.assign(**{name: known["equal"]})[list(pairs.columns)])
    return pd.concat(more).drop_duplicates(["image", "other"])


def _firsts(contents: Sequence[str]) -> NDArray[np.int64]:
    first = {content: row for row, content in reversed(list(enumerate(contents))) if content}
    return np.array(sorted(first.values()), np.int64)


def _fit_coder(sides: Sequence[Thumbnails]) -> Coder:
    """Fit to a sample of all sides together."""
    rows = sample(sum(map(len, sides)))
    ends = np.cumsum([0, *map(len, sides)])
    parts = [rows[(rows >= low) & (rows < high)] - low for low, high in pairwise(ends)]
    return Coder.fit(np.concatenate([side.take(part) for side, part in zip(sides, parts, strict=True)]))


def _confirmed(
    wholes: Thumbnails, others: Thumbnails, candidates: Candidates, progress: Progress
) -> pd.DataFrame:
    def shown(part: slice) -> NDArray[np.uint8]:
        thumbnails = wholes.take(candidates.whole[part])
        return np.where(candidates.mirrored[part, None, None], thumbnails[:, :, ::-1], thumbnails)

    aligned = align(shown, lambda part: others.take(candidates.other[part]), candidates.windows, progress)
    kept = aligned.similarity >= LEAST_SIMILARITY
    windows = aligned.windows[kept]
    return pd.DataFrame(
        {
            "image": candidates.whole[kept],
            "other": candidates.other[kept],
            "kind": CopyKind.NEAR_COPY,
            "similarity": np.minimum(aligned.similarity[kept], 1).astype(np.float64),
            "mirrored": candidates.mirrored[kept],
            "height": windows[:, 1] - windows[:, 0],
            "width": windows[:, 3] - windows[:, 2],
        }
    )


def _scale(
    pairs: pd.DataFrame, shapes: NDArray[np.int64], other_shapes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Pixels of the whole per pixel of the window along an edge, geometric mean of rows and columns."""
    seen = other_shapes[pairs["other"]] * pairs[["height", "width"]].to_numpy()
    ratios: NDArray[np.float64] = np.sqrt((shapes[pairs["image"]] / seen).prod(axis=1))
    return ratios


def _swapped(pairs: pd.DataFrame) -> pd.DataFrame:
    """Exchange the two images of each pair."""
    return pairs.assign(image=pairs["other"], other=pairs["image"], scale=1 / pairs["scale"])
