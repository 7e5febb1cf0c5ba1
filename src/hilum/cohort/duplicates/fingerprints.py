"""Fingerprints of images, each two hashes and a thumbnail, and the filters that compare thumbnails."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import RadiographError
from hilum.executor import LOCAL
from hilum.files import hash_bytes
from hilum.progress import SILENT, Progress
from hilum.radiograph import Radiograph, decode, read_content

__all__ = [
    "SIDE",
    "FingerprintCollector",
    "Fingerprints",
    "Images",
    "ThumbnailStore",
    "Thumbnails",
    "detail",
    "fingerprint",
    "fingerprint_of",
    "resampling_matrices",
    "shrink",
]

SIDE = 128
"""Side of a thumbnail in pixels: enough for ribs and vessels, 16 kB an image."""

Images = NDArray[np.float32]
"""Square images, shape (n, side, side)."""

_THUMBNAIL_BYTES = SIDE * SIDE
_MAX_BYTES_IN_MEMORY = 2**26  # 4,096 thumbnails
_NOISE = 2.0  # of 255 gray values: where an image varies less than this, its detail stays faint


class ThumbnailStore:
    """Thumbnails on disk beyond 64 MiB, appended one by one and read by position, also by several threads.

    Examples
    --------
    >>> store = ThumbnailStore()
    >>> for gray in (0, 7, 9):
    ...     store.append(np.full((SIDE, SIDE), gray, np.uint8))
    >>> store.select(np.array([2, 1])).take(slice(None))[:, 0, 0].tolist()
    [9, 7]
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_MAX_BYTES_IN_MEMORY)  # noqa: SIM115  (closed with the store)
        self._lock = Lock()
        self._count = 0
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._count

    def append(self, thumbnail: NDArray[np.uint8]) -> None:
        """Add a thumbnail, uint8 (SIDE, SIDE)."""
        with self._lock:
            self._file.seek(self._count * _THUMBNAIL_BYTES)
            self._file.write(thumbnail.tobytes())
            self._count += 1

    def take(self, rows: NDArray[np.integer] | slice) -> NDArray[np.uint8]:
        """Read thumbnails, uint8 (n, SIDE, SIDE)."""
        positions = np.arange(self._count)[rows].tolist()
        result = np.empty((len(positions), SIDE, SIDE), np.uint8)
        for thumbnail, position in zip(result, positions, strict=True):
            with self._lock:
                self._file.seek(position * _THUMBNAIL_BYTES)
                content = self._file.read(_THUMBNAIL_BYTES)
            thumbnail[:] = np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)
        return result

    def select(self, rows: NDArray[np.integer]) -> Thumbnails:
        """Return a view of some of the thumbnails, with positions of its own."""
        return Thumbnails(self, rows)


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Some thumbnails of a store, at the positions `rows`."""

    store: ThumbnailStore
    rows: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: NDArray[np.integer] | slice) -> NDArray[np.uint8]:
        """Read thumbnails, uint8 (n, SIDE, SIDE)."""
        return self.store.take(self.rows[rows])

    def select(self, rows: NDArray[np.integer]) -> Thumbnails:
        """Return a view of some of these thumbnails."""
        return Thumbnails(self.store, self.rows[rows])


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Fingerprints of images, row by row; empty or 0 where an image is unreadable."""

    files: tuple[str, ...]  # hashes of the bytes
    contents: tuple[str, ...]  # hashes of the pixels and their shape
    thumbnails: ThumbnailStore | Thumbnails  # the whole images, stretched to squares
    shapes: NDArray[np.int64]  # (n, 2)
    failures: dict[int, RadiographError]  # why rows are unreadable

    def select(self, rows: NDArray[np.integer]) -> Fingerprints:
        """Return the fingerprints of some rows, in their order."""
        return Fingerprints(
            tuple(self.files[row] for row in rows),
            tuple(self.contents[row] for row in rows),
            self.thumbnails.select(rows),
            self.shapes[rows],
            {new: self.failures[row] for new, row in enumerate(rows.tolist()) if row in self.failures},
        )


def fingerprint(paths: Sequence[Path], progress: Progress = SILENT) -> Fingerprints:
    """Read and fingerprint images; an unreadable one is recorded as a failure."""
    collector = FingerprintCollector()
    failures: dict[int, RadiographError] = {}
    done = progress.track(LOCAL.map(_read_fingerprint, paths), what="Reading images", total=len(paths))
    for row, found in enumerate(done):
        if isinstance(found, RadiographError):
            failures[row] = found
            collector.keep("", _MISSING)
        else:
            collector.keep(*found)
    return collector.fingerprints(failures)


