"""Which images are copies of one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import eigh

from hilum.cohort.duplicates.alignment import align
from hilum.cohort.duplicates.fingerprint import Fingerprinted, Picked, fingerprint
from hilum.cohort.duplicates.search import Candidates, Coder, nearest, sample
from hilum.errors import RadiographError
from hilum.progress import SILENT, Progress

__all__ = ["LEAST_SIMILARITY", "Copies", "CopyKind", "copies_among", "find_copies", "reduced"]


_LENGTH = 64
_MOST_FITTED = 2000
_BLOCK = 4096

Features = NDArray[np.floating]


def reduced(features: Features, others: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features over their spread among all images, along their main axes, of unit length.

    Parameters
    ----------
    features, others : ndarray of float, shape (n, features)
        Of both lists of images; NaN where an image has none. They are read in blocks.

    Returns
    -------
    pair of ndarray of float32, shape (n, length)
        0 where an image has none.
    """
    sample = np.concatenate([_sample(features), _sample(others)])
    if not len(sample):
        return np.zeros((len(features), 1), np.float32), np.zeros((len(others), 1), np.float32)
    mean, spread = sample.mean(axis=0), sample.std(axis=0) + np.float32(1e-6)
    scaled = (sample - mean) / spread
    length = scaled.shape[1]
    main = (max(length - _LENGTH, 0), length - 1)
    axes = eigh(scaled.T @ scaled, subset_by_index=main)[1] / spread[:, None]
    return _projected(features, mean, axes), _projected(others, mean, axes)


