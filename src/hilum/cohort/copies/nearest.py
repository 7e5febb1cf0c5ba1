"""Which images may show the same: candidates, to be confirmed on their pixels.

A copy that was cropped is, as a whole, like a window of its original. So every whole image is compared with
many windows of every other, upright and mirrored, by a short code of its detail; the network's features
add what is alike otherwise. Only the likeliest few of each image go on. Memory does not grow with the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.cohort.copies.square import Squares, detail, shrunk, window_axes
from hilum.progress import SILENT, Progress

__all__ = ["WINDOWS", "Candidates", "nearest", "projection"]

_SIDE = 64
_GRAIN = 16
_BAND = (1.0, 4.0)
_CUTS = (0.0, 0.08, 0.16, 0.25, 0.35)
_MOST_CUT = 0.46
_LENGTH = 64
_MOST_FITTED = 200
_BY_WINDOW, _BY_FEATURES = 8, 4
_LEAST = 0.5
"""Copies, cropped between two windows, came to 0.63 and more; see ``benchmarks/copies.py``."""
_WHOLES, _OTHERS = 64, 256
"""Images compared at a time: with their windows 25 MB of codes, and 24 MB of results."""

_HIT = np.dtype([("rank", "f4"), ("alike", "f4"), ("other", "i8"), ("window", "i2"), ("mirrored", "?")])

_SPANS = np.array([(low, 1 - high) for low in _CUTS for high in _CUTS if low + high <= _MOST_CUT])
WINDOWS = np.array([(*rows, *columns) for rows in _SPANS for columns in _SPANS])
"""Top, bottom, left and right of every window, as shares of the side: float64 (windows, 4)."""

Projection = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Mean and axes; see `projection`."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs that may be copies: the whole of one, and a window of the other.

    Parameters
    ----------
    whole, other : ndarray of int, shape (pairs,)
        Rows of either side.
    mirrored : ndarray of bool, shape (pairs,)
    windows : ndarray of float64, shape (pairs, 4)
        As in `WINDOWS`.
    """

    whole: NDArray[np.intp]
    other: NDArray[np.intp]
    mirrored: NDArray[np.bool_]
    windows: NDArray[np.float64]


def _grains(squares: NDArray[np.uint8], spans: NDArray[np.float64] = _SPANS) -> Squares:
    """Windows of each image's detail, every span of rows by every span of columns: (n, windows, grains)."""
    fine = detail(shrunk(squares, _SIDE), *_BAND)
    axes = window_axes(spans[:, 0], spans[:, 1], _GRAIN, _SIDE)
    flat = axes.reshape(-1, _SIDE)
    both: Squares = np.matmul(np.matmul(flat, fine), flat.T)
    count = len(spans)
    cut = both.reshape(-1, count, _GRAIN, count, _GRAIN).transpose(0, 1, 3, 2, 4)
    return cut.reshape(len(squares), count * count, _GRAIN * _GRAIN)


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = values / (np.linalg.norm(values, axis=-1, keepdims=True) + np.float32(1e-9))
    return result


