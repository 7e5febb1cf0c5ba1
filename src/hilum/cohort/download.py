"""A download that takes up where the last one stopped."""

from __future__ import annotations

import logging
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pooch
import requests
from filelock import FileLock

from hilum.cohort.sources import Archive, Source, source
from hilum.errors import HilumError, OfflineError, SourceError
from hilum.files import hash_file
from hilum.progress import SILENT, Progress

__all__ = ["download", "fetch", "unpack"]


_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30.0


def download(url: str, sha256: str | None, path: Path, remedy: str, progress: Progress) -> None:
    """Download `url` to `path`, whole and verified.

    What an interrupted download leaves is beside `path` as ``.part``, and the next one asks the server for
    the rest.

    Parameters
    ----------
    url : str
    sha256 : str or None
        Of the file; None where its publisher states none, and then nothing is verified but the length.
    path : Path
    remedy : str
        What a person can do where the server cannot be reached.
    progress : Progress

    Raises
    ------
    OfflineError
        If the server cannot be reached, refuses, or stops on the way.
    SourceError
        If the file is not the one that `sha256` names; it is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel(logging.WARNING)  # it prints the hash of what has none, and more
    fetcher = _Resuming(path.with_name(path.name + ".part"), remedy, progress)
    try:
        pooch.retrieve(url, known_hash=sha256, fname=path.name, path=path.parent, downloader=fetcher)
    except HilumError:
        raise
    except ValueError as error:  # pooch's word for another hash; it has removed the file
        raise SourceError(
            f"another file than expected came from {url}",
            expected=f"sha256 {sha256}",
            remedy=remedy,
        ) from error


class _Resuming:
    """A downloader as pooch calls it, on top of a file that survives an interruption."""

    def __init__(self, part: Path, remedy: str, progress: Progress) -> None:
        self._part = part
        self._remedy = remedy
        self._progress = progress

    def __call__(self, url: str, output_file: str, _pooch: Any) -> None:
        try:
            self._continue(url)
        except requests.RequestException as error:
            raise self._unreachable(url, error) from error
        shutil.move(self._part, output_file)

    def _continue(self, url: str) -> None:
        here = self._part.stat().st_size if self._part.exists() else 0
        # Packed again on the way, a length would not be the file's.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={here}-"} if here else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                if response.headers.get("Content-Range") == f"bytes */{here}":
                    return  # it was whole already
                self._part.unlink()  # longer than the file is now: start again
                self._continue(url)
                return
            self._refuse_failure(url, response)
            resumed = response.status_code == requests.codes.partial_content
            self._append(response, here if resumed else 0)

    def _append(self, response: requests.Response, start: int) -> None:
        length = int(response.headers.get("Content-Length", 0))
        chunks: Iterator[bytes] = response.iter_content(_CHUNK_BYTES)
        total = -(-length // _CHUNK_BYTES) or None
        with self._part.open("ab" if start else "wb") as file:
            for chunk in self._progress.track(chunks, what="Downloading (MiB)", total=total):
                file.write(chunk)

    def _refuse_failure(self, url: str, response: requests.Response) -> None:
        if response.status_code not in {requests.codes.ok, requests.codes.partial_content}:
            raise OfflineError(
                f"the collection's home does not give {url}",
                found=f"HTTP {response.status_code} {response.reason}",
                remedy=self._remedy,
            )

    def _unreachable(self, url: str, error: Exception) -> OfflineError:
        here = self._part.stat().st_size if self._part.exists() else 0
        if here:
            what, remedy = f"{url} stopped on the way", f"Run it again: {here >> 20} MiB are kept"
        else:
            what, remedy = f"{url} cannot be reached", self._remedy
        return OfflineError(what, found=type(error).__name__, remedy=remedy)


def unpack(archive: Path, folder: Path, inside: str, keep: tuple[str, ...], progress: Progress) -> int:
    """Unpack to `folder` what `archive` holds below `inside`, of that the names in `keep`.

    Parameters
    ----------
    archive : Path
        A zip file.
    folder : Path
    inside : str
        Folder in the archive; ``*`` for one of any name, empty for its top.
    keep : tuple of str
        Files and folders there; all else is left in the archive.
    progress : Progress

    Returns
    -------
    int
        Files unpacked.

    Raises
    ------
    SourceError
        If it is no zip file, is damaged, needs more space than there is, or has a wanted entry that is a link
        or leads out of the folder.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            wanted = list(_wanted(packed, inside, keep, archive))
            _require_space(sum(entry.file_size for entry, _ in wanted), folder, archive)
            for entry, name in progress.track(wanted, what="Unpacking", total=len(wanted)):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(entry) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
            return len(wanted)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError("the archive is damaged, or no zip file", path=archive, found=str(error)) from error


def _wanted(
    packed: zipfile.ZipFile, inside: str, keep: tuple[str, ...], archive: Path
) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    for entry in packed.infolist():
        name = _below(PurePosixPath(entry.filename), inside)
        if entry.is_dir() or name is None or name.parts[0] not in keep:
            continue
        if ".." in name.parts or "\\" in entry.filename or ":" in entry.filename:
            raise SourceError("an entry leads out of the folder", path=archive, found=repr(entry.filename))
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise SourceError("an entry is a link", path=archive, found=repr(entry.filename))
        yield entry, name


def _below(name: PurePosixPath, inside: str) -> PurePosixPath | None:
    """The entry's path below `inside`; None where it is elsewhere."""
    steps = PurePosixPath(inside).parts
    head, rest = name.parts[: len(steps)], name.parts[len(steps) :]
    fits = len(head) == len(steps) and all(
        want in {"*", part} for want, part in zip(steps, head, strict=True)
    )
    return PurePosixPath(*rest) if fits and rest else None


def _require_space(needed: int, folder: Path, archive: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SourceError(
            "the disk is too small to unpack it",
            path=archive,
            expected=f"{needed >> 20} MiB",
            found=f"{free >> 20} MiB free",
        )


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
