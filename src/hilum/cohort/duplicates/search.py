"""The search for candidates: pairs of images that may be copies, to be confirmed on their thumbnails.

A cropped copy is, as a whole, like a window of its original. So 361 windows of every image are looked up in
an index of whole images, upright and mirrored; a network's features name further pairs. Only the most
similar few of each image are kept. Up to 2,000 images every pair is compared; beyond, inverted lists keep
the time nearly proportional to the number of images, with half a kilobyte of codes each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from hilum.cohort.duplicates.codes import WINDOWS, Coder, Codes
from hilum.cohort.duplicates.fingerprints import Thumbnails
from hilum.executor import LOCAL
from hilum.progress import SILENT, Progress

__all__ = ["Candidates", "find_candidates"]

_PER_IMAGE, _MIN_SIMILARITY = 8, 0.4
"""The similarity of copies that were cropped by up to 46 % and had other gray values was at least 0.49."""
_PER_IMAGE_BY_FEATURES, _MIN_SIMILARITY_OF_FEATURES = 4, 0.3
_BLOCK = 128  # images whose windows a thread holds: about 110 MB
_FEATURES_BLOCK = 4096

HIT = np.dtype([("image", "i4"), ("other", "i4"), ("similarity", "f4"), ("window", "i2"), ("mirrored", "?")])
"""A pair of images, the window of `other` that is most similar to the whole of `image`, and how similar."""
_MAX_PENDING = 500_000


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs that may be copies: the whole of one image, and a window of the other."""

    whole: NDArray[np.intp]
    other: NDArray[np.intp]
    mirrored: NDArray[np.bool_]
    windows: NDArray[np.float64]  # (pairs, 4), as in `WINDOWS`


def find_candidates(
    wholes: Thumbnails,
    others: Thumbnails,
    features: tuple[Codes, Codes],
    coder: Coder,
    *,
    within: bool,
    progress: Progress = SILENT,
) -> Candidates:
    """Find for each whole image the most similar others.

    `features` are the codes of both sides from `reduce_features`. If both sides are the same images,
    `within` is set, so that an image is no candidate for itself.
    """
    with threadpool_limits(1, user_api="blas"):  # each thread has its own blocks
        codes = np.concatenate([_code_wholes(wholes, coder), _code_wholes(wholes, coder, mirrored=True)])
        search = _Search(
            InvertedLists.of(codes),
            BestHits(len(wholes), _PER_IMAGE, _MIN_SIMILARITY),
            _hits_by_features(*features, within=within),
            within=within,
        )
        starts = range(0, len(others), _BLOCK)
        found = LOCAL.map(
            lambda start: search.compare(coder.code_windows(others.take(_block(start))), start), starts
        )
        named = []
        for hits, hits_by_features in progress.track(found, what="Comparing images", total=len(starts)):
            search.best.add(hits)
            named.append(hits_by_features)
    hits = one_per_pair(np.concatenate([search.best.hits(), *named]))
    whole, other = (hits[side].astype(np.intp) for side in ("image", "other"))
    return Candidates(whole, other, hits["mirrored"], WINDOWS[hits["window"]])


def _code_wholes(thumbnails: Thumbnails, coder: Coder, *, mirrored: bool = False) -> Codes:
    step = -1 if mirrored else 1
    starts = range(0, len(thumbnails), _BLOCK)
    return np.concatenate(
        [coder.code_wholes(thumbnails.take(_block(start))[:, :, ::step]) for start in starts]
    )


def _block(start: int) -> slice:
    return slice(start, start + _BLOCK)


def _hits_by_features(features: Codes, others: Codes, *, within: bool) -> NDArray[np.void]:
    """Pairs whose features are most similar, ordered by the other image."""
    lists = InvertedLists.of(features)
    best = BestHits(len(features), _PER_IMAGE_BY_FEATURES, _MIN_SIMILARITY_OF_FEATURES)
    for start in range(0, len(others), _FEATURES_BLOCK):
        found = lists.search(others[start : start + _FEATURES_BLOCK], best.least)
        hits = np.zeros(len(found.query), HIT)
        hits["image"], hits["other"], hits["similarity"] = found.entry, start + found.query, found.similarity
        best.add(hits[~(within & (hits["image"] == hits["other"]))])
    hits = best.hits()
    return hits[np.argsort(hits["other"], kind="stable")]