def projection(squares: NDArray[np.uint8]) -> Projection:
    """Learn what chests have in common, from a sample of images: what is common tells no image from another.

    Returns
    -------
    mean : ndarray of float32, shape (grains,)
    axes : ndarray of float32, shape (grains, length)
        Principal axes, each divided by the root of its standard deviation.
    """
    step = -(-len(squares) // _MOST_FITTED)
    grains = _grains(squares[::step]).reshape(-1, _GRAIN * _GRAIN)
    mean: NDArray[np.float32] = grains.mean(axis=0)
    centred = grains - mean
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = np.argsort(variances)[::-1][:_LENGTH]
    return mean, (axes[:, kept] / np.maximum(variances[kept], 1e-9) ** 0.25).astype(np.float32)


def nearest(
    wholes: NDArray[np.uint8],
    others: NDArray[np.uint8],
    features: tuple[NDArray[np.float32], NDArray[np.float32]],
    projecting: Projection,
    *,
    within: bool,
    progress: Progress = SILENT,
) -> Candidates:
    """Find for each whole image the likeliest others.

    Parameters
    ----------
    wholes, others : ndarray of uint8, shape (n, SIDE, SIDE)
    features : pair of ndarray of float32, shape (n, features)
        Of `wholes` and `others`, standardised and of unit length.
    projecting : tuple
        As `projection` gives it.
    within : bool
        Whether both are the same rows, so that a row is no candidate of its own.
    progress : Progress
    """
    upright = _whole_codes(wholes, projecting)
    mirrored = _whole_codes(wholes[:, :, ::-1], projecting)
    by_window = np.zeros((len(wholes), _BY_WINDOW), _HIT)
    by_features = np.zeros((len(wholes), _BY_FEATURES), _HIT)
    by_window["rank"] = by_features["rank"] = -np.inf
    blocks = range(0, len(others), _OTHERS)
    for start in progress.track(blocks, what="Comparing images", total=len(blocks)):
        windows = _codes(others[start : start + _OTHERS], projecting)
        columns = np.arange(start, start + len(windows))
        for first in range(0, len(wholes), _WHOLES):
            rows = np.arange(first, min(first + _WHOLES, len(wholes)))
            hits = _hits(upright[rows], mirrored[rows], windows)
            hits["other"] = columns
            _keep(by_window, rows, hits, hits["alike"], within=within)
            _keep(by_features, rows, hits, features[0][rows] @ features[1][columns].T, within=within)
    return _candidates(np.concatenate([by_window, by_features], axis=1))


def _codes(
    squares: NDArray[np.uint8], projecting: Projection, spans: NDArray[np.float64] = _SPANS
) -> NDArray[np.float32]:
    """Codes of windows: (n, windows, length), of unit length."""
    mean, axes = projecting
    return _unit(_grains(squares, spans) @ axes - mean @ axes)


def _whole_codes(squares: NDArray[np.uint8], projecting: Projection) -> NDArray[np.float32]:
    blocks = [squares[start : start + _OTHERS] for start in range(0, len(squares), _OTHERS)]
    return np.concatenate([_codes(block, projecting, _SPANS[:1])[:, 0] for block in blocks])


def _hits(
    upright: NDArray[np.float32], mirrored: NDArray[np.float32], windows: NDArray[np.float32]
) -> NDArray[np.void]:
    """Of each whole with each other image: the likeliest window, and how alike."""
    count, length = windows.shape[1:]
    flat = windows.reshape(-1, length).T
    hits = np.zeros((len(upright), len(windows)), _HIT)
    hits["alike"] = -np.inf
    for flipped, wholes in enumerate((upright, mirrored)):
        alike = (wholes @ flat).reshape(*hits.shape, count)
        window = alike.argmax(axis=-1)
        best = np.take_along_axis(alike, window[:, :, None], axis=-1)[:, :, 0]
        better = best > hits["alike"]
        hits["alike"][better], hits["window"][better] = best[better], window[better]
        hits["mirrored"][better] = bool(flipped)
    return hits


def _keep(
    kept: NDArray[np.void],
    rows: NDArray[np.intp],
    hits: NDArray[np.void],
    ranks: NDArray[np.float32],
    *,
    within: bool,
) -> None:
    """Put the best of `hits` among those that are kept for `rows`."""
    hits = hits.copy()
    hits["rank"] = ranks
    if within:
        hits["rank"][hits["other"] == rows[:, None]] = -np.inf
    both = np.concatenate([kept[rows], hits], axis=1)
    order = np.argpartition(-both["rank"], kept.shape[1] - 1, axis=1)[:, : kept.shape[1]]
    kept[rows] = np.take_along_axis(both, order, axis=1)


def _candidates(kept: NDArray[np.void]) -> Candidates:
    valid = np.isfinite(kept["rank"]) & (kept["alike"] >= _LEAST)
    whole, hits = np.nonzero(valid)[0], kept[valid]
    once = np.unique(np.stack([whole, hits["other"]]), axis=1, return_index=True)[1]
    hits = hits[once]
    return Candidates(whole[once], hits["other"], hits["mirrored"], WINDOWS[hits["window"]])
