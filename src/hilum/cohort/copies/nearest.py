"""Which images may show the same: candidates, to be confirmed on their pixels.

A copy that was cropped is, as a whole, like a window of its original. So the windows of every image, 361 of
them, are looked up in an index of whole images, upright and mirrored; the network's features add what is
alike otherwise. Only the likeliest few of each image go on. Beyond 2,000 images time hardly grows faster than
they do, and memory by half a kilobyte of codes each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.cohort.copies.best import HIT, Best, likeliest
from hilum.cohort.copies.code import WINDOWS, Coder
from hilum.cohort.copies.lists import Lists
from hilum.cohort.copies.shelf import Picked
from hilum.progress import SILENT, Progress
from hilum.radiograph import ahead

__all__ = ["Candidates", "nearest"]

_BY_WINDOW, _BY_FEATURES = 8, 4
_LEAST = 0.4
"""Copies, cropped anywhere up to 46 % and with other grays, came to 0.49 and more."""
_LEAST_FEATURES = 0.3
_BLOCK = 128
"""Images whose windows a thread has at a time: about 110 MB."""
_FEATURES_BLOCK = 4096

Codes = NDArray[np.float32]


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


def nearest(
    wholes: Picked,
    others: Picked,
    features: tuple[Codes, Codes],
    coder: Coder,
    *,
    within: bool,
    progress: Progress = SILENT,
) -> Candidates:
    """Find for each whole image the likeliest others.

    Parameters
    ----------
    wholes, others : Picked
        Squares of either side.
    features : pair of ndarray of float32, shape (n, length)
        Of `wholes` and `others`, as `reduced` gives them.
    coder : Coder
    within : bool
        Whether both are the same rows, so that a row is no candidate of its own.
    progress : Progress
    """
    with threadpool_limits(1, user_api="blas"):  # threads take blocks
        codes = np.concatenate([_whole_codes(wholes, coder), _whole_codes(wholes, coder, mirrored=True)])
        search = _Search(
            Lists.of(codes),
            Best(len(wholes), _BY_WINDOW, _LEAST),
            _by_features(*features, within=within),
            within=within,
        )
        starts = range(0, len(others), _BLOCK)
        found = ahead(lambda start: search.compared(_block(others, start, coder.windows), start), starts)
        likeliest = []
        for hits, known in progress.track(found, what="Comparing images", total=len(starts)):
            search.best.add(hits)
            likeliest.append(known)
    return _candidates(np.concatenate([search.best.hits(), *likeliest]))


@dataclass(frozen=True, eq=False)
class _Search:
    """Whole images, upright and then mirrored, in an index; and the pairs that their features name."""

    lists: Lists
    best: Best
    named: NDArray[np.void]
    within: bool

    def compared(self, windows: Codes, start: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Compare windows (n, windows, length) of the others from `start` on: best, and named."""
        images, count = len(self.best.least), windows.shape[1]
        found = self.lists.search(windows.reshape(-1, windows.shape[2]), np.tile(self.best.least, 2))
        hits = np.zeros(len(found.query), HIT)
        hits["image"], hits["mirrored"] = found.entry % images, found.entry >= images
        hits["other"], hits["window"] = start + found.query // count, found.query % count
        hits["alike"] = found.alike
        own = self.within & (hits["image"] == hits["other"])
        return likeliest(hits[~own]), self._named(windows, start)

    def _named(self, windows: Codes, start: int) -> NDArray[np.void]:
        """Find the likeliest window of pairs that are known."""
        ends = np.searchsorted(self.named["other"], [start, start + len(windows)])
        hits = self.named[slice(*ends)].copy()
        images, codes = len(self.best.least), self.lists.codes
        for hit in hits:
            row = hit["image"]
            alike = codes[[row, row + images]] @ windows[hit["other"] - start].T
            mirrored, window = np.unravel_index(alike.argmax(), alike.shape)
            hit["alike"], hit["window"], hit["mirrored"] = alike.max(), window, mirrored
        return hits[hits["alike"] >= _LEAST]


def _block(squares: Picked, start: int, code: Callable[[NDArray[np.uint8]], Codes]) -> Codes:
    return code(squares.take(slice(start, start + _BLOCK)))


def _whole_codes(squares: Picked, coder: Coder, *, mirrored: bool = False) -> Codes:
    way = slice(None, None, -1 if mirrored else 1)
    blocks = (
        _block(squares, start, lambda one: coder.wholes(one[:, :, way]))
        for start in range(0, len(squares), _BLOCK)
    )
    return np.concatenate(list(blocks))


def _by_features(features: Codes, others: Codes, *, within: bool) -> NDArray[np.void]:
    """Pairs whose features are most alike, ordered by the other image."""
    lists, best = Lists.of(features), Best(len(features), _BY_FEATURES, _LEAST_FEATURES)
    for start in range(0, len(others), _FEATURES_BLOCK):
        found = lists.search(others[start : start + _FEATURES_BLOCK], best.least)
        hits = np.zeros(len(found.query), HIT)
        hits["image"], hits["other"], hits["alike"] = found.entry, start + found.query, found.alike
        best.add(hits[~(within & (hits["image"] == hits["other"]))])
    hits = best.hits()
    return hits[np.argsort(hits["other"], kind="stable")]


def _candidates(hits: NDArray[np.void]) -> Candidates:
    hits = likeliest(hits)
    whole, other = (hits[side].astype(np.intp) for side in ("image", "other"))
    return Candidates(whole, other, hits["mirrored"], WINDOWS[hits["window"]])
