"""A network's features, made comparable and few: so many numbers of an image as an index likes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

__all__ = ["reduced"]

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