def _sample(features: Features) -> NDArray[np.float32]:
    chosen = np.asarray(features[:: max(len(features) // _MOST_FITTED, 1)], np.float32)
    return chosen[np.isfinite(chosen).all(axis=1)]


def _projected(
    features: Features, mean: NDArray[np.float32], axes: NDArray[np.float32]
) -> NDArray[np.float32]:
    result = np.zeros((len(features), axes.shape[1]), np.float32)
    for start in range(0, len(features), _BLOCK):
        block = (np.asarray(features[start : start + _BLOCK], np.float32) - mean) @ axes
        block /= np.linalg.norm(block, axis=1, keepdims=True) + np.float32(1e-9)
        result[start : start + _BLOCK] = np.nan_to_num(block)
    return result


LEAST_SIMILARITY = 0.88
"""Of near copies; ``benchmarks/copies.py`` measures what it finds, and what it takes for copies wrongly."""

_COLUMNS = ["image", "other", "kind", "similarity", "mirrored", "scale"]


class CopyKind(StrEnum):
    """How two files come to be copies; from the plainest on."""

    SAME_FILE = "same file"
    """The same bytes."""
    SAME_PIXELS = "same pixels"
    """Other bytes, every pixel alike."""
    NEAR_COPY = "near copy"
    """Resized, encoded again, cropped, with other grays, or mirrored."""


@dataclass(frozen=True, eq=False)
class Copies:
    """Pairs of images that are copies.

    Parameters
    ----------
    pairs : DataFrame
        One row a pair: ``image`` and ``other`` (rows of the first and of the second list), ``kind``,
        ``similarity`` (of the fine detail, up to 1), ``mirrored``, and ``scale`` (pixels that `image` has for
        one of `other`, along an edge). Of several equal files, each is paired with the first.
    failures, other_failures : dict of int to RadiographError
        Why rows of either list could not be read.
    """

    pairs: pd.DataFrame
    failures: dict[int, RadiographError]
    other_failures: dict[int, RadiographError]


def find_copies(
    paths: Sequence[Path],
    features: NDArray[np.floating],
    other_paths: Sequence[Path] | None = None,
    other_features: NDArray[np.floating] | None = None,
    progress: Progress = SILENT,
) -> Copies:
    """Find copies among images, or between two lists of them.

    Images are likely copies if the whole of one resembles a window of the other, upright or mirrored, or if
    a network's features do. They are copies if they then agree in fine detail once laid over each other,
    which different films of one patient do not. Rotated copies, inverted ones, and crops that leave less than
    half of a side are not found.

    Parameters
    ----------
    paths : sequence of Path
    features : ndarray of float, shape (n, features)
        Any backbone's, row by row.
    other_paths, other_features : optional
        A second list: copies are then sought between both, and not within either.
    progress : Progress

    Returns
    -------
    Copies
        A file that cannot be read is recorded, and ends nothing.
    """
    if len(paths) == 0:
        return Copies(pd.DataFrame(columns=_COLUMNS).astype(_TYPES), {}, {})
    first = fingerprint(paths, progress)
    second = None if other_paths is None else fingerprint(other_paths, progress)
    return copies_among(first, features, second, other_features, progress)


def copies_among(
    first: Fingerprinted,
    features: NDArray[np.floating],
    second: Fingerprinted | None = None,
    other_features: NDArray[np.floating] | None = None,
    progress: Progress = SILENT,
) -> Copies:
    """Find copies among images that were read before, or between two lists of them; see `find_copies`.

    Parameters
    ----------
    first, second : Fingerprinted
        As `fingerprint` makes them; the second is optional.
    features, other_features : ndarray of float, shape (n, features)
        Any backbone's, row by row; they are read in blocks.
    progress : Progress
    """
    within = second is None or other_features is None
    short = reduced(features, features[:0] if other_features is None else other_features)
    second = first if second is None else second
    sides = short[0], short[0] if within else short[1]
    exact = _exact(first, second, within=within)
    near = _near((first, second), sides, within=within, progress=progress)
    pairs = pd.concat([exact, near]).sort_values(["image", "other"], ignore_index=True)
    return Copies(pairs.astype(_TYPES), first.failures, {} if within else second.failures)


_TYPES = {"image": "int64", "other": "int64", "kind": "str", "similarity": "float64"} | {
    "mirrored": "bool",
    "scale": "float64",
}


def _exact(first: Fingerprinted, second: Fingerprinted, *, within: bool) -> pd.DataFrame:
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
    fingerprints: tuple[Fingerprinted, Fingerprinted],
    features: tuple[NDArray[np.float32], NDArray[np.float32]],
    *,
    within: bool,
    progress: Progress,
) -> pd.DataFrame:
    """Near copies among the first images of each content."""
    rows = tuple(_firsts(one.contents) for one in fingerprints)
    if not (len(rows[0]) and len(rows[1])):
        return pd.DataFrame(columns=_COLUMNS)
    squares = tuple(one.squares.only(kept) for one, kept in zip(fingerprints, rows, strict=True))
    kept = tuple(one[kept] for one, kept in zip(features, rows, strict=True))
    coder = _coder(squares[:1] if within else squares)
    found = []
    for a, b in ((0, 1),) if within else ((0, 1), (1, 0)):
        candidates = nearest(
            squares[a], squares[b], (kept[a], kept[b]), coder, within=within, progress=progress
        )
        pairs = _confirmed(squares[a], squares[b], candidates, progress)
        pairs["image"], pairs["other"] = rows[a][pairs["image"]], rows[b][pairs["other"]]
        pairs["scale"] = _scale(pairs, fingerprints[a].shapes, fingerprints[b].shapes)
        found.append(pairs if a == 0 else _turned(pairs))
    every = pd.concat(found)
    if within:
        later = every["image"] > every["other"]
        every = pd.concat([every[~later], _turned(every[later])])
    best = every.sort_values("similarity", ascending=False, kind="stable").drop_duplicates(["image", "other"])
    every = best if within else _with_equals(best, fingerprints)
    contents = [
        [one.contents[row] for row in every[name]]
        for one, name in zip(fingerprints, _COLUMNS[:2], strict=True)
    ]
    return every.loc[[a != b for a, b in zip(*contents, strict=True)], _COLUMNS]


def _with_equals(pairs: pd.DataFrame, fingerprints: tuple[Fingerprinted, Fingerprinted]) -> pd.DataFrame:
    """Add the pairs of images whose pixels equal those of one that was compared."""
    more = [pairs]
    for name, one in zip(_COLUMNS[:2], fingerprints, strict=True):
        equals = pd.DataFrame({"content": one.contents, "equal": np.arange(len(one.contents))})
        known = pairs.assign(content=[one.contents[row] for row in pairs[name]]).merge(equals, on="content")
        more.append(known.assign(**{name: known["equal"]})[list(pairs.columns)])
    return pd.concat(more).drop_duplicates(["image", "other"])


def _firsts(contents: Sequence[str]) -> NDArray[np.int64]:
    first = {content: row for row, content in reversed(list(enumerate(contents))) if content}
    return np.array(sorted(first.values()), np.int64)


def _coder(sides: Sequence[Picked]) -> Coder:
    """Learn from a sample of both sides together."""
    rows = sample(sum(map(len, sides)))
    ends = np.cumsum([0, *map(len, sides)])
    parts = [rows[(rows >= low) & (rows < high)] - low for low, high in pairwise(ends)]
    return Coder.learnt(np.concatenate([side.take(part) for side, part in zip(sides, parts, strict=True)]))


def _confirmed(wholes: Picked, others: Picked, candidates: Candidates, progress: Progress) -> pd.DataFrame:
    def shown(part: slice) -> NDArray[np.uint8]:
        squares = wholes.take(candidates.whole[part])
        return np.where(candidates.mirrored[part, None, None], squares[:, :, ::-1], squares)

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
    """Pixels of the whole for one of the window's, along an edge: mean of rows and columns."""
    seen = other_shapes[pairs["other"]] * pairs[["height", "width"]].to_numpy()
    ratios: NDArray[np.float64] = np.sqrt((shapes[pairs["image"]] / seen).prod(axis=1))
    return ratios


def _turned(pairs: pd.DataFrame) -> pd.DataFrame:
    """Name the other image first."""
    return pairs.assign(image=pairs["other"], other=pairs["image"], scale=1 / pairs["scale"])
