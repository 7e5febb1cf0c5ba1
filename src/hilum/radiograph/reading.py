"""Reading: from paths to files, and from a file to a `Radiograph` or one typed error."""

from __future__ import annotations

import glob
import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
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
from hilum.radiograph import raster
from hilum.radiograph.radiograph import DEFAULT_LIMITS, Format, Limits, Radiograph, recognise

__all__ = ["decode", "find_images", "read", "read_content"]

_SHORTEST_SIDE = 16  # pixels
_ROUNDING = 1e-6  # of the means in reduced pixels
_FILE_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))


def find_images(paths: Iterable[Path | str]) -> list[Path]:
    """Return the files that paths name, in the order of the paths, without repeats.

    Parameters
    ----------
    paths : iterable of Path or str
        Files, folders and patterns (``*``, ``?``, ``[…]``, ``**``). Folders and patterns are searched
        recursively in sorted order; hidden files and folders are skipped and links to folders are not
        followed. Extensions are ignored: content decides whether a file is an image, when it is read.

    Raises
    ------
    RadiographError
        If a path does not exist, a folder cannot be read, or a pattern or folder gives no file.
    """
    found = (file for path in paths for file in _expand(path))
    return list(dict.fromkeys(found))


def _expand(path: Path | str) -> list[Path]:
    if not str(path):  # Path("") is the working folder
        raise RadiographError("a path is empty", remedy="Name a file, a folder or a pattern.")
    place = Path(path)
    if place.is_dir():
        files = list(_walk(place))
        if not files:
            raise RadiographError("the folder contains no files", path=path)
        return files
    if place.exists():
        return [place]
    if not glob.has_magic(str(path)):
        raise RadiographError("no such file or folder", path=path, remedy="Check the name.")
    matches = map(Path, sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207  absolute patterns too
    files = [file for match in matches for file in (_walk(match) if match.is_dir() else [match])]
    if not files:
        raise RadiographError("no file matches the pattern", path=path, remedy="Check the pattern.")
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_refuse_folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def _refuse_folder(error: OSError) -> None:
    raise RadiographError("the folder cannot be read", path=error.filename, found=error.strerror) from error


def read(path: Path | str, limits: Limits = DEFAULT_LIMITS, *, side: int | None = None) -> Radiograph:
    """Read a radiograph from a raster or DICOM file, whose format is recognised by content.

    `side` and the kinds of `RadiographError`, which every fault of the file raises, are those of `decode`.
    """
    return decode(read_content(Path(path), limits), path, limits, side=side)


def read_content(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Read the bytes of a file, for callers that hash them before they `decode` them.

    Raises
    ------
    RadiographError
        If it is not a regular file, cannot be opened, or is larger than `limits` allow.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would block, a device would never end
            kind = next((name for test, name in _FILE_KINDS if test(status.st_mode)), "a device")
            raise UnsupportedFormatError("not a file", path=path, expected="an image file", found=kind)
        limits.check_file(status.st_size, path)
        with path.open("rb") as file:
            return file.read(status.st_size + 1)  # bounded, since Python allocates what is asked for
    except FileNotFoundError as error:
        raise RadiographError("no such file", path=path, remedy="Check the name.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        cause = getattr(error, "strerror", None) or "its name is not valid"
        raise RadiographError("the file cannot be opened", path=path, found=cause.lower()) from error


def decode(
    content: bytes, path: Path | str, limits: Limits = DEFAULT_LIMITS, *, side: int | None = None
) -> Radiograph:
    """Decode the bytes of a file.

    Parameters
    ----------
    content : bytes
        The whole file.
    path : Path or str
        For messages only.
    limits : Limits
    side : int, optional
        Side in pixels of the square image that the caller will make of it. Large images are then decoded at
        1/2, 1/4 or 1/8 of their size, so that the shorter side keeps at least four times as many pixels;
        pass `Radiograph.extent` to the preprocessing. The errors raised do not depend on `side`.

    Raises
    ------
    UnsupportedFormatError
        If it is not an image, or of a format that hilum does not read.
    CorruptFileError
        If it is damaged, truncated or inconsistent.
    OversizedImageError
        If its header declares more than `limits` allow.
    NotARadiographError
        If it is an image but not a projection radiograph: several frames, CT, a constant image, a side
        below 16 pixels.
    """
    limits.check_file(len(content), path)
    decoder = _decoder(recognise(content, path))
    try:
        with _quiet():
            radiograph = decoder(content, path, limits, side)
    # Of other exceptions, only the type is reported: their texts may quote the file, and so a patient's name.
    except RadiographError:
        raise
    except MemoryError as error:
        raise OversizedImageError("too little memory to decode the image", path=path) from error
    except RecursionError as error:
        raise CorruptFileError("its elements are nested too deeply", path=path) from error
    except Exception as error:
        raise CorruptFileError(
            "the image cannot be decoded",
            path=path,
            found=type(error).__name__,
            remedy="Copy or export it again from its source.",
        ) from error
    rows, columns = radiograph.extent or radiograph.pixels.shape
    if min(rows, columns) < _SHORTEST_SIDE:
        raise NotARadiographError(
            "too small for a radiograph",
            path=path,
            expected=f"sides of at least {_SHORTEST_SIDE} pixels",
            found=f"{rows} × {columns}",
        )
    if radiograph.extent is None and not _varies_by(radiograph.pixels, 0):
        raise NotARadiographError("every pixel has the same value", path=path)
    if radiograph.extent is not None and not _varies_by(radiograph.pixels, _ROUNDING):
        decode(content, path, limits)  # raises unless a fine pattern was averaged out
    return radiograph


def _decoder(form: Format) -> Callable[[bytes, Path | str, Limits, int | None], Radiograph]:
    if form is not Format.DICOM:
        return raster.decode
    from hilum.radiograph.dicom import pixels  # noqa: PLC0415  raster files need no pydicom

    return pixels.decode


def _varies_by(pixels: NDArray[np.float32], least: float) -> bool:
    """Whether pixels differ by more than `least`; the middle row usually suffices."""
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
