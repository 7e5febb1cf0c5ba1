"""What is kept of each image while copies are sought: two hashes and a small square."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import RadiographError
from hilum.executor import LOCAL
from hilum.files import hash_bytes
from hilum.progress import SILENT, Progress
from hilum.radiograph import decode, read_content

__all__ = [
    "SIDE",
    "Fingerprinted",
    "Fingerprints",
    "Picked",
    "Squares",
    "detail",
    "fingerprint",
    "shrunk",
    "window_axes",
]


Squares = NDArray[np.float32]
"""Shape (n, side, side)."""

_FLOOR = 2.0
"""Gray values of 255: what varies less than this around a pixel is noise, and is left faint."""


def shrunk(squares: NDArray[np.uint8], side: int) -> Squares:
    """Reduce squares by a whole factor, by means; the values stay in [0, 255]."""
    factor = squares.shape[-1] // side
    rows = np.add.reduce([squares[:, start::factor] for start in range(factor)], dtype=np.uint32)
    both = np.add.reduce([rows[:, :, start::factor] for start in range(factor)])  # exact, and fast
    result: Squares = np.divide(both, factor * factor, dtype=np.float32)
    return result


def detail(squares: Squares, fine: float, coarse: float) -> Squares:
    """Keep the detail between two Gaussian widths in pixels, and make it alike strong everywhere.

    Brightness, contrast and gamma of the image leave almost no trace in it.
    """
    wide = _gaussian(squares.shape[-1], coarse)
    narrow = _gaussian(squares.shape[-1], fine)
    band = _both(narrow, squares) - _both(wide, squares)
    strength = np.sqrt(np.maximum(_both(wide, band * band), 0)) + np.float32(_FLOOR)
    result: Squares = np.divide(band, strength, dtype=np.float32)
    return result


def _both(matrix: NDArray[np.float32], squares: Squares) -> Squares:
    """Apply a matrix along rows and columns."""
    result: Squares = np.matmul(np.matmul(matrix, squares), matrix.T)
    return result


def window_axes(start: NDArray[np.floating], stop: NDArray[np.floating], size: int, side: int) -> Squares:
    """Return matrices that resample one axis of a square to a window of it.

    Parameters
    ----------
    start, stop : ndarray of float, shape (n,)
        Ends of the window, as shares of the side; beyond 0 and 1 the edge is repeated.
    size : int
        Pixels of the result.
    side : int
        Pixels of the square.

    Returns
    -------
    ndarray of float32, shape (n, size, side)
        Triangle filters as wide as a pixel of the result, or of the square where that is wider.
    """
    width = np.maximum((stop - start) * side / size, 1)
    places = (np.arange(size) + 0.5) / size
    centres = ((start[:, None] + (stop - start)[:, None] * places) * side - 0.5).clip(0, side - 1)
    weights: Squares = np.subtract(np.arange(side, dtype=np.float32), centres[:, :, None], dtype=np.float32)
    np.abs(weights, out=weights)
    weights *= (-1 / width).astype(np.float32)[:, None, None]
    weights += 1
    np.maximum(weights, 0, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


@cache
def _gaussian(side: int, width: float) -> NDArray[np.float32]:
    places = np.arange(side)
    weights = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    result: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


SIDE = 128
"""Of a square in pixels: enough for ribs and vessels, 16 kB an image."""

_IN_MEMORY = 2**26
"""Bytes: 4,096 images."""
_BYTES = SIDE * SIDE


class Fingerprints:
    """Squares that are put down one by one, and taken by their places.

    Memory does not grow with their number. Threads may take squares at the same time.

    Examples
    --------
    >>> store = Fingerprints()
    >>> for gray in (0, 7, 9):
    ...     store.put(np.full((SIDE, SIDE), gray, np.uint8))
    >>> store.take(np.array([2, 0, 1]))[:, 0, 0].tolist()
    [9, 0, 7]
    >>> store.only(np.array([1, 2])).take(slice(None))[:, 0, 0].tolist()
    [7, 9]
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (closed with the store)
        self._lock = Lock()
        self._count = 0
        weakref.finalize(self, self._file.close)

    def put(self, square: NDArray[np.uint8]) -> None:
        """Add a square, uint8 (SIDE, SIDE)."""
        with self._lock:
            self._file.seek(self._count * _BYTES)
            self._file.write(square.tobytes())
            self._count += 1

    def take(self, which: NDArray[np.integer] | slice) -> NDArray[np.uint8]:
        """Return squares, uint8 (n, SIDE, SIDE)."""
        places = np.arange(self._count)[which]
        result = np.empty((len(places), SIDE, SIDE), np.uint8)
        for square, place in zip(result, places.tolist(), strict=True):
            square[:] = self._read(place)
        return result

    def only(self, rows: NDArray[np.integer]) -> Picked:
        """Return some of the squares, numbered anew."""
        return Picked(self, rows)

    def __len__(self) -> int:
        return self._count

    def _read(self, place: int) -> NDArray[np.uint8]:
        with self._lock:
            self._file.seek(place * _BYTES)
            return np.frombuffer(self._file.read(_BYTES), np.uint8).reshape(SIDE, SIDE)


@dataclass(frozen=True, eq=False)
class Picked:
    """Some squares of a store.

    Parameters
    ----------
    store : Fingerprints
    rows : ndarray of int, shape (n,)
        Places on the store.
    """

    store: Fingerprints
    rows: NDArray[np.integer]

    def take(self, which: NDArray[np.integer] | slice) -> NDArray[np.uint8]:
        """Return squares, uint8 (n, SIDE, SIDE)."""
        return self.store.take(self.rows[which])

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Fingerprinted:
    """Fingerprinted of images, row by row.

    Parameters
    ----------
    files, contents : tuple of str
        Hashes of the bytes, and of the pixels with their size; empty where the image failed.
    squares : Fingerprints
        The whole image, stretched; 0 where it failed.
    shapes : ndarray of int, shape (n, 2)
        Rows and columns of the image; 0 where it failed.
    failures : dict of int to RadiographError
        Why rows failed.
    """

    files: tuple[str, ...]
    contents: tuple[str, ...]
    squares: Fingerprints
    shapes: NDArray[np.int64]
    failures: dict[int, RadiographError]


def fingerprint(paths: Sequence[Path], progress: Progress = SILENT) -> Fingerprinted:
    """Read images and fingerprint them; one that cannot be read is recorded, and ends nothing.

    Parameters
    ----------
    paths : sequence of Path
    progress : Progress
    """
    files, contents = [""] * len(paths), [""] * len(paths)
    squares = Fingerprints()
    shapes = np.zeros((len(paths), 2), np.int64)
    failures: dict[int, RadiographError] = {}
    done = progress.track(LOCAL.map(_fingerprinted, paths), what="Reading images", total=len(paths))
    for row, found in enumerate(done):
        if isinstance(found, RadiographError):
            failures[row] = found
            squares.put(np.zeros((SIDE, SIDE), np.uint8))
        else:
            files[row], contents[row], square, shapes[row] = found
            squares.put(square)
    return Fingerprinted(tuple(files), tuple(contents), squares, shapes, failures)


def _fingerprinted(path: Path) -> tuple[str, str, NDArray[np.uint8], tuple[int, int]] | RadiographError:
    try:
        content = read_content(path)
        pixels = decode(content, path).pixels
    except RadiographError as error:
        return error
    rows, columns = pixels.shape
    pixel_hash = hash_bytes(f"{rows} {columns}".encode(), pixels.tobytes())
    small = Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR
    )
    return hash_bytes(content), pixel_hash, np.asarray(small), (rows, columns)
