"""The cache folder: features and networks that were computed before, found by content; and its upkeep.

Features lie in a section for each context, that is, for all that decides them besides an image's bytes. A
section is a folder with an LMDB environment and a note that describes the context for people. After a kill,
the environment is as the last commit left it; several processes may use it at once. Each value carries a
digest of its key and content; a damaged one counts as absent and is written anew. Where a section cannot be
opened or written (read-only folder, full disk, damaged file), work goes on without it, and a message says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import numpy as np
import platformdirs
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from hilum.errors import CacheError
from hilum.files import write_json
from hilum.progress import SILENT, Progress
from hilum.radiograph import Header

__all__ = [
    "IN_USE",
    "NETWORK_NOTE",
    "NOTE",
    "CacheEntry",
    "Context",
    "FeatureStore",
    "Kind",
    "Record",
    "Section",
    "cache_folder",
    "contents",
    "remove",
]

CACHE_VARIABLE = "HILUM_CACHE"
NOTE = "context.json"
"""Describes a section; its time is when the section was last opened."""
NETWORK_NOTE = "facts.json"
"""Describes a network; its time is when the network was last opened."""
IN_USE = ".in-use"
"""Folder with a locked file for each process that has the store open."""

_MAP_BYTES = 1 << 37  # address space only; the file grows with what is in it
_DAY_S = 86_400
_REMOVED = ".gone-"
_UNKNOWN = "unknown"


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
        Its description for people.
    """

    key: str
    network: str
    preprocessing: str
    engine: str


class FeatureStore:
    """Features of images, in a section for each context; `progress` is told when one cannot be stored."""

    def __init__(self, folder: Path, progress: Progress = SILENT) -> None:
        self.folder = folder
        self._progress = progress
        self._sections: dict[str, Section | None] = {}

    @classmethod
    @contextmanager
    def open(cls, folder: Path | None = None, progress: Progress = SILENT) -> Iterator[FeatureStore]:
        """Open the store for a ``with`` block, during which `hilum cache prune` removes nothing.

        `folder` is ``features`` in the `cache_folder` unless it is given.
        """
        store = cls(cache_folder() / "features" if folder is None else folder, progress)
        with _in_use(store.folder):
            try:
                yield store
            finally:
                store.close()

    def section(self, context: Context) -> Section | None:
        """Return a context's section, created if needed; None, with a message, where it cannot be opened."""
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
        """Look an image up; several threads may do so at once.

        Parameters
        ----------
        image : str
            SHA-256 of the file's bytes.
        count : int
            Expected number of features.

        Returns
        -------
        Record or None
            None where it is absent or damaged.
        """
        self._follow_fork()
        try:
            with self._environment.begin(buffers=True) as transaction:
                value = transaction.get(image.encode())
                return None if value is None else _unsealed(image, value, count)
        except lmdb.Error:  # a damaged page
            return None

    def put(self, items: Sequence[Record]) -> None:
        """Store images in one commit: after a kill, all are there, or none."""
        self._follow_fork()
        if not self._writable:
            return
        try:
            with self._environment.begin(write=True) as transaction:
                for item in items:
                    transaction.put(item.image.encode(), _sealed(item))
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
        note = self.folder / NOTE
        with suppress(OSError):
            if note.is_file():
                os.utime(note)
            else:
                write_json(note, asdict(self.context))

    def _follow_fork(self) -> None:
        """Reopen in a forked child, which must not use its parent's LMDB environment."""
        if self._process != os.getpid():
            self._environment.close()  # the child's copy alone
            self._connect()


@contextmanager
def _in_use(folder: Path) -> Iterator[None]:
    """Hold a lock of this process in the store; a kill releases it too. On a read-only disk there is none."""
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
    """Refuse a truncated file: reading beyond its end would kill the process."""
    pages = environment.info()["last_pgno"] + 1
    expected = pages * environment.stat()["psize"]
    found = (folder / "data.mdb").stat().st_size
    if found < expected:
        message = f"data.mdb is cut short: {found} of {expected} bytes"
        raise lmdb.CorruptedError(message)


_DIGEST_BYTES = 16
_LENGTH_BYTES = 2
_FACTS = tuple(fact.name for fact in fields(Header))
_SPACING = _FACTS.index("spacing_mm")
_SEAL = hashlib.blake2b(",".join(_FACTS).encode(), digest_size=_DIGEST_BYTES)
"""Values of a version with other header facts do not match it, and count as absent."""


class Record(NamedTuple):
    """Features and header of an image, which is named by the SHA-256 of the file's bytes."""

    image: str
    values: NDArray[np.float32]
    header: Header


