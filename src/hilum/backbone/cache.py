"""What lies in the cache folder, and removing some of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import lmdb
from filelock import FileLock, Timeout

from hilum.backbone.backbone import FACTS
from hilum.backbone.store import IN_USE, NOTE, cache_folder
from hilum.errors import CacheError

__all__ = ["Kept", "Kind", "contents", "remove"]


_DAY_S = 86_400
_GONE = ".gone-"
_UNKNOWN = "not told"


class Kind(StrEnum):
    """What is kept, by the names of its folders."""

    FEATURES = "features"
    """A section of the feature store."""
    NETWORKS = "networks"
    """A network's graph."""
    BENCH = "bench"
    """Environments and logs of the benchmarks."""


@dataclass(frozen=True)
class Kept:
    """One thing in the cache: a folder, or a file.

    Parameters
    ----------
    path : Path
    kind : Kind
    network : str
        timm's name; ``"not told"`` where it is not known.
    about : str
        For features the preprocessing and the engine; empty otherwise.
    images : int
        Of which features are kept.
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
        """How long ago it was last used."""
        return (time.time() - self.used) / _DAY_S


def contents(folder: Path | None = None) -> list[Kept]:
    """List what the cache folder holds, the largest first; nothing where there is none.

    Parameters
    ----------
    folder : Path, optional
        `cache_folder` otherwise.
    """
    folder = cache_folder() if folder is None else folder
    found = [_kept(path, kind) for kind in Kind for path in _entries(folder / kind)]
    return sorted(found, key=lambda kept: kept.bytes, reverse=True)


def remove(items: Iterable[Kept], folder: Path | None = None) -> int:
    """Remove things from the cache, and return how many bytes that frees.

    Each vanishes in one step: after a kill it is there whole, or not at all, and the next call clears what is
    left of it on disk.

    Parameters
    ----------
    items : iterable of Kept
        Of `contents`.
    folder : Path, optional
        As for `contents`.

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
        item.path.replace(item.path.with_name(_GONE + item.path.name))
        freed += item.bytes
    _clear(folder)
    return freed


def _clear(folder: Path) -> None:
    for kind in Kind:
        for path in (folder / kind).glob(f"{_GONE}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, apart from locks and what is half removed."""
    return [path for path in folder.glob("*") if not path.name.startswith(".")]


def _kept(path: Path, kind: Kind) -> Kept:
    note = path / (NOTE if kind is Kind.FEATURES else FACTS)
    facts = _read(note)
    files = list(_files(path))
    marks = [status for file, status in files if file == note] or [status for _, status in files]
    return Kept(
        path=path,
        kind=kind,
        network=facts.get("network", facts.get("name", _UNKNOWN)),
        about=", ".join(facts[key] for key in ("preprocessing", "engine") if key in facts),
        images=_images(path) if kind is Kind.FEATURES else 0,
        bytes=sum(_on_disk(status) for _, status in files),
        used=max((status.st_mtime for status in marks), default=time.time()),
    )


def _read(note: Path) -> dict[str, str]:
    try:
        facts = json.loads(note.read_bytes())
        facts = facts.get("facts", facts)
        return {key: value for key, value in facts.items() if isinstance(value, str)}
    except (OSError, ValueError, AttributeError):  # of an older version, damaged, or not written yet
        return {}


def _files(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files at and below a path; one that another process has just removed is none."""
    for file in (path, *path.rglob("*")):
        with suppress(OSError):
            status = file.stat()
            if stat.S_ISREG(status.st_mode):
                yield file, status


def _on_disk(status: os.stat_result) -> int:
    return getattr(status, "st_blocks", -(-status.st_size // 512)) * 512


def _images(folder: Path) -> int:
    """Count the images of a section; 0 where it is damaged."""
    try:
        with lmdb.open(str(folder), readonly=True, create=False, lock=False) as environment:
            return int(environment.stat()["entries"])
    except (lmdb.Error, OSError):
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
                remedy="Wait until it has ended.",
            ) from error
        lock.release()
        path.unlink(missing_ok=True)
