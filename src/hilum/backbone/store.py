"""Features that were computed before, known by content.

A folder for each context: all that decides features besides an image's bytes. In it lie an LMDB environment
and a note for people of what the context is. A kill leaves an environment as the last commit left it, and
several processes may use it at once. Each value carries a digest over its key and content; one that is
damaged counts as absent and is written anew. The store is a convenience: where it cannot be opened or written
(read-only folder, full disk, damaged file), work goes on without it, and a note says so.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import numpy as np
import platformdirs
from filelock import FileLock
from numpy.typing import NDArray

from hilum.files import write_json
from hilum.progress import SILENT, Progress
from hilum.radiograph import Header

__all__ = [
    "CACHE_VARIABLE",
    "NOTE",
    "Context",
    "FeatureStore",
    "Record",
    "Section",
    "cache_folder",
    "sealed",
    "unsealed",
]


_DIGEST_BYTES = 16
_LENGTH_BYTES = 2
_FACTS = tuple(fact.name for fact in fields(Header))
_SPACING = _FACTS.index("spacing_mm")
_SEAL = hashlib.blake2b(",".join(_FACTS).encode(), digest_size=_DIGEST_BYTES)
"""Values of a version with other facts do not match it, and count as absent."""


class Record(NamedTuple):
    """What the store holds of an image.

    Parameters
    ----------
    image : str
        SHA-256 of the file's bytes.
    values : ndarray of float32, shape (features,)
    header : Header
    """

    image: str
    values: NDArray[np.float32]
    header: Header


def sealed(item: Record) -> bytes:
    """Return a record as bytes: digest, length of the header's facts, these as a JSON list, float32."""
    facts = json.dumps([getattr(item.header, name) for name in _FACTS]).encode()
    content = len(facts).to_bytes(_LENGTH_BYTES, "little") + facts + item.values.astype("<f4").tobytes()
    return _digest(item.image, content) + content


def unsealed(image: str, value: memoryview, count: int) -> Record | None:
    """Return the record of an image from its bytes; None where they are damaged, or of another count."""
    content = value[_DIGEST_BYTES:]
    if value[:_DIGEST_BYTES] != _digest(image, content):
        return None
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    if len(content) != start + 4 * count:
        return None
    facts = json.loads(str(content[_LENGTH_BYTES:start], "utf-8"))
    if facts[_SPACING] is not None:
        facts[_SPACING] = tuple(facts[_SPACING])
    values = np.frombuffer(content, "<f4", offset=start).astype(np.float32)
    return Record(image, values, Header(*facts))


def _digest(image: str, content: Any) -> bytes:
    digest = _SEAL.copy()
    digest.update(image.encode())
    digest.update(content)
    return digest.digest()


CACHE_VARIABLE = "HILUM_CACHE"
NOTE = "context.json"
"""What a section is, for people; its time is when it was last opened."""

IN_USE = ".in-use"
"""Folder with a locked file for each process that has the store open."""

_MAP_BYTES = 1 << 37  # address space only; the file grows with what is in it


