"""Registration of pairs of images: the whole of one against a window of the other.

The window is shifted and stretched, rows and columns separately, until both agree best (Gauss-Newton on the
detail, coarse to fine). Different radiographs agree in the coarse anatomy; only copies agree in fine detail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.cohort.duplicates.fingerprints import Images, detail, resampling_matrices, shrink
from hilum.executor import LOCAL
from hilum.progress import SILENT, Progress

__all__ = ["Aligned", "align"]

Windows = NDArray[np.float64]


class _Stage(NamedTuple):
    """Images of `side` pixels, detail between two widths; a pair less similar than `least` is rejected."""

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
_BLOCKS = 8  # along a side
_MIN_TEXTURE = 0.25  # mean squared detail of a block that counts
_QUANTILE = 0.25  # over the blocks: copies agree nearly everywhere, but a label may cover a part
_BATCH = 64
_MAX_OUTSIDE = 0.1  # how far a window may reach beyond the image, for both may be cropped
_MIN_EXTENT = 1 / 3
_DAMPING = 1e-2


@dataclass(frozen=True, eq=False)
class Aligned:
    """How well pairs agree, and where.

    `similarity` (pairs,) is the correlation of the fine detail, up to 1: the lower quartile over the blocks
    of the image; 0 if the pair was rejected on coarser detail. `windows` (pairs, 4) holds top, bottom, left
    and right of the whole image within the other, as fractions of the other's side.
    """

    similarity: NDArray[np.float32]
    windows: Windows


def align(
    wholes: Callable[[slice], NDArray[np.uint8]],
    others: Callable[[slice], NDArray[np.uint8]],
    windows: Windows,
    progress: Progress = SILENT,
) -> Aligned:
    """Register whole images with windows of others, starting at `windows` (pairs, 4), and compare them.

    `wholes` and `others` return the thumbnails of a slice of the pairs, uint8 (pairs, SIDE, SIDE), so that
    not all are in memory.
    """
    batches = range(0, len(windows), _BATCH)
    parts = [slice(start, start + _BATCH) for start in batches]
    found = LOCAL.map(lambda part: _aligned(wholes(part), others(part), windows[part]), parts)
    with threadpool_limits(1, user_api="blas"):  # each thread has its own batch
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
        target = detail(shrink(wholes[rows], stage.side), stage.fine, stage.coarse)
        other = shrink(others[rows], stage.side)
        windows[rows] = _refined(target, other, windows[rows], stage)
        similarity[rows] = _agreement(target, _cut(other, windows[rows], stage))
        rejected = similarity[rows] < stage.least
        similarity[rows[rejected]] = 0
        rows = rows[~rejected]
        if not len(rows):
            break
    return Aligned(similarity, windows)


def _cut(images: Images, windows: Windows, stage: _Stage) -> Images:
    rows = resampling_matrices(windows[:, 0], windows[:, 1], stage.side, images.shape[-1])
    columns = resampling_matrices(windows[:, 2], windows[:, 3], stage.side, images.shape[-1])
    cut: Images = np.matmul(np.matmul(rows, images), columns.transpose(0, 2, 1))
    return detail(cut, stage.fine, stage.coarse)


def _refined(target: Images, images: Images, windows: Windows, stage: _Stage) -> Windows:
    along = ((np.arange(stage.side) + 0.5) / stage.side).astype(np.float32)
    for _ in range(stage.steps):
        found = _cut(images, windows, stage)
        down, across = np.gradient(found, axis=(1, 2))
        column = along[:, None]
        ends = (down * (1 - column), down * column, across * (1 - along), across * along)
        slopes = np.stack([end.reshape(len(found), -1) for end in ends], axis=1)
        pixels = _solved(slopes, (target - found).reshape(len(found), -1, 1))
        extent = np.repeat(windows[:, 1::2] - windows[:, 0::2], 2, axis=1)
        windows = (windows + pixels.clip(-3, 3) / stage.side * extent).clip(-_MAX_OUTSIDE, 1 + _MAX_OUTSIDE)
        windows = _widened(windows)
    return windows


def _solved(slopes: NDArray[np.float32], missing: NDArray[np.float32]) -> NDArray[np.float64]:
    """Solve damped least squares for how far each end must move, in pixels."""
    normal = (slopes @ slopes.transpose(0, 2, 1)).astype(np.float64)
    damping = _DAMPING * np.trace(normal, axis1=1, axis2=2) / 4 + 1e-6
    normal += damping[:, None, None] * np.eye(4)
    result: NDArray[np.float64] = np.linalg.solve(normal, slopes @ missing)[:, :, 0]
    return result


def _widened(windows: Windows) -> Windows:
    """Widen windows that are too narrow to compare."""
    centre = (windows[:, 0::2] + windows[:, 1::2]) / 2
    half = np.maximum((windows[:, 1::2] - windows[:, 0::2]) / 2, _MIN_EXTENT / 2)
    return np.stack([centre - half, centre + half], axis=2).reshape(len(windows), 4)


def _agreement(target: Images, found: Images) -> NDArray[np.float32]:
    """Lower quartile of the correlation over blocks, except those where neither image has texture."""
    products = [_block_sums(a * b) for a, b in ((target, found), (target, target), (found, found))]
    both, first, second = products
    size = (target.shape[-1] // _BLOCKS) ** 2
    textured = np.maximum(first, second) > _MIN_TEXTURE * size
    correlation = both / np.sqrt(np.maximum(first * second, 1e-6))
    count = textured.sum(axis=1)
    ordered = np.sort(np.where(textured, correlation, 2), axis=1)
    position = _QUANTILE * np.maximum(count - 1, 0)
    below = position.astype(np.intp)
    ends = [ordered[np.arange(len(ordered)), np.minimum(at, count - 1)] for at in (below, below + 1)]
    quantile = ends[0] + (position - below) * (ends[1] - ends[0])
    result: NDArray[np.float32] = np.where(count, quantile, 0).astype(np.float32)
    return result


def _block_sums(values: Images) -> NDArray[np.float32]:
    within = np.repeat(np.eye(_BLOCKS, dtype=np.float32), values.shape[-1] // _BLOCKS, axis=1)
    result: NDArray[np.float32] = np.matmul(np.matmul(within, values), within.T).reshape(len(values), -1)
    return result
