"""Which images may show the same: candidates, to be confirmed on their pixels.

A copy that was cropped is, as a whole, like a window of its original. So the windows of every image, 361 of
them, are looked up in an index of whole images, upright and mirrored; the network's features add what is
alike otherwise. Only the likeliest few of each image go on. Beyond 2,000 images time hardly grows faster than
they do, and memory by half a kilobyte of codes each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from hilum.cohort.duplicates.fingerprint import Picked, Squares, detail, shrunk, window_axes
from hilum.executor import LOCAL
from hilum.progress import SILENT, Progress

__all__ = [
    "EXACT",
    "HIT",
    "WINDOWS",
    "Best",
    "Candidates",
    "Coder",
    "Hits",
    "Lists",
    "likeliest",
    "nearest",
    "sample",
]


HIT = np.dtype([("image", "i4"), ("other", "i4"), ("alike", "f4"), ("window", "i2"), ("mirrored", "?")])
"""Of an image with another one: the likeliest window, and how alike they are there."""

_WAITING = 500_000


class Best:
    """The best hits of each image, whatever the order in which they are added.

    Parameters
    ----------
    images : int
    count : int
        Others that are kept of an image.
    least : float
        How alike a hit must be.
    """

    def __init__(self, images: int, count: int, least: float) -> None:
        self.least = np.full(images, least, np.float32)
        """How alike a hit must be to be among the best, image by image."""
        self._count = count
        self._kept = np.zeros(0, HIT)
        self._waiting: list[NDArray[np.void]] = []

    def add(self, hits: NDArray[np.void]) -> None:
        """Add hits, one of a pair of images."""
        self._waiting.append(hits)
        if sum(map(len, self._waiting)) > _WAITING:
            self._settle()

    def hits(self) -> NDArray[np.void]:
        """Return what is best, image by image, the likeliest first."""
        self._settle()
        return self._kept

    def _settle(self) -> None:
        every = np.concatenate([self._kept, *self._waiting])
        every = every[np.lexsort((every["other"], -every["alike"], every["image"]))]
        place = np.arange(len(every)) - np.searchsorted(every["image"], every["image"])
        self._kept, self._waiting = every[place < self._count], []
        last = every[place == self._count - 1]
        self.least[last["image"]] = last["alike"]


def likeliest(hits: NDArray[np.void]) -> NDArray[np.void]:
    """Keep one hit of each pair of images, in their order: where they are most alike."""
    hits = hits[np.lexsort((hits["mirrored"], hits["window"], -hits["alike"], hits["other"], hits["image"]))]
    again = (hits["image"][1:] == hits["image"][:-1]) & (hits["other"][1:] == hits["other"][:-1])
    first: NDArray[np.bool_] = ~np.concatenate([np.zeros(min(len(hits), 1), bool), again])
    result: NDArray[np.void] = hits[first]
    return result


Codes = NDArray[np.float32]

_PER_LIST = 500
_KEPT_IN = 8
"""Lists that hold a code: of 300 cropped copies of real images, 299 met their original at 400 lists."""
EXACT = _PER_LIST * _KEPT_IN
"""Codes up to which nothing is missed."""
_FITTED = 64
_ITERATIONS = 8
_QUERIES = 4096


class Hits(NamedTuple):
    """Pairs that are alike enough: row of the query, row in the index, and how alike."""

    query: NDArray[np.intp]
    entry: NDArray[np.intp]
    alike: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Lists:
    """Codes in lists.

    Parameters
    ----------
    codes : ndarray of float32, shape (n, length)
        Of unit length, or 0.
    centres : ndarray of float32, shape (lists, length)
    members : tuple of ndarray of int
        Rows of the codes in each list.
    """

    codes: Codes
    centres: Codes
    members: tuple[NDArray[np.intp], ...]

    @classmethod
    def of(cls, codes: Codes) -> Lists:
        """Put codes into lists; the same codes always come into the same."""
        count = -(-len(codes) // _PER_LIST)
        if count <= _KEPT_IN:
            return cls(codes, codes[:1], (np.arange(len(codes)),))
        centres = _centres(codes, count)
        nearest = [
            np.argpartition(-(codes[start : start + _QUERIES] @ centres.T), _KEPT_IN, axis=1)[:, :_KEPT_IN]
            for start in range(0, len(codes), _QUERIES)
        ]
        chosen = np.concatenate(nearest).ravel()
        order = np.argsort(chosen, kind="stable")
        ends = np.searchsorted(chosen[order], np.arange(1, count))
        return cls(codes, centres, tuple(np.split(order // _KEPT_IN, ends)))

    def search(self, queries: Codes, least: NDArray[np.float32]) -> Hits:
        """Compare each query with the codes of one list.

        Parameters
        ----------
        queries : ndarray of float32, shape (n, length)
        least : ndarray of float32, shape (codes,)
            How alike a query must be to each code.
        """
        found = [hits for hits in self._visits(queries, least) if len(hits.query)]
        if not found:
            return Hits(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))
        return Hits(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def _visits(self, queries: Codes, least: NDArray[np.float32]) -> Iterator[Hits]:
        visited = self._visited(queries)
        order = np.argsort(visited, kind="stable")
        ends = np.searchsorted(visited[order], np.arange(1, len(self.members)))
        for entries, rows in zip(self.members, np.split(order, ends), strict=True):
            codes, bounds = self.codes[entries], least[entries]
            for start in range(0, len(rows), _QUERIES):
                part = rows[start : start + _QUERIES]
                alike = queries[part] @ codes.T
                query, entry = np.nonzero(alike >= bounds)
                yield Hits(part[query], entries[entry], alike[query, entry])

    def _visited(self, queries: Codes) -> NDArray[np.intp]:
        if len(self.members) == 1:
            return np.zeros(len(queries), np.intp)
        starts = range(0, len(queries), _QUERIES)
        parts = [(queries[start : start + _QUERIES] @ self.centres.T).argmax(axis=1) for start in starts]
        return np.concatenate([np.zeros(0, np.intp), *parts])


def _centres(codes: Codes, count: int) -> Codes:
    step = max(len(codes) // (_FITTED * count), 1)
    with threadpool_limits(1):  # threads would add up in any order
        fitted = KMeans(count, n_init=1, max_iter=_ITERATIONS, random_state=0).fit(codes[::step])
    centres = fitted.cluster_centers_
    result: Codes = centres / (np.linalg.norm(centres, axis=1, keepdims=True) + np.float32(1e-9))
    return result.astype(np.float32)


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


_BY_WINDOW, _BY_FEATURES = 8, 4
_LEAST = 0.4
"""Copies, cropped anywhere up to 46 % and with other grays, came to 0.49 and more."""
_LEAST_FEATURES = 0.3
_BLOCK = 128
"""Images whose windows a thread has at a time: about 110 MB."""
_FEATURES_BLOCK = 4096


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
        found = LOCAL.map(lambda start: search.compared(_block(others, start, coder.windows), start), starts)
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
