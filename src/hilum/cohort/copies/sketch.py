"""What is kept of each image while copies are sought: two hashes and a small square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.artifact import hash_bytes
from hilum.cohort.copies.shelf import SIDE, Shelf
from hilum.errors import RadiographError
from hilum.progress import SILENT, Progress
from hilum.radiograph import ahead, decode, read_content

__all__ = ["Sketches", "sketch"]


@dataclass(frozen=True, eq=False)
class Sketches:
    """Sketches of images, row by row.

    Parameters
    ----------
    files, contents : tuple of str
        Hashes of the bytes, and of the pixels with their size; empty where the image failed.
    squares : Shelf
        The whole image, stretched; 0 where it failed.
    shapes : ndarray of int, shape (n, 2)
        Rows and columns of the image; 0 where it failed.
    failures : dict of int to RadiographError
        Why rows failed.
    """

    files: tuple[str, ...]
    contents: tuple[str, ...]
    squares: Shelf
    shapes: NDArray[np.int64]
    failures: dict[int, RadiographError]


def sketch(paths: Sequence[Path], progress: Progress = SILENT) -> Sketches:
    """Read images and sketch them; one that cannot be read is recorded, and ends nothing.

    Parameters
    ----------
    paths : sequence of Path
    progress : Progress
    """
    files, contents = [""] * len(paths), [""] * len(paths)
    squares = Shelf()
    shapes = np.zeros((len(paths), 2), np.int64)
    failures: dict[int, RadiographError] = {}
    done = progress.track(ahead(_sketched, paths), what="Reading images", total=len(paths))
    for row, found in enumerate(done):
        if isinstance(found, RadiographError):
            failures[row] = found
            squares.put(np.zeros((SIDE, SIDE), np.uint8))
        else:
            files[row], contents[row], square, shapes[row] = found
            squares.put(square)
    return Sketches(tuple(files), tuple(contents), squares, shapes, failures)


def _sketched(path: Path) -> tuple[str, str, NDArray[np.uint8], tuple[int, int]] | RadiographError:
    try:
        content = read_content(path)
        pixels = decode(content, path).pixels
    except RadiographError as error:
        return error
    rows, columns = pixels.shape
    pixel_hash = hash_bytes(f"{rows} {columns}".encode(), pixels.tobytes())
    small = Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR
    )
    return hash_bytes(content), pixel_hash, np.asarray(small), (rows, columns)
