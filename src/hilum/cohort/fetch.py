"""Downloads a collection from its public home."""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import FileLock

from hilum.artifact import hash_file
from hilum.cohort.download import download
from hilum.cohort.sources import Archive, Source, source
from hilum.cohort.unpack import unpack
from hilum.errors import SourceError
from hilum.progress import SILENT, Progress

__all__ = ["fetch"]


def fetch(name: str, data: Path, progress: Progress = SILENT) -> Path:
    """Download and unpack a collection to ``data/name``.

    An interrupted download goes on where it stopped; the folder appears whole or not at all. A collection
    that is there already is left as it is.

    For none of the three archives is a SHA-256 known that could be confirmed. What came is hashed, and the
    hash said through `progress`, to be compared and kept; damage is found by the archive's own check sums.
    GitHub's archives are each of one named commit.

    Parameters
    ----------
    name : str
        Of a source that has an archive.
    data : Path
    progress : Progress

    Returns
    -------
    Path
        The collection's folder.

    Raises
    ------
    OfflineError
        If its home cannot be reached; says where to put the files by hand.
    SourceError
        If there is no such source, nothing to download, another file than expected, or something else in
        its place.
    """
    wanted = source(name)
    if wanted.archive is None:
        raise SourceError(f"the source {name!r} has nothing to download", expected=wanted.layout)
    folder = data / name
    work = data / f".hilum-fetch-{name}"
    work.mkdir(parents=True, exist_ok=True)
    with FileLock(work / "lock"):
        if _is_there(wanted, folder):
            progress.say(f"{name} is there already: {folder}")
        else:
            _fetch(wanted, wanted.archive, folder, work, progress)
    shutil.rmtree(work, ignore_errors=True)
    return folder


def _is_there(wanted: Source, folder: Path) -> bool:
    if (folder / wanted.marker).exists():
        return True
    if folder.exists() and any(folder.iterdir()):
        raise SourceError(
            "something else is in the collection's place",
            path=folder,
            expected=wanted.layout,
            found=", ".join(sorted(path.name for path in folder.iterdir())[:8]),
            remedy="Move it away first",
        )
    return False


def _fetch(wanted: Source, archive: Archive, folder: Path, work: Path, progress: Progress) -> None:
    packed, unpacked = work / f"{wanted.name}.zip", work / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    progress.say(f"{wanted.title}: {wanted.home} (licence: {wanted.licence}; cite {wanted.citation})")
    if not packed.exists():
        remedy = f"Put {wanted.layout} into {folder} by hand, from {wanted.home}"
        download(archive.url, archive.sha256, packed, remedy, progress)
    if archive.sha256 is None:
        progress.say(f"No checksum is published; sha256 of what came: {hash_file(packed)}")
    try:
        unpack(packed, unpacked, archive.inside, archive.keep, progress)
        _require_layout(wanted, unpacked, archive.url)
    except SourceError:
        packed.unlink()  # the next call downloads anew
        raise
    if folder.exists():
        folder.rmdir()
    unpacked.replace(folder)


def _require_layout(wanted: Source, unpacked: Path, url: str) -> None:
    if not (unpacked / wanted.marker).exists():
        raise SourceError(
            f"{url} is laid out differently",
            expected=wanted.layout,
            found=", ".join(sorted(path.name for path in unpacked.iterdir())[:8]) or "nothing of it",
        )
