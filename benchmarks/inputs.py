"""What the benchmarks read: samples of a folder, any number of different files, and fitted models."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from PIL import Image

from benchmarks.measuring import BenchmarkError, Results, weights_of
from hilum.radiograph import find_images
from hilum.recipe import Setting
from hilum.recipe.settings import Precision
from hilum.run.train import train

__all__ = ["link", "make_model", "multiply", "numbered", "sample"]

_MODEL_IMAGES = 60  # time does not depend on how well a model is fitted
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_MODES = frozenset({"1", "L", "P", "LA", "RGB", "RGBA"})  # at most 8 bits a sample
_PNG_START = 8 + 25  # signature, and the chunk IHDR
_JPEG_START = 2  # the marker SOI
_SPARE = 1.1  # of the disk, besides the files


def sample(data: Path, count: int) -> list[Path]:
    """Choose 8-bit JPEG and PNG files evenly from a sorted folder, so that each collection has its share.

    Returns
    -------
    list of Path
        At most `count` files.

    Raises
    ------
    BenchmarkError
        If there is none.
    """
    candidates = [path for path in find_images([data]) if path.suffix.lower() in _SUFFIXES]
    count = min(count, len(candidates))
    bounds = [place * len(candidates) // count for place in range(count + 1)] if count else []
    parts = [candidates[start:stop] for start, stop in pairwise(bounds)]
    chosen = [next(filter(_is_usable, part), None) for part in parts]
    found = [path for path in chosen if path is not None]
    if not found:
        msg = f"{data}: no 8-bit JPEG or PNG file is here. Name another folder with --data or HILUM_DATA."
        raise BenchmarkError(msg)
    return found


def _is_usable(path: Path) -> bool:
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            return image.mode in _MODES
    except (OSError, ValueError, Image.DecompressionBombError):
        return False


def link(files: Sequence[Path], folder: Path) -> Path:
    """Collect files in a new folder as numbered symbolic links."""
    folder.mkdir(parents=True)
    for number, path in enumerate(files):
        (folder / f"{number:06}{path.suffix}").symlink_to(path.resolve())
    return folder


def numbered(content: bytes, number: int) -> bytes:
    r"""Return a PNG or JPEG file with a number in a comment: other bytes, the same pixels.

    Examples
    --------
    >>> numbered(b"\xff\xd8\xff\xd9", 7)
    b'\xff\xd8\xff\xfe\x00\x037\xff\xd9'
    """
    note = str(number).encode()
    if content.startswith(b"\xff\xd8"):  # a segment COM: its length counts itself
        segment = b"\xff\xfe" + struct.pack(">H", 2 + len(note)) + note
        return content[:_JPEG_START] + segment + content[_JPEG_START:]
    if content.startswith(b"\x89PNG"):
        body = b"tEXtnumber\0" + note
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return content[:_PNG_START] + chunk + content[_PNG_START:]
    msg = "expected a PNG or a JPEG file"
    raise ValueError(msg)


def multiply(files: Sequence[Path], counts: Sequence[int], folder: Path) -> None:
    """Write files with different bytes, using each of `files` again and again.

    ``folder/COUNT`` holds the files that each of the ascending `counts` has more than the one before.

    Raises
    ------
    BenchmarkError
        If the disk has too little space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = [path.read_bytes() for path in files]
    needed = _SPARE * sum(map(len, contents)) * counts[-1] / len(contents)
    free = shutil.disk_usage(folder).free
    if needed > free:
        msg = f"{folder}: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free. See --images and --scratch."
        raise BenchmarkError(msg)
    for first, last in pairwise((0, *counts)):
        (folder / str(last)).mkdir()
        for number in range(first, last):
            which = number % len(files)
            path = folder / str(last) / f"{number:06}{files[which].suffix}"
            path.write_bytes(numbered(contents[which], number))


def make_model(network: str, precision: Precision, folder: Path, results: Results) -> Path:
    """Train on a few synthetic radiographs and return the run, ``folder/NETWORK-PRECISION``."""
    words = (
        f"cohort.select.0.options={{images: {_MODEL_IMAGES}, size: 256}}",
        f"backbone.name={network}",
        f"backbone.weights={weights_of(network)}",
        "engine.kind=openvino",
        f"engine.precision={precision}",
    )
    out = folder / f"{network}-{precision}"
    settings = [Setting.parse(word) for word in words]
    train("demo", folder / "data", out, settings=settings, audited=False, progress=results)
    return out
