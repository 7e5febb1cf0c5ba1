"""Features that were computed before, known by content.

An LMDB environment in the cache folder: a kill leaves it as the last commit left it, and several processes
may use it at once. Each value carries a digest over its key and content; one that is damaged counts as absent
and is written anew. The store is a convenience: when it cannot be opened or written (read-only folder, full
disk, damaged file), work goes on without it, and a note says so.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import numpy as np
import platformdirs
from numpy.typing import NDArray

from hilum.progress import SILENT, Progress
from hilum.radiograph import Header

__all__ = ["CACHE_VARIABLE", "FeatureStore", "Stored", "cache_folder"]

CACHE_VARIABLE = "HILUM_CACHE"
_MAP_BYTES = 1 << 38  # address space only; the file grows with what is in it
_DIGEST_BYTES = 16
_NAMES = (b"features", b"headers")


def cache_folder() -> Path:
    """Folder of caches: ``HILUM_CACHE``, or the user's own cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_cache_path("hilum")


class Stored(NamedTuple):
    """What the store holds of an image.

    Parameters
    ----------
    image : str
        SHA-256 of the file's bytes.
    key : str
        Hash of the image, the preparation and the network together.
    values : ndarray of float32, shape (features,)
    header : Header
    """

    image: str
    key: str
    values: NDArray[np.float32]
    header: Header


class FeatureStore:
    """Features by key, and the headers' facts by image.

    Parameters
    ----------
    folder : Path
        Its own folder, made if need be.
    progress : Progress
        Hears when something cannot be stored.
    """

    def __init__(self, folder: Path, progress: Progress = SILENT) -> None:
        self.folder = folder
        self._progress = progress
        self._writable = True
        self._connect()

    @classmethod
    @contextmanager
    def open(cls, folder: Path | None = None, progress: Progress = SILENT) -> Iterator[FeatureStore | None]:
        """Open the store for a ``with`` block; gives None, and says why, when it cannot be.

        Parameters
        ----------
        folder : Path, optional
            Where it is; `cache_folder` and ``features`` otherwise.
        progress : Progress
        """
        folder = cache_folder() / "features" if folder is None else folder
        try:
            store = cls(folder, progress)
        except (lmdb.Error, OSError) as error:
            progress.say(
                f"{folder}: the feature cache cannot be used, so all features are computed: {error}. "
                f"Delete the folder if it is damaged, or set {CACHE_VARIABLE} to another one."
            )
            yield None
            return
        try:
            yield store
        finally:
            store.close()

    def close(self) -> None:
        """Release the file; a store is not used afterwards."""
        self._environment.close()

    def get(self, image: str, key: str, count: int) -> Stored | None:
        """Look an image up.

        Parameters
        ----------
        image, key : str
            As in `Stored`.
        count : int
            How many features there must be.

        Returns
        -------
        Stored or None
            None when anything of it is absent or damaged.
        """
        self._follow_fork()
        try:
            with self._environment.begin(buffers=False) as transaction:
                values = _opened(key, transaction.get(key.encode(), db=self._features))
                facts = _opened(image, transaction.get(image.encode(), db=self._headers))
        except lmdb.Error:  # a damaged page
            return None
        header = None if facts is None else _header(facts)
        if values is None or header is None or len(values) != 4 * count:
            return None
        return Stored(image, key, np.frombuffer(values, "<f4").astype(np.float32), header)

    def put(self, items: Sequence[Stored]) -> None:
        """Store images in one commit: after a kill all are there, or none."""
        self._follow_fork()
        if not self._writable:
            return
        try:
            with self._environment.begin(write=True) as transaction:
                for item in items:
                    values = _sealed(item.key, item.values.astype("<f4").tobytes())
                    facts = _sealed(item.image, json.dumps(item.header.as_dict()).encode())
                    transaction.put(item.key.encode(), values, db=self._features)
                    transaction.put(item.image.encode(), facts, db=self._headers)
        except lmdb.Error as error:
            self._writable = False
            self._progress.say(f"{self.folder}: features can no longer be stored: {error}.")

    def _connect(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = os.getpid()
        self._environment = lmdb.open(str(self.folder), map_size=_MAP_BYTES, max_dbs=len(_NAMES))
        try:
            _check_length(self._environment, self.folder)
            self._environment.reader_check()  # frees what killed processes held
            self._features, self._headers = (self._environment.open_db(name) for name in _NAMES)
        except BaseException:
            self._environment.close()
            raise

    def _follow_fork(self) -> None:
        """Open anew in a forked child: LMDB forbids it to use its parent's environment."""
        if self._process != os.getpid():
            self._environment.close()  # the child's copy alone
            self._connect()


def _check_length(environment: Any, folder: Path) -> None:
    """Refuse a file that was cut short: reading beyond its end would kill the process."""
    pages = environment.info()["last_pgno"] + 1
    expected = pages * environment.stat()["psize"]
    found = (folder / "data.mdb").stat().st_size
    if found < expected:
        message = f"data.mdb is cut short: {found} of {expected} bytes"
        raise lmdb.CorruptedError(message)


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.blake2b(key.encode() + content, digest_size=_DIGEST_BYTES).digest()


def _sealed(key: str, content: bytes) -> bytes:
    return _digest(key, content) + content


def _opened(key: str, sealed: bytes | None) -> bytes | None:
    if sealed is None or sealed[:_DIGEST_BYTES] != _digest(key, sealed[_DIGEST_BYTES:]):
        return None
    return sealed[_DIGEST_BYTES:]


def _header(facts: bytes) -> Header | None:
    values = json.loads(facts)
    if values.keys() != {fact.name for fact in fields(Header)}:  # written by a version with other facts
        return None
    if values.get("spacing_mm") is not None:
        values["spacing_mm"] = tuple(values["spacing_mm"])
    return Header(**values)
