"""Squares of many images, in memory while they are few, and in a temporary file from then on."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from threading import Lock

import numpy as np
from numpy.typing import NDArray

__all__ = ["SIDE", "Picked", "Shelf"]

SIDE = 128
"""Of a square in pixels: enough for ribs and vessels, 16 kB an image."""

_IN_MEMORY = 2**26
"""Bytes: 4,096 images."""
_BYTES = SIDE * SIDE


class Shelf:
    """Squares that are put down one by one, and taken by their places.

    Memory does not grow with their number. Threads may take squares at the same time.

    Examples
    --------
    >>> shelf = Shelf()
    >>> for gray in (0, 7, 9):
    ...     shelf.put(np.full((SIDE, SIDE), gray, np.uint8))
    >>> shelf.take(np.array([2, 0, 1]))[:, 0, 0].tolist()
    [9, 0, 7]
    >>> shelf.only(np.array([1, 2])).take(slice(None))[:, 0, 0].tolist()
    [7, 9]
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (closed with the shelf)
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
    """Some squares of a shelf.

    Parameters
    ----------
    shelf : Shelf
    rows : ndarray of int, shape (n,)
        Places on the shelf.
    """

    shelf: Shelf
    rows: NDArray[np.integer]

    def take(self, which: NDArray[np.integer] | slice) -> NDArray[np.uint8]:
        """Return squares, uint8 (n, SIDE, SIDE)."""
        return self.shelf.take(self.rows[which])

    def __len__(self) -> int:
        return len(self.rows)
