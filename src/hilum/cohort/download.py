"""Downloading and unpacking a collection: resumed after an interruption, verified, and complete or absent."""

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
from hilum.cohort.sources.source import found_in
from hilum.errors import HilumError, OfflineError, SourceError
from hilum.files import hash_file
from hilum.progress import SILENT, Progress

__all__ = ["fetch", "unpack"]

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30.0


def fetch(name: str, data: Path, progress: Progress = SILENT) -> Path:
    """Download and unpack a collection to ``data/name``.

    An interrupted download is resumed; the folder appears complete or not at all. A collection that is
    present is left as it is. If the publisher states no SHA-256, the one of the downloaded file is reported
    through `progress`, and only the archive's own checksums are verified. GitHub's archives are each of a
    fixed commit.

    Raises
    ------
    OfflineError
        If the server cannot be reached; the message says where to put the files by hand.
    SourceError
        If there is no such source, it has nothing to download, the file is not the expected one, or the
        folder holds something else.
    """
    wanted = source(name)
    if wanted.archive is None:
        raise SourceError(f"the source {name!r} has nothing to download", expected=wanted.layout)
    folder = data / name
    work = data / f".hilum-fetch-{name}"
    work.mkdir(parents=True, exist_ok=True)
    with FileLock(work / "lock"):
        if _is_present(wanted, folder):
            progress.say(f"{name} is already present: {folder}")
        else:
            _fetch(wanted, wanted.archive, folder, work, progress)
    shutil.rmtree(work, ignore_errors=True)
    return folder


def _is_present(wanted: Source, folder: Path) -> bool:
    if (folder / wanted.marker).exists():
        return True
    if folder.exists() and any(folder.iterdir()):
        raise SourceError(
            "the collection's folder holds something else",
            path=folder,
            expected=wanted.layout,
            found=found_in(folder),
            remedy="Move it away first",
        )
    return False


def _fetch(wanted: Source, archive: Archive, folder: Path, work: Path, progress: Progress) -> None:
    packed, unpacked = work / f"{wanted.name}.zip", work / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    progress.say(f"{wanted.title}: {wanted.home} (licence: {wanted.licence}; cite {wanted.citation})")
    if not packed.exists():
        remedy = f"Put {wanted.layout} into {folder} by hand, from {wanted.home}"
        _download(archive, packed, remedy, progress)
    if archive.sha256 is None:
        progress.say(f"The publisher states no checksum; the file's sha256 is {hash_file(packed)}")
    try:
        unpack(packed, unpacked, archive.inside, archive.keep, progress)
        _require_layout(wanted, unpacked, archive.url)
    except SourceError:
        packed.unlink()  # the next call downloads it again
        raise
    if folder.exists():
        folder.rmdir()
    unpacked.replace(folder)


def _require_layout(wanted: Source, folder: Path, url: str) -> None:
    if not (folder / wanted.marker).exists():
        raise SourceError(f"{url} has an unexpected layout", expected=wanted.layout, found=found_in(folder))


def _download(archive: Archive, path: Path, remedy: str, progress: Progress) -> None:
    """Download to `path`, complete and verified; an interruption leaves a ``.part`` file beside it."""
    pooch.get_logger().setLevel(logging.WARNING)  # at INFO it prints the hash of every unverified file
    downloader = _ResumingDownloader(path.with_name(path.name + ".part"), remedy, progress)
    try:
        pooch.retrieve(
            archive.url, known_hash=archive.sha256, fname=path.name, path=path.parent, downloader=downloader
        )
    except HilumError:
        raise
    except ValueError as error:  # pooch found another hash, and has removed the file
        raise SourceError(
            f"{archive.url} gave another file than expected",
            expected=f"sha256 {archive.sha256}",
            remedy=remedy,
        ) from error