def cache_folder() -> Path:
    """Folder of caches: ``HILUM_CACHE``, or the user's own cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_cache_path("hilum")


@dataclass(frozen=True)
class Context:
    """All that decides features besides an image's bytes.

    Parameters
    ----------
    key : str
        A hash of all of it, as hex digits: equal keys mean equal features.
    network, preprocessing, engine : str
        What it is, for people.
    """

    key: str
    network: str
    preprocessing: str
    engine: str


class FeatureStore:
    """Features of images, a section for each context.

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
        self._sections: dict[str, Section | None] = {}

    @classmethod
    @contextmanager
    def open(cls, folder: Path | None = None, progress: Progress = SILENT) -> Iterator[FeatureStore]:
        """Open the store for a ``with`` block; until its end `hilum cache prune` keeps off.

        Parameters
        ----------
        folder : Path, optional
            Where it is; `cache_folder` and ``features`` otherwise.
        progress : Progress
        """
        store = cls(cache_folder() / "features" if folder is None else folder, progress)
        with _in_use(store.folder):
            try:
                yield store
            finally:
                store.close()

    def section(self, context: Context) -> Section | None:
        """Return the section of a context, made if need be; None, with a note, where it cannot be opened."""
        if context.key not in self._sections:
            self._sections[context.key] = self._opened(context)
        return self._sections[context.key]

    def close(self) -> None:
        """Release the files; a store is not used afterwards."""
        for section in self._sections.values():
            if section is not None:
                section.close()

    def _opened(self, context: Context) -> Section | None:
        folder = self.folder / context.key[:32]
        try:
            return Section(folder, context, self._progress)
        except (lmdb.Error, OSError) as error:
            self._progress.say(
                f"{folder}: the feature cache cannot be used, so all features are computed: {error}. "
                f"Delete the folder if it is damaged, or set {CACHE_VARIABLE} to another one."
            )
            return None


class Section:
    """Features of images in one context.

    Every lookup is a transaction of its own, so that none keeps old pages alive.

    Parameters
    ----------
    folder : Path
        Its own folder, made if need be.
    context : Context
    progress : Progress
        Hears when something cannot be stored.
    """

    def __init__(self, folder: Path, context: Context, progress: Progress = SILENT) -> None:
        self.folder = folder
        self.context = context
        self._progress = progress
        self._writable = True
        self._connect()
        self._note()

    def close(self) -> None:
        """Release the file; a section is not used afterwards."""
        self._environment.close()

    def get(self, image: str, count: int) -> Record | None:
        """Look an image up; for several threads at once.

        Parameters
        ----------
        image : str
            SHA-256 of the file's bytes.
        count : int
            How many features there must be.

        Returns
        -------
        Record or None
            None when it is absent or damaged.
        """
        self._follow_fork()
        try:
            with self._environment.begin(buffers=True) as transaction:
                value = transaction.get(image.encode())
                return None if value is None else unsealed(image, value, count)
        except lmdb.Error:  # a damaged page
            return None

    def put(self, items: Sequence[Record]) -> None:
        """Store images in one commit: after a kill all are there, or none."""
        self._follow_fork()
        if not self._writable:
            return
        try:
            with self._environment.begin(write=True) as transaction:
                for item in items:
                    transaction.put(item.image.encode(), sealed(item))
        except lmdb.Error as error:
            self._writable = False
            self._progress.say(f"{self.folder}: features can no longer be stored: {error}.")

    def _connect(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = os.getpid()
        self._environment = lmdb.open(str(self.folder), map_size=_MAP_BYTES)
        try:
            _check_length(self._environment, self.folder)
            self._environment.reader_check()  # frees what killed processes held
        except BaseException:
            self._environment.close()
            raise

    def _note(self) -> None:
        """Write what the section is, or mark it as used."""
        note = self.folder / NOTE
        with suppress(OSError):
            if note.is_file():
                os.utime(note)
            else:
                write_json(note, asdict(self.context))

    def _follow_fork(self) -> None:
        """Open anew in a forked child: LMDB forbids it to use its parent's environment."""
        if self._process != os.getpid():
            self._environment.close()  # the child's copy alone
            self._connect()


@contextmanager
def _in_use(folder: Path) -> Iterator[None]:
    """Hold a lock of this process in the store, which a kill releases too; none where none can be made."""
    lock = FileLock(folder / IN_USE / f"{os.getpid()}-{os.urandom(4).hex()}")
    try:
        (folder / IN_USE).mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def _check_length(environment: Any, folder: Path) -> None:
    """Refuse a file that was cut short: reading beyond its end would kill the process."""
    pages = environment.info()["last_pgno"] + 1
    expected = pages * environment.stat()["psize"]
    found = (folder / "data.mdb").stat().st_size
    if found < expected:
        message = f"data.mdb is cut short: {found} of {expected} bytes"
        raise lmdb.CorruptedError(message)
