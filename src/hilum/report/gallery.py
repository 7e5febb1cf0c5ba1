"""Every test image with what the classifier said of it, the wrong ones first."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.report.content import Content

__all__ = ["Pixels", "Tile", "data_uri", "fit", "jpeg", "tiles"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Tile:
    """One test image and its prediction.

    Parameters
    ----------
    image : str
        Its path in the cohort.
    correct, predicted : str
        Its label, and the class the classifier chose.
    probability : float
        What the classifier gives for `predicted`, in [0, 1].
    thumbnail : ndarray of uint8, shape (rows, columns), optional
    """

    image: str
    correct: str
    predicted: str
    probability: float
    thumbnail: NDArray[np.uint8] | None

    @property
    def right(self) -> bool:
        """Whether the prediction is the label."""
        return self.predicted == self.correct

    @property
    def name(self) -> str:
        """File name without its folders."""
        return self.image.replace("\\", "/").rsplit("/", 1)[-1]


def tiles(content: Content) -> list[Tile]:
    """All test images: wrong ones first, the surest on top; then right ones, the least sure on top."""
    test = content.predictions.part("test")
    chosen = test.probabilities[np.arange(len(test.table)), test.predicted]
    found = [
        Tile(
            str(image),
            test.classes[label],
            test.classes[predicted],
            float(probability),
            content.thumbnails.get(str(image)),
        )
        for image, label, predicted, probability in zip(
            test.table["image"], test.labels, test.predicted, chosen, strict=True
        )
    ]
    return sorted(found, key=_rank)


def _rank(tile: Tile) -> tuple[bool, float, str]:
    return tile.right, tile.probability if tile.right else -tile.probability, tile.image


def fit(pixels: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Scale an image down to at most `rows` and `columns` pixels; smaller ones stay as they are.

    Examples
    --------
    >>> fit(np.zeros((400, 200), np.uint8), 100, 100).shape
    (100, 50)
    """
    image = Image.fromarray(pixels)
    image.thumbnail((columns, rows), Image.Resampling.LANCZOS)
    return np.asarray(image)


def jpeg(pixels: NDArray[np.uint8], side: int, quality: int = 78) -> bytes:
    """Give an image of at most `side` pixels a side as a grayscale JPEG."""
    stream = io.BytesIO()
    Image.fromarray(fit(pixels, side, side)).save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


def data_uri(kind: str, data: bytes) -> str:
    """Write bytes so that a page holds them itself.

    >>> data_uri("image/png", b"hilum")
    'data:image/png;base64,aGlsdW0='
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
