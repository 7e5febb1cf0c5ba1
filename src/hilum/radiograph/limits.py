"""How much one file may ask for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from hilum.errors import OversizedImageError

__all__ = ["DEFAULT_LIMITS", "Limits"]

_REMEDY = "Scale the image down, or raise Limits if the file is trusted."


@dataclass(frozen=True)
class Limits:
    """What reading one file may cost; checked from sizes and headers, before anything is unpacked.

    The defaults admit a 35 cm × 43 cm film digitised at 50 µm in plain 16-bit pixels (60 megapixels), and
    keep what a file of up to 64 MB adds below 512 MB of memory.

    Parameters
    ----------
    file_bytes : int
        Size of the file on disk.
    pixels : int
        Rows × columns that the header declares.
    unpacked_bytes : int
        Memory that unpacking takes at its peak, as the decoder's cost per pixel tells.

    Examples
    --------
    >>> Limits(pixels=1_000_000).file_bytes
    134217728
    """

    file_bytes: int = 128 << 20
    pixels: int = 64 << 20
    unpacked_bytes: int = 448 << 20

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                msg = f"{field.name}: expected at least 1, found {getattr(self, field.name)}"
                raise ValueError(msg)

    def check_file(self, size: int, path: Path | str) -> None:
        """Refuse a file of `size` bytes that is too large.

        Raises
        ------
        OversizedImageError
            If `size` exceeds `file_bytes`.
        """
        if size > self.file_bytes:
            raise OversizedImageError(
                "the file is too large",
                path=path,
                expected=f"at most {self.file_bytes:,} bytes",
                found=f"{size:,}",
                remedy=_REMEDY,
            )

    def check_image(self, rows: int, columns: int, bytes_per_pixel: int, path: Path | str) -> None:
        """Refuse an image of `rows` × `columns` whose unpacking takes too much.

        Raises
        ------
        OversizedImageError
            If the pixels, or the pixels times `bytes_per_pixel`, exceed the limits.
        """
        allowed = min(self.pixels, self.unpacked_bytes // bytes_per_pixel)
        if rows * columns > allowed:
            raise OversizedImageError(
                "the image is too large",
                path=path,
                expected=f"at most {allowed:,} pixels",
                found=f"{rows} × {columns}",
                remedy=_REMEDY,
            )


DEFAULT_LIMITS = Limits()