class _ResumingDownloader:
    """A downloader for pooch, whose own cannot resume."""

    def __init__(self, part: Path, remedy: str, progress: Progress) -> None:
        self._part = part
        self._remedy = remedy
        self._progress = progress

    def __call__(self, url: str, output_file: str, _pooch: Any) -> None:
        try:
            self._resume(url)
        except requests.RequestException as error:
            raise self._unreachable(url, error) from error
        shutil.move(self._part, output_file)

    def _resume(self, url: str) -> None:
        present = self._present_bytes()
        # A length would otherwise be that of the compressed stream, not of the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={present}-"} if present else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                if response.headers.get("Content-Range") == f"bytes */{present}":
                    return  # it was complete already
                self._part.unlink()  # longer than the file is now
                self._resume(url)
                return
            if response.status_code not in {requests.codes.ok, requests.codes.partial_content}:
                raise OfflineError(
                    f"the server refuses {url}",
                    found=f"HTTP {response.status_code} {response.reason}",
                    remedy=self._remedy,
                )
            resumed = response.status_code == requests.codes.partial_content
            self._write(response, "ab" if resumed else "wb")

    def _write(self, response: requests.Response, mode: str) -> None:
        length = int(response.headers.get("Content-Length", 0))
        chunks: Iterator[bytes] = response.iter_content(_CHUNK_BYTES)
        total = -(-length // _CHUNK_BYTES) or None
        with self._part.open(mode) as file:
            for chunk in self._progress.track(chunks, what="Downloading (MiB)", total=total):
                file.write(chunk)

    def _unreachable(self, url: str, error: Exception) -> OfflineError:
        present = self._present_bytes()
        if present:
            what, remedy = f"the download of {url} was interrupted", "Run it again to resume"
            return OfflineError(
                what, found=f"{type(error).__name__} after {present >> 20} MiB", remedy=remedy
            )
        return OfflineError(f"{url} cannot be reached", found=type(error).__name__, remedy=self._remedy)

    def _present_bytes(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0


def unpack(archive: Path, folder: Path, inside: str, keep: tuple[str, ...], progress: Progress) -> int:
    """Unpack the files and folders in `keep` from the folder `inside` of a zip file, and count the files.

    `inside` is as in `Archive`. `SourceError` is raised if the file is damaged or not a zip file, needs
    more space than there is, or a wanted entry is a link or leads out of the folder.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            wanted = list(_wanted(packed, inside, keep, archive))
            _require_space(sum(entry.file_size for entry in wanted), folder, archive)
            for entry in progress.track(wanted, what="Unpacking", total=len(wanted)):
                packed.extract(entry, folder)
            return len(wanted)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError(
            "the archive is damaged or not a zip file", path=archive, found=str(error)
        ) from error


def _wanted(
    packed: zipfile.ZipFile, inside: str, keep: tuple[str, ...], archive: Path
) -> Iterator[zipfile.ZipInfo]:
    """Yield the entries to unpack, renamed to their path below `inside`."""
    for entry in packed.infolist():
        path = _below(PurePosixPath(entry.filename), inside)
        if entry.is_dir() or path is None or path.parts[0] not in keep:
            continue
        if ".." in path.parts or "\\" in entry.filename or ":" in entry.filename:
            raise SourceError("an entry leads out of the folder", path=archive, found=repr(entry.filename))
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise SourceError("an entry is a link", path=archive, found=repr(entry.filename))
        entry.filename = str(path)
        yield entry


def _below(path: PurePosixPath, inside: str) -> PurePosixPath | None:
    steps = PurePosixPath(inside).parts
    head, rest = path.parts[: len(steps)], path.parts[len(steps) :]
    matches = len(head) == len(steps) and all(
        step in {"*", part} for step, part in zip(steps, head, strict=True)
    )
    return PurePosixPath(*rest) if matches and rest else None


def _require_space(needed: int, folder: Path, archive: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SourceError(
            "the disk has too little space to unpack the archive",
            path=archive,
            expected=f"{needed >> 20} MiB",
            found=f"{free >> 20} MiB free",
        )
