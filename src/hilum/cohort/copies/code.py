"""Short codes of images' detail: alike for the whole of a cropped copy and a window of its original."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from hilum.cohort.copies.square import Squares, detail, shrunk, window_axes

__all__ = ["WINDOWS", "Coder", "sample"]

_SIDE = 64
_GRAIN = 16
_BAND = (1.0, 4.0)
_CUTS = (0.0, 0.08, 0.16, 0.25, 0.35)
_MOST_CUT = 0.46
_LENGTH = 64
_MOST_FITTED = 200
_CROPS_EACH, _FEWEST_CROPS, _MOST_CROPS = 24, 300, 2400
_RIDGE = 1e-3
"""Share of the mean variance that is added to each axis: few images leave most axes without any."""
_BATCH = 256
_GAMMA, _CONTRAST = (0.65, 1.5), (0.6, 1.4)
"""By how much copies differ in their grays."""

_SPANS = np.array([(low, 1 - high) for low in _CUTS for high in _CUTS if low + high <= _MOST_CUT])
WINDOWS = np.array([(*rows, *columns) for rows in _SPANS for columns in _SPANS])
"""Top, bottom, left and right of every window, as shares of the side: float64 (windows, 4)."""


@dataclass(frozen=True, eq=False)
class Coder:
    """From detail to codes: numbers in which copies agree, and other images of the cohort do not.

    Parameters
    ----------
    mean : ndarray of float32, shape (grains,)
    axes : ndarray of float32, shape (grains, length)
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]

    @classmethod
    def learnt(cls, squares: NDArray[np.uint8]) -> Coder:
        """Learn what tells images apart, from a sample of them.

        Copies are made of the sample, cropped between the windows and with other grays. By their difference
        from the nearest window, and by the spread of all, the axes are chosen on which copies differ least
        for how much images do, and scaled to the same spread (linear discriminant analysis, Fisher 1936).

        Parameters
        ----------
        squares : ndarray of uint8, shape (n, SIDE, SIDE)
            As `sample` chooses them.
        """
        with threadpool_limits(1, user_api="blas"):  # the products are small
            copies, windows = _pairs(squares, np.random.default_rng(0))
            both = np.concatenate([copies, windows])
            mean = both.mean(axis=0)
            apart, spread = copies - windows, both - mean
            within = _steadied(apart.T @ apart / (2 * len(apart)))
            ratios, axes = eigh(_steadied(spread.T @ spread / len(spread)), within)
        kept = slice(None, -_LENGTH - 1, -1)
        return cls(mean, (axes[:, kept] / np.sqrt(ratios[kept])).astype(np.float32))

    def wholes(self, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return codes of whole images, of unit length: (n, length)."""
        return self._coded(_grains(squares, _SPANS[:1]))[:, 0]

    def windows(self, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return codes of all windows, of unit length: (n, windows, length)."""
        return self._coded(_grains(squares))

    def _coded(self, grains: Squares) -> NDArray[np.float32]:
        codes: NDArray[np.float32] = grains @ self.axes
        codes -= self.mean @ self.axes
        codes /= np.linalg.norm(codes, axis=-1, keepdims=True) + np.float32(1e-9)
        return codes


def sample(n: int) -> NDArray[np.intp]:
    """Choose the rows of `n` that a coder learns from, evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, _MOST_FITTED)).round().astype(np.intp))


def _steadied(covariance: NDArray[np.floating]) -> NDArray[np.float64]:
    ridge = _RIDGE * np.trace(covariance) / len(covariance) + 1e-6
    result: NDArray[np.float64] = covariance.astype(np.float64) + ridge * np.eye(len(covariance))
    return result


def _pairs(squares: NDArray[np.uint8], rng: np.random.Generator) -> tuple[Squares, Squares]:
    """Grains of copies, and of the window of their original that is nearest."""
    count = min(max(_CROPS_EACH * len(squares), _FEWEST_CROPS), _MOST_CROPS)
    rows = np.arange(count) % len(squares)
    cut, share = rng.uniform(0, _MOST_CUT, (count, 2)), rng.uniform(0, 1, (count, 2))
    ends = np.stack([cut * share, 1 - cut * (1 - share)], axis=2).reshape(-1, 4)
    gamma, contrast = (rng.uniform(*span, (count, 1, 1)).astype(np.float32) for span in (_GAMMA, _CONTRAST))
    copies, windows = [], []
    for start in range(0, count, _BATCH):
        part = slice(start, start + _BATCH)
        originals = squares[rows[part]]
        grays = (_resampled(originals.astype(np.float32), ends[part], _SIDE) / 255).clip(0, 1)
        changed = (contrast[part] * (255 * grays ** gamma[part] - 128) + 128).clip(0, 255)
        everything = np.tile(WINDOWS[0], (len(originals), 1))
        nearest = WINDOWS[np.abs(ends[part, None] - WINDOWS).max(axis=-1).argmin(axis=1)]
        copies.append(_resampled(detail(changed, *_BAND), everything, _GRAIN))
        windows.append(_resampled(detail(shrunk(originals, _SIDE), *_BAND), nearest, _GRAIN))
    flat = (np.concatenate(grains).reshape(count, -1) for grains in (copies, windows))
    return next(flat), next(flat)


def _resampled(squares: Squares, windows: NDArray[np.float64], size: int) -> Squares:
    """One window of each square, (n, size, size)."""
    side = squares.shape[-1]
    rows = window_axes(windows[:, 0], windows[:, 1], size, side)
    columns = window_axes(windows[:, 2], windows[:, 3], size, side)
    result: Squares = np.matmul(np.matmul(rows, squares), columns.transpose(0, 2, 1))
    return result


def _grains(squares: NDArray[np.uint8], spans: NDArray[np.float64] = _SPANS) -> Squares:
    """Windows of each image's detail, every span of rows by every span of columns: (n, windows, grains)."""
    fine = detail(shrunk(squares, _SIDE), *_BAND)
    flat = window_axes(spans[:, 0], spans[:, 1], _GRAIN, _SIDE).reshape(-1, _SIDE)
    both: Squares = np.matmul(np.matmul(flat, fine), flat.T)
    count = len(spans)
    cut = both.reshape(-1, count, _GRAIN, count, _GRAIN).transpose(0, 1, 3, 2, 4)
    return cut.reshape(len(squares), count * count, _GRAIN * _GRAIN)