@dataclass(frozen=True, eq=False)
class _Search:
    """The index of whole images, upright and then mirrored; and the pairs that their features name."""

    lists: InvertedLists
    best: BestHits
    named: NDArray[np.void]
    within: bool

    def compare(self, windows: Codes, start: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Compare windows (n, windows, length) of the others from `start` on: hits, and hits by features."""
        images, count = len(self.best.least), windows.shape[1]
        found = self.lists.search(windows.reshape(-1, windows.shape[2]), np.tile(self.best.least, 2))
        hits = np.zeros(len(found.query), HIT)
        hits["image"], hits["mirrored"] = found.entry % images, found.entry >= images
        hits["other"], hits["window"] = start + found.query // count, found.query % count
        hits["similarity"] = found.similarity
        own = self.within & (hits["image"] == hits["other"])
        return one_per_pair(hits[~own]), self._place_named(windows, start)

    def _place_named(self, windows: Codes, start: int) -> NDArray[np.void]:
        """Find the most similar window of the pairs that features name."""
        ends = np.searchsorted(self.named["other"], [start, start + len(windows)])
        hits = self.named[slice(*ends)].copy()
        images, codes = len(self.best.least), self.lists.codes
        for hit in hits:
            row = hit["image"]
            similarity = codes[[row, row + images]] @ windows[hit["other"] - start].T
            mirrored, window = np.unravel_index(similarity.argmax(), similarity.shape)
            hit["similarity"], hit["window"], hit["mirrored"] = similarity.max(), window, mirrored
        return hits[hits["similarity"] >= _MIN_SIMILARITY]


class BestHits:
    """The `count` best hits of each image, whatever the order in which they are added.

    `least` is the similarity that a hit must have to be among the best of each image.
    """

    def __init__(self, images: int, count: int, least: float) -> None:
        self.least = np.full(images, least, np.float32)
        self._count = count
        self._kept = np.zeros(0, HIT)
        self._pending: list[NDArray[np.void]] = []

    def add(self, hits: NDArray[np.void]) -> None:
        """Add hits, one per pair of images."""
        self._pending.append(hits)
        if sum(map(len, self._pending)) > _MAX_PENDING:
            self._merge()

    def hits(self) -> NDArray[np.void]:
        """Return the best hits, image by image, the most similar first."""
        self._merge()
        return self._kept

    def _merge(self) -> None:
        hits = np.concatenate([self._kept, *self._pending])
        hits = hits[np.lexsort((hits["other"], -hits["similarity"], hits["image"]))]
        rank = np.arange(len(hits)) - np.searchsorted(hits["image"], hits["image"])
        self._kept, self._pending = hits[rank < self._count], []
        last = hits[rank == self._count - 1]
        self.least[last["image"]] = last["similarity"]


def one_per_pair(hits: NDArray[np.void]) -> NDArray[np.void]:
    """Keep the most similar hit of each pair of images, ordered by image and other."""
    keys = (hits["mirrored"], hits["window"], -hits["similarity"], hits["other"], hits["image"])
    hits = hits[np.lexsort(keys)]
    again = (hits["image"][1:] == hits["image"][:-1]) & (hits["other"][1:] == hits["other"][:-1])
    first: NDArray[np.bool_] = ~np.concatenate([np.zeros(min(len(hits), 1), bool), again])
    result: NDArray[np.void] = hits[first]
    return result


_CODES_PER_LIST = 500
_LISTS_PER_CODE = 8  # of 300 cropped copies of real images, 299 met their original among 400 lists
MAX_EXACT = _CODES_PER_LIST * _LISTS_PER_CODE
"""Number of codes up to which every one is compared."""
_FITTED_PER_LIST, _ITERATIONS = 64, 8  # of the k-means
_QUERIES = 4096


class Found(NamedTuple):
    """Pairs that are similar enough: row of the query, row in the index, and similarity."""

    query: NDArray[np.intp]
    entry: NDArray[np.intp]
    similarity: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class InvertedLists:
    """An index of codes, each in the lists of its nearest centres; a query is compared with one list.

    faiss holds a code in one list and visits several per query. That takes 1.6 times as long here, since it
    cannot multiply matrices of queries and codes, and it has one bound on the similarity for all codes.
    """

    codes: Codes
    centres: Codes
    members: tuple[NDArray[np.intp], ...]  # the rows of the codes in each list

    @classmethod
    def of(cls, codes: Codes) -> InvertedLists:
        """Index codes; equal codes always give an equal index."""
        count = -(-len(codes) // _CODES_PER_LIST)
        if count <= _LISTS_PER_CODE:
            return cls(codes, codes[:1], (np.arange(len(codes)),))
        centres = _centres(codes, count)
        nearest = [
            np.argpartition(-(part @ centres.T), _LISTS_PER_CODE, axis=1)[:, :_LISTS_PER_CODE]
            for part in _batches(codes)
        ]
        lists = np.concatenate(nearest).ravel()
        order = np.argsort(lists, kind="stable")
        ends = np.searchsorted(lists[order], np.arange(1, count))
        return cls(codes, centres, tuple(np.split(order // _LISTS_PER_CODE, ends)))

    def search(self, queries: Codes, least: NDArray[np.float32]) -> Found:
        """Compare each query with the codes of one list; `least` is the least similarity to each code."""
        parts = [found for found in self._visit(queries, least) if len(found.query)]
        if not parts:
            return Found(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))
        return Found(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _visit(self, queries: Codes, least: NDArray[np.float32]) -> Iterator[Found]:
        nearest = self._nearest_list(queries)
        order = np.argsort(nearest, kind="stable")
        ends = np.searchsorted(nearest[order], np.arange(1, len(self.members)))
        for entries, rows in zip(self.members, np.split(order, ends), strict=True):
            codes, bounds = self.codes[entries], least[entries]
            for part in _batches(rows):
                similarity = queries[part] @ codes.T
                query, entry = np.nonzero(similarity >= bounds)
                yield Found(part[query], entries[entry], similarity[query, entry])

    def _nearest_list(self, queries: Codes) -> NDArray[np.intp]:
        if len(self.members) == 1:
            return np.zeros(len(queries), np.intp)
        parts = [(part @ self.centres.T).argmax(axis=1) for part in _batches(queries)]
        return np.concatenate([np.zeros(0, np.intp), *parts])


def _batches(rows: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (rows[start : start + _QUERIES] for start in range(0, len(rows), _QUERIES))


def _centres(codes: Codes, count: int) -> Codes:
    step = max(len(codes) // (_FITTED_PER_LIST * count), 1)
    with threadpool_limits(1):  # threads would add up in any order
        fitted = KMeans(count, n_init=1, max_iter=_ITERATIONS, random_state=0).fit(codes[::step])
    centres = fitted.cluster_centers_
    result: Codes = centres / (np.linalg.norm(centres, axis=1, keepdims=True) + np.float32(1e-9))
    return result.astype(np.float32)
