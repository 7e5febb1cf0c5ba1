"""Images to measure with: some of a folder's, and any number of files with bytes of their own."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from PIL import Image

from hilum.errors import BenchError
from hilum.progress import SILENT, Progress
from hilum.radiograph import find_images

__all__ = ["link", "multiply", "numbered", "sample"]


_FORMATS = ("JPEG", "PNG")
_MODES = frozenset({"1", "L", "P", "LA", "RGB", "RGBA"})  # of at most 8 bits a sample
_PNG_START = 8 + 25  # signature, and the chunk IHDR
_JPEG_START = 2  # the marker SOI
_ROOM = 1.1  # of the disk, besides the files


def sample(data: Path, count: int) -> list[Path]:
    """Choose 8-bit JPEG and PNG files, evenly over a folder in sorted order: each collection has its share.

    Parameters
    ----------
    data : Path
    count : int
        As many are returned, or all if there are fewer.

    Raises
    ------
    BenchError
        If there is none.
    """
    usable = [path for path in find_images([data]) if _is_usable(path)]
    if not usable:
        raise BenchError("no 8-bit JPEG or PNG file is here", path=data, remedy="Name another folder.")
    count = min(count, len(usable))
    return [usable[place * len(usable) // count] for place in range(count)]


def link(files: Sequence[Path], folder: Path) -> Path:
    """Gather files in a new folder, as links with numbers for names."""
    folder.mkdir(parents=True)
    for number, path in enumerate(files):
        (folder / f"{number:06}{path.suffix}").symlink_to(path.resolve())
    return folder


def numbered(content: bytes, number: int) -> bytes:
    r"""Return a PNG or JPEG file with a comment that holds a number: other bytes, the same picture.

    Parameters
    ----------
    content : bytes
        Of a PNG or JPEG file.
    number : int

    Raises
    ------
    ValueError
        If it is neither.

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


def multiply(files: Sequence[Path], counts: Sequence[int], folder: Path, progress: Progress = SILENT) -> None:
    """Write any number of files, all of different bytes, into folders that add up to each count.

    Files are stored in ``folder/COUNT``, which holds what that count has more than the one before.

    Parameters
    ----------
    files : sequence of Path
        PNG and JPEG files, which are used again and again.
    counts : sequence of int
        Ascending.
    folder : Path
    progress : Progress

    Raises
    ------
    BenchError
        If the disk has too little room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = [path.read_bytes() for path in files]
    _require_room(sum(map(len, contents)) * counts[-1] // len(contents), folder)
    numbers: Iterator[int] = iter(range(counts[-1]))
    done = 0
    for count in counts:
        place = folder / str(count)
        place.mkdir()
        wanted = list(islice(numbers, count - done))
        chosen = islice(cycle(range(len(files))), done, None)
        pairs = zip(wanted, chosen, strict=False)
        for number, which in progress.track(pairs, what="Writing files", total=len(wanted)):
            path = place / f"{number:06}{files[which].suffix}"
            path.write_bytes(numbered(contents[which], number))
        done = count


def _require_room(size: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size * _ROOM > free:
        raise BenchError(
            "the disk has too little room for the images",
            path=folder,
            expected=f"{size * _ROOM / 1e9:.1f} GB free",
            found=f"{free / 1e9:.1f} GB",
            remedy="Measure fewer images, or name another folder with --scratch.",
        )


def _is_usable(path: Path) -> bool:
    try:
        with Image.open(path, formats=_FORMATS) as image:
            return image.mode in _MODES
    except (OSError, ValueError, Image.DecompressionBombError):
        return False