def _sealed(item: Record) -> bytes:
    """Serialise a record: digest, length of the header's facts, these as a JSON list, float32 values."""
    facts = json.dumps([getattr(item.header, name) for name in _FACTS]).encode()
    content = len(facts).to_bytes(_LENGTH_BYTES, "little") + facts + item.values.astype("<f4").tobytes()
    return _digest(item.image, content) + content


def _unsealed(image: str, value: memoryview, count: int) -> Record | None:
    """Return an image's record; None where its bytes are damaged, or hold another number of features."""
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


class Kind(StrEnum):
    """Kinds of entries; each has a folder of its name."""

    FEATURES = "features"
    NETWORKS = "networks"
    BENCH = "bench"
    """Environments and logs of the benchmarks."""


@dataclass(frozen=True)
class CacheEntry:
    """A folder or file in the cache.

    Parameters
    ----------
    network : str
        timm's name; ``"unknown"`` where the entry does not state it.
    about : str
        Preprocessing and engine of features; empty otherwise.
    images : int
        Number of images whose features are kept.
    bytes : int
        On disk.
    used : float
        When it was last opened or written, in seconds since 1970.
    """

    path: Path
    kind: Kind
    network: str
    about: str
    images: int
    bytes: int
    used: float

    @property
    def age_days(self) -> float:
        """Days since it was last used."""
        return (time.time() - self.used) / _DAY_S


def contents(folder: Path | None = None) -> list[CacheEntry]:
    """List what the cache folder (`cache_folder` unless given) holds, the largest first."""
    folder = cache_folder() if folder is None else folder
    found = [_entry(path, kind) for kind in Kind for path in _entries(folder / kind)]
    return sorted(found, key=lambda kept: kept.bytes, reverse=True)


def remove(items: Iterable[CacheEntry], folder: Path | None = None) -> int:
    """Remove entries from the cache, and return the number of bytes freed.

    Each is removed in one step: after a kill it is there whole, or not at all, and the next call deletes
    what is left of it on disk.

    Raises
    ------
    CacheError
        If another process uses the cache; nothing is removed then.
    """
    folder = cache_folder() if folder is None else folder
    _refuse_in_use(folder / Kind.FEATURES)
    _clear(folder)
    freed = 0
    for item in items:
        item.path.replace(item.path.with_name(_REMOVED + item.path.name))
        freed += item.bytes
    _clear(folder)
    return freed


def _clear(folder: Path) -> None:
    for kind in Kind:
        for path in (folder / kind).glob(f"{_REMOVED}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, besides locks and what is half removed."""
    return [path for path in folder.glob("*") if not path.name.startswith(".")]


def _entry(path: Path, kind: Kind) -> CacheEntry:
    note = path / (NOTE if kind is Kind.FEATURES else NETWORK_NOTE)
    facts = _described(note)
    files = list(_files(path))
    marks = [status for file, status in files if file == note] or [status for _, status in files]
    return CacheEntry(
        path=path,
        kind=kind,
        network=facts.get("network", facts.get("name", _UNKNOWN)),
        about=", ".join(facts[key] for key in ("preprocessing", "engine") if key in facts),
        images=_images(path) if kind is Kind.FEATURES else 0,
        bytes=sum(_on_disk(status) for _, status in files),
        used=max((status.st_mtime for status in marks), default=time.time()),
    )


def _described(note: Path) -> dict[str, str]:
    try:
        facts = json.loads(note.read_bytes())
        facts = facts.get("facts", facts)
        return {key: value for key, value in facts.items() if isinstance(value, str)}
    except (OSError, ValueError, AttributeError):  # of an older version, damaged, or not written yet
        return {}


def _files(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files at and below a path, except those that another process has just removed."""
    for file in (path, *path.rglob("*")):
        with suppress(OSError):
            status = file.stat()
            if stat.S_ISREG(status.st_mode):
                yield file, status


def _on_disk(status: os.stat_result) -> int:
    return getattr(status, "st_blocks", -(-status.st_size // 512)) * 512


def _images(folder: Path) -> int:
    try:
        with lmdb.open(str(folder), readonly=True, create=False, lock=False) as environment:
            return int(environment.stat()["entries"])
    except (lmdb.Error, OSError):  # damaged
        return 0


def _refuse_in_use(features: Path) -> None:
    for path in (features / IN_USE).glob("*"):
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise CacheError(
                "another hilum process uses the cache",
                path=features,
                found=f"process {path.name.partition('-')[0]}",
                remedy="Wait until it has finished.",
            ) from error
        lock.release()
        path.unlink(missing_ok=True)