def _read_fingerprint(path: Path) -> tuple[str, Fingerprint] | RadiographError:
    try:
        content = read_content(path)
        return hash_bytes(content), fingerprint_of(decode(content, path))
    except RadiographError as error:
        return error


class Fingerprint(NamedTuple):
    """One image: hash of its pixels and shape, thumbnail uint8 (SIDE, SIDE), and its rows and columns."""

    content: str
    thumbnail: NDArray[np.uint8]
    shape: tuple[int, int]


_MISSING = Fingerprint("", np.zeros((SIDE, SIDE), np.uint8), (0, 0))


def fingerprint_of(radiograph: Radiograph) -> Fingerprint:
    """Fingerprint a radiograph that was decoded at full size."""
    pixels = radiograph.pixels
    rows, columns = pixels.shape
    pixel_hash = hash_bytes(f"{rows} {columns}".encode(), pixels.tobytes())
    gray = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    thumbnail = gray.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return Fingerprint(pixel_hash, np.asarray(thumbnail), (rows, columns))


class FingerprintCollector:
    """Collects fingerprints in the order of the rows."""

    def __init__(self) -> None:
        self._thumbnails = ThumbnailStore()
        self._files: list[str] = []
        self._contents: list[str] = []
        self._shapes: list[tuple[int, int]] = []

    def keep(self, file: str, found: Fingerprint) -> None:
        """Append an image; `file` is the hash of its bytes."""
        self._thumbnails.append(found.thumbnail)
        self._files.append(file)
        self._contents.append(found.content)
        self._shapes.append(found.shape)

    def fingerprints(self, failures: dict[int, RadiographError] | None = None) -> Fingerprints:
        """Return all fingerprints; `failures` names the rows that have none."""
        shapes = np.array(self._shapes, np.int64).reshape(-1, 2)
        return Fingerprints(
            tuple(self._files), tuple(self._contents), self._thumbnails, shapes, failures or {}
        )


def shrink(images: NDArray[np.uint8], side: int) -> Images:
    """Average blocks of pixels, down to `side`, which divides the images' side; values stay in [0, 255]."""
    factor = images.shape[-1] // side
    rows = np.add.reduce([images[:, start::factor] for start in range(factor)], dtype=np.uint32)
    both = np.add.reduce([rows[:, :, start::factor] for start in range(factor)])  # exact, and fast
    result: Images = np.divide(both, factor * factor, dtype=np.float32)
    return result


def detail(images: Images, fine: float, coarse: float) -> Images:
    """Keep the detail between two Gaussian widths in pixels, normalised to equal strength everywhere.

    The result hardly depends on the images' brightness, contrast and gamma.
    """
    wide = _gaussian(images.shape[-1], coarse)
    narrow = _gaussian(images.shape[-1], fine)
    band = _filtered(narrow, images) - _filtered(wide, images)
    strength = np.sqrt(np.maximum(_filtered(wide, band * band), 0)) + np.float32(_NOISE)
    result: Images = np.divide(band, strength, dtype=np.float32)
    return result


def _filtered(matrix: NDArray[np.float32], images: Images) -> Images:
    """Apply a matrix along rows and columns."""
    result: Images = np.matmul(np.matmul(matrix, images), matrix.T)
    return result


@cache
def _gaussian(side: int, width: float) -> NDArray[np.float32]:
    pixels = np.arange(side)
    weights = np.exp(-0.5 * ((pixels[:, None] - pixels) / width) ** 2)
    result: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def resampling_matrices(
    start: NDArray[np.floating], stop: NDArray[np.floating], size: int, side: int
) -> Images:
    """Return matrices (n, size, side) that resample one axis of an image of `side` pixels to a window of it.

    `start` and `stop` (n,) are the window's ends as fractions of the side; beyond 0 and 1 the edge is
    repeated. The filters are triangles as wide as a pixel of the result or of the image, whichever is
    wider.
    """
    width = np.maximum((stop - start) * side / size, 1)
    pixels = (np.arange(size) + 0.5) / size
    centres = ((start[:, None] + (stop - start)[:, None] * pixels) * side - 0.5).clip(0, side - 1)
    weights: Images = np.subtract(np.arange(side, dtype=np.float32), centres[:, :, None], dtype=np.float32)
    np.abs(weights, out=weights)
    weights *= (-1 / width).astype(np.float32)[:, None, None]
    weights += 1
    np.maximum(weights, 0, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights
