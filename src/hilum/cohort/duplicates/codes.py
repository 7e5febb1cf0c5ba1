"""Short codes of images, from thumbnails and from a network's features; their product is the similarity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from hilum.cohort.duplicates.fingerprints import Images, detail, resampling_matrices, shrink

__all__ = ["WINDOWS", "Coder", "Codes", "reduce_features", "sample"]

Codes = NDArray[np.float32]
"""Codes of unit length, or 0, shape (n, length)."""

_LENGTH = 64

_SIDE, _GRID = 64, 16  # pixels of the image, and of the grid that a window is reduced to
_BAND = (1.0, 4.0)  # of the detail, in pixels
_CUTS = (0.0, 0.08, 0.16, 0.25, 0.35)
_MAX_CUT = 0.46
_SPANS = np.array([(low, 1 - high) for low in _CUTS for high in _CUTS if low + high <= _MAX_CUT])
WINDOWS = np.array([(*rows, *columns) for rows in _SPANS for columns in _SPANS])
"""Top, bottom, left and right of every window, as fractions of the side; the first is the whole."""

_SAMPLE = 200  # images that a coder learns from
_CROPS_PER_IMAGE, _MIN_CROPS, _MAX_CROPS = 24, 300, 2400
_GAMMA, _CONTRAST = (0.65, 1.5), (0.6, 1.4)  # of the simulated copies
_RIDGE = 1e-3  # fraction of the mean variance added to each axis: few images leave most axes without any
_BATCH = 256

_FEATURES_SAMPLE = 2000
_FEATURES_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Coder:
    """A projection of detail onto the axes on which copies agree and other images differ."""

    mean: NDArray[np.float32]  # (pixels,)
    axes: NDArray[np.float32]  # (pixels, length)

    @classmethod
    def fit(cls, thumbnails: NDArray[np.uint8]) -> Coder:
        """Fit the axes to a sample of thumbnails, uint8 (n, SIDE, SIDE), as `sample` chooses them.

        Copies of the sample are simulated, cropped between the windows and with other gray values. The axes
        have the largest ratio of the spread of all images to the differences between a copy and its
        original's nearest window, and are scaled to equal spread (linear discriminant analysis, Fisher
        1936).
        """
        with threadpool_limits(1, user_api="blas"):  # the products are small
            copies, windows = _simulated_pairs(thumbnails, np.random.default_rng(0))
            both = np.concatenate([copies, windows])
            mean = both.mean(axis=0)
            difference, deviation = copies - windows, both - mean
            within = _regularised(difference.T @ difference / (2 * len(difference)))
            ratios, axes = eigh(_regularised(deviation.T @ deviation / len(deviation)), within)
        kept = slice(None, -_LENGTH - 1, -1)
        return cls(mean, (axes[:, kept] / np.sqrt(ratios[kept])).astype(np.float32))

    def code_wholes(self, thumbnails: NDArray[np.uint8]) -> Codes:
        """Return codes of whole images, (n, length)."""
        return self._codes(_window_details(thumbnails, _SPANS[:1]))[:, 0]

    def code_windows(self, thumbnails: NDArray[np.uint8]) -> Codes:
        """Return codes of all windows, (n, windows, length)."""
        return self._codes(_window_details(thumbnails, _SPANS))

    def _codes(self, details: Images) -> Codes:
        codes: Codes = details @ self.axes
        codes -= self.mean @ self.axes
        codes /= np.linalg.norm(codes, axis=-1, keepdims=True) + np.float32(1e-9)
        return codes


def sample(n: int) -> NDArray[np.intp]:
    """Choose the rows of `n` that a coder is fitted to, evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).round().astype(np.intp))


def _regularised(covariance: NDArray[np.floating]) -> NDArray[np.float64]:
    ridge = _RIDGE * np.trace(covariance) / len(covariance) + 1e-6
    result: NDArray[np.float64] = covariance.astype(np.float64) + ridge * np.eye(len(covariance))
    return result


def _simulated_pairs(thumbnails: NDArray[np.uint8], rng: np.random.Generator) -> tuple[Images, Images]:
    """Details of simulated copies, and of the nearest window of their originals, (pairs, pixels) each."""
    count = min(max(_CROPS_PER_IMAGE * len(thumbnails), _MIN_CROPS), _MAX_CROPS)
    rows = np.arange(count) % len(thumbnails)
    cut, share = rng.uniform(0, _MAX_CUT, (count, 2)), rng.uniform(0, 1, (count, 2))
    ends = np.stack([cut * share, 1 - cut * (1 - share)], axis=2).reshape(-1, 4)
    gamma, contrast = (rng.uniform(*span, (count, 1, 1)).astype(np.float32) for span in (_GAMMA, _CONTRAST))
    copies, windows = [], []
    for start in range(0, count, _BATCH):
        part = slice(start, start + _BATCH)
        originals = thumbnails[rows[part]]
        grays = (_resampled(originals.astype(np.float32), ends[part], _SIDE) / 255).clip(0, 1)
        changed = (contrast[part] * (255 * grays ** gamma[part] - 128) + 128).clip(0, 255)
        whole = np.tile(WINDOWS[0], (len(originals), 1))
        nearest = WINDOWS[np.abs(ends[part, None] - WINDOWS).max(axis=-1).argmin(axis=1)]
        copies.append(_resampled(detail(changed, *_BAND), whole, _GRID))
        windows.append(_resampled(detail(shrink(originals, _SIDE), *_BAND), nearest, _GRID))
    return np.concatenate(copies).reshape(count, -1), np.concatenate(windows).reshape(count, -1)


def _resampled(images: Images, windows: NDArray[np.float64], size: int) -> Images:
    """One window of each image, (n, size, size)."""
    side = images.shape[-1]
    rows = resampling_matrices(windows[:, 0], windows[:, 1], size, side)
    columns = resampling_matrices(windows[:, 2], windows[:, 3], size, side)
    result: Images = np.matmul(np.matmul(rows, images), columns.transpose(0, 2, 1))
    return result


def _window_details(thumbnails: NDArray[np.uint8], spans: NDArray[np.float64]) -> Images:
    """Detail in every window, each span of rows by each span of columns: (n, windows, pixels)."""
    fine = detail(shrink(thumbnails, _SIDE), *_BAND)
    matrix = resampling_matrices(spans[:, 0], spans[:, 1], _GRID, _SIDE).reshape(-1, _SIDE)
    both: Images = np.matmul(np.matmul(matrix, fine), matrix.T)
    count = len(spans)
    windows = both.reshape(-1, count, _GRID, count, _GRID).transpose(0, 1, 3, 2, 4)
    return windows.reshape(len(thumbnails), count * count, _GRID * _GRID)


def reduce_features(features: NDArray[np.floating], others: NDArray[np.floating]) -> tuple[Codes, Codes]:
    """Return codes of the features (n, features) of two lists of images, standardised and on principal axes.

    Features are read in blocks. An image without features has NaN, and the code 0.
    """
    sampled = np.concatenate([_sampled(features), _sampled(others)])
    if not len(sampled):
        return np.zeros((len(features), 1), np.float32), np.zeros((len(others), 1), np.float32)
    mean, spread = sampled.mean(axis=0), sampled.std(axis=0) + np.float32(1e-6)
    scaled = (sampled - mean) / spread
    length = scaled.shape[1]
    principal = (max(length - _LENGTH, 0), length - 1)
    axes = eigh(scaled.T @ scaled, subset_by_index=principal)[1] / spread[:, None]
    return _projected(features, mean, axes), _projected(others, mean, axes)


def _sampled(features: NDArray[np.floating]) -> NDArray[np.float32]:
    rows = np.asarray(features[:: max(len(features) // _FEATURES_SAMPLE, 1)], np.float32)
    return rows[np.isfinite(rows).all(axis=1)]


def _projected(features: NDArray[np.floating], mean: NDArray[np.float32], axes: NDArray[np.float32]) -> Codes:
    result = np.zeros((len(features), axes.shape[1]), np.float32)
    for start in range(0, len(features), _FEATURES_BLOCK):
        block = (np.asarray(features[start : start + _FEATURES_BLOCK], np.float32) - mean) @ axes
        block /= np.linalg.norm(block, axis=1, keepdims=True) + np.float32(1e-9)
        result[start : start + _FEATURES_BLOCK] = np.nan_to_num(block)
    return result
