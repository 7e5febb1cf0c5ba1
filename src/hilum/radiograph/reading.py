"""From a file to a `Radiograph`, or to one typed error."""

from __future__ import annotations

import glob
import os
import stat
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.errors import (
    CorruptFileError,
    NotARadiographError,
    OversizedImageError,
    RadiographError,
    UnsupportedFormatError,
)
from hilum.radiograph import dicom, raster
from hilum.radiograph.radiograph import DEFAULT_LIMITS, Format, Limits, Radiograph, recognise

__all__ = ["decode", "find_images", "read", "read_content"]


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


_SHORTEST_SIDE = 16
_ROUNDING = 1e-6  # of means
_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))


def read(path: Path | str, limits: Limits = DEFAULT_LIMITS, *, side: int | None = None) -> Radiograph:
    """Read a radiograph from a raster or DICOM file.

    Parameters
    ----------
    path : Path or str
        The file; its name and extension say nothing about its format.
    limits : Limits
        What the file may ask for.
    side : int, optional
        See `decode`.

    Raises
    ------
    RadiographError
        For anything that is in the file or wrong with it, and nothing else: see `decode`.
    """
    return decode(read_content(Path(path), limits), path, limits, side=side)


def decode(
    content: bytes, path: Path | str, limits: Limits = DEFAULT_LIMITS, *, side: int | None = None
) -> Radiograph:
    """Decode the bytes of a file, for callers that hash them too.

    Parameters
    ----------
    content : bytes
        The whole file.
    path : Path or str
        For messages only.
    limits : Limits
        What the file may ask for.
    side : int, optional
        Side in pixels of the square that is made of the picture. Large pictures then come reduced by 2, 4 or
        8, so that their shorter side keeps at least four times as many pixels, and are prepared together
        with `Radiograph.extent`. What is refused does not depend on it.

    Raises
    ------
    UnsupportedFormatError
        If it is no image, or of a format that hilum does not read.
    CorruptFileError
        If it is damaged, cut short, or contradicts itself.
    OversizedImageError
        If its header declares more than `limits` allow.
    NotARadiographError
        If it is an image but no projection radiograph: several frames, CT, a constant picture, a side
        below 16 pixels.
    """
    limits.check_file(len(content), path)
    decoder = dicom.decode if recognise(content, path) is Format.DICOM else raster.decode
    # The one place where the exceptions of all libraries become ours. Their texts may quote the file
    # (names of patients), so only their types are kept.
    try:
        with _quiet():
            radiograph = decoder(content, path, limits, side)
    except RadiographError:
        raise
    except MemoryError as error:
        raise OversizedImageError("too little memory to decode it", path=path) from error
    except RecursionError as error:
        raise CorruptFileError("its elements are nested too deeply", path=path) from error
    except Exception as error:
        raise CorruptFileError(
            "the image cannot be decoded",
            path=path,
            found=type(error).__name__,
            remedy="Copy or export it again from its source.",
        ) from error
    _check_size(radiograph, path)
    if radiograph.extent is None:
        if _varies_by(radiograph.pixels, 0):
            return radiograph
        raise NotARadiographError("every pixel has the same value", path=path)
    if not _varies_by(radiograph.pixels, _ROUNDING):
        decode(content, path, limits)  # a fine pattern, of which only the mean is left, or nothing at all
    return radiograph


def read_content(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Read the bytes of a file, for callers that hash them before they `decode` them.

    Raises
    ------
    RadiographError
        If it is no file (a folder, a pipe, a device), cannot be opened, or is larger than `limits` allow.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would block, a device never end
            kind = next((name for test, name in _KINDS if test(status.st_mode)), "a device")
            raise UnsupportedFormatError("it is no file", path=path, expected="an image file", found=kind)
        limits.check_file(status.st_size, path)
        with path.open("rb") as file:
            return file.read(status.st_size + 1)  # Python sets aside room for all that is asked for
    except FileNotFoundError as error:
        raise RadiographError("no such file", path=path, remedy="Check the name.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        cause = getattr(error, "strerror", None) or "its name is not valid"
        raise RadiographError("it cannot be opened", path=path, found=cause.lower()) from error


def _check_size(radiograph: Radiograph, path: Path | str) -> None:
    rows, columns = radiograph.extent or radiograph.pixels.shape
    if min(rows, columns) < _SHORTEST_SIDE:
        raise NotARadiographError(
            "too small for a radiograph",
            path=path,
            expected=f"sides of at least {_SHORTEST_SIDE} pixels",
            found=f"{rows} × {columns}",
        )


def _varies_by(pixels: NDArray[np.float32], least: float) -> bool:
    """Tell whether pixels differ by more than `least`; seldom by looking at all of them."""
    return any(float(np.ptp(part)) > least for part in (pixels[len(pixels) // 2], pixels))


class _Quiet:
    """Silence warnings while any thread decodes.

    `warnings.catch_warnings` alone restores the filters in the wrong order when threads overlap.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._catch = warnings.catch_warnings()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._catch = warnings.catch_warnings()
                self._catch.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._catch.__exit__(None, None, None)


_quiet = _Quiet()
