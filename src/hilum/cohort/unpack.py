"""Unpacks the part of a zip file that is wanted, and nothing outside the folder named."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hilum.errors import SourceError
from hilum.progress import Progress

__all__ = ["unpack"]


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
