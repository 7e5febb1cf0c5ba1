"""An index of codes: each is kept in the lists of the centres nearest to it, and compared where it may match.

The time of a search grows with the lists that are visited, one a query, and not with the codes in the index
(an inverted file: Jégou, Douze and Schmid 2011, doi:10.1109/TPAMI.2010.57). A list and all queries that visit
it are compared by one product of matrices. Up to `EXACT` codes, every list holds all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

__all__ = ["EXACT", "Hits", "Lists"]

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
