"""Which files a user means by files, folders and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from hilum.errors import RadiographError

__all__ = ["find_images"]


def find_images(paths: Iterable[Path | str]) -> list[Path]:
    """Return the files that paths name, in the order of the paths, each once.

    Parameters
    ----------
    paths : iterable of Path or str
        Files, folders and patterns (``*``, ``?``, ``[…]``, ``**``). Folders and patterns are searched to the
        bottom in sorted order, without hidden files and folders, and without following links to folders. No
        file is left out for its extension: content decides what is an image, when it is read.

    Raises
    ------
    RadiographError
        If a path does not exist, a folder cannot be read, or a pattern or folder gives no file.
    """
    found = (file for path in paths for file in _expand(path))
    return list(dict.fromkeys(found))


def _expand(path: Path | str) -> list[Path]:
    if not str(path):  # which Path takes for the working folder
        raise RadiographError("a path is empty", remedy="Name a file, a folder or a pattern.")
    place = Path(path)
    if place.is_dir():
        files = list(_walk(place))
        if not files:
            raise RadiographError("the folder holds no files", path=path)
        return files
    if place.exists():
        return [place]
    if not glob.has_magic(str(path)):
        raise RadiographError("no such file or folder", path=path, remedy="Check the name.")
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207  absolute too
    files = [file for match in matches for file in (_walk(match) if match.is_dir() else [match])]
    if not files:
        raise RadiographError("no file matches the pattern", path=path, remedy="Check the pattern.")
    return files


def _refuse(error: OSError) -> None:
    raise RadiographError("the folder cannot be read", path=error.filename, found=error.strerror) from error


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))
