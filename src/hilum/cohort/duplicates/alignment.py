"""Whether two images are one: the whole of one laid over a window of the other, and compared in detail.

The window is moved and stretched, rows and columns each for themselves, until both agree best (Gauss-Newton
on the detail, coarse to fine). Films of one patient, or of two, agree in what all chests share; the fine
detail agrees in copies alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.cohort.duplicates.fingerprint import Squares, detail, shrunk, window_axes
from hilum.executor import LOCAL
from hilum.progress import SILENT, Progress

__all__ = ["Aligned", "align"]


Windows = NDArray[np.float64]


class _Stage(NamedTuple):
    """Squares of `side` pixels, detail between two widths; a pair less alike than `least` goes no further."""

    side: int
    fine: float
    coarse: float
    steps: int
    least: float


_STAGES = (
    _Stage(side=32, fine=1.0, coarse=4.0, steps=3, least=0.87),
    _Stage(side=64, fine=1.0, coarse=4.0, steps=3, least=0.8),
    _Stage(side=128, fine=0.7, coarse=2.0, steps=2, least=0.0),
)
_BLOCKS = 8
_TEXTURE = 0.25
_LOW = 0.25
"""Quantile over the parts: a copy agrees nearly everywhere, and a label that covers a part may differ."""
_BATCH = 64
_OUTSIDE = 0.1
"""How far a window may reach beyond the image, where both were cropped."""
_NARROWEST = 1 / 3
_DAMPING = 1e-2


@dataclass(frozen=True, eq=False)
class Aligned:
    """How well pairs agree, and where.

    Parameters
    ----------
    similarity : ndarray of float32, shape (pairs,)
        Correlation of the fine detail, up to 1: the lower quartile over the parts of the
        image; 0 where coarser detail already told them apart.
    windows : ndarray of float64, shape (pairs, 4)
        Top, bottom, left and right of what the whole image shows, as shares of the other image's side.
    """

    similarity: NDArray[np.float32]
    windows: Windows


def align(
    wholes: Callable[[slice], NDArray[np.uint8]],
    others: Callable[[slice], NDArray[np.uint8]],
    windows: Windows,
    progress: Progress = SILENT,
) -> Aligned:
    """Lay whole images over windows of others, and compare them.

    Parameters
    ----------
    wholes, others : callable
        Give the squares of some pairs, uint8 (pairs, SIDE, SIDE), so that never all are held.
    windows : ndarray of float64, shape (pairs, 4)
        Where to begin.
    progress : Progress
    """
    batches = range(0, len(windows), _BATCH)
    parts = [slice(start, start + _BATCH) for start in batches]
    found = LOCAL.map(lambda part: _aligned(wholes(part), others(part), windows[part]), parts)
    with threadpool_limits(1, user_api="blas"):  # threads take batches; the products are small
        done = list(progress.track(found, what="Comparing pairs of images", total=len(parts)))
    return Aligned(
        np.concatenate([np.zeros(0, np.float32), *(one.similarity for one in done)]),
        np.concatenate([np.zeros((0, 4)), *(one.windows for one in done)]),
    )


def _aligned(wholes: NDArray[np.uint8], others: NDArray[np.uint8], windows: Windows) -> Aligned:
    windows = windows.astype(np.float64)
    similarity = np.zeros(len(windows), np.float32)
    rows = np.arange(len(windows))
    for stage in _STAGES:
        target = detail(shrunk(wholes[rows], stage.side), stage.fine, stage.coarse)
        other = shrunk(others[rows], stage.side)
        windows[rows] = _refined(target, other, windows[rows], stage)
        similarity[rows] = _agreement(target, _cut(other, windows[rows], stage))
        rejected = similarity[rows] < stage.least
        similarity[rows[rejected]] = 0
        rows = rows[~rejected]
        if not len(rows):
            break
    return Aligned(similarity, windows)


def _cut(squares: Squares, windows: Windows, stage: _Stage) -> Squares:
    rows = window_axes(windows[:, 0], windows[:, 1], stage.side, squares.shape[-1])
    columns = window_axes(windows[:, 2], windows[:, 3], stage.side, squares.shape[-1])
    cut: Squares = np.matmul(np.matmul(rows, squares), columns.transpose(0, 2, 1))
    return detail(cut, stage.fine, stage.coarse)


def _refined(target: Squares, squares: Squares, windows: Windows, stage: _Stage) -> Windows:
    along = ((np.arange(stage.side) + 0.5) / stage.side).astype(np.float32)
    for _ in range(stage.steps):
        found = _cut(squares, windows, stage)
        down, across = np.gradient(found, axis=(1, 2))
        column = along[:, None]
        ends = (down * (1 - column), down * column, across * (1 - along), across * along)
        slopes = np.stack([end.reshape(len(found), -1) for end in ends], axis=1)
        pixels = _solved(slopes, (target - found).reshape(len(found), -1, 1))
        extent = np.repeat(windows[:, 1::2] - windows[:, 0::2], 2, axis=1)
        windows = (windows + pixels.clip(-3, 3) / stage.side * extent).clip(-_OUTSIDE, 1 + _OUTSIDE)
        windows = _open(windows)
    return windows


def _solved(slopes: NDArray[np.float32], missing: NDArray[np.float32]) -> NDArray[np.float64]:
    """Damped least squares: how far each end must move, in pixels."""
    normal = (slopes @ slopes.transpose(0, 2, 1)).astype(np.float64)
    damping = _DAMPING * np.trace(normal, axis1=1, axis2=2) / 4 + 1e-6
    normal += damping[:, None, None] * np.eye(4)
    result: NDArray[np.float64] = np.linalg.solve(normal, slopes @ missing)[:, :, 0]
    return result


def _open(windows: Windows) -> Windows:
    """Keep every window wide enough to compare."""
    middle = (windows[:, 0::2] + windows[:, 1::2]) / 2
    half = np.maximum((windows[:, 1::2] - windows[:, 0::2]) / 2, _NARROWEST / 2)
    return np.stack([middle - half, middle + half], axis=2).reshape(len(windows), 4)


def _agreement(target: Squares, found: Squares) -> NDArray[np.float32]:
    """Lower quartile over blocks of the correlation; where neither image shows anything does not count."""
    products = [_block_sums(a * b) for a, b in ((target, found), (target, target), (found, found))]
    both, first, second = products
    size = (target.shape[-1] // _BLOCKS) ** 2
    textured = np.maximum(first, second) > _TEXTURE * size
    correlation = both / np.sqrt(np.maximum(first * second, 1e-6))
    count = textured.sum(axis=1)
    ordered = np.sort(np.where(textured, correlation, 2), axis=1)
    place = _LOW * np.maximum(count - 1, 0)
    below = place.astype(np.intp)
    ends = [ordered[np.arange(len(ordered)), np.minimum(at, count - 1)] for at in (below, below + 1)]
    quantile = ends[0] + (place - below) * (ends[1] - ends[0])
    result: NDArray[np.float32] = np.where(count, quantile, 0).astype(np.float32)
    return result


def _block_sums(values: Squares) -> NDArray[np.float32]:
    within = np.repeat(np.eye(_BLOCKS, dtype=np.float32), values.shape[-1] // _BLOCKS, axis=1)
    result: NDArray[np.float32] = np.matmul(np.matmul(within, values), within.T).reshape(len(values), -1)
    return result
