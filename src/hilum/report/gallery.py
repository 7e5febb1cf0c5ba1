"""Test images with what the classifier said of them, the wrong ones first."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.evaluate import Predictions
from hilum.report.content import Content
from hilum.report.format import count

__all__ = ["MOST", "Pixels", "Tile", "choice", "data_uri", "fit", "jpeg", "shown", "tiles"]

MOST = 1200
"""Wrong images that are shown, and right ones; a page of many more would not open."""

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


def shown(test: Predictions) -> NDArray[np.intp]:
    """Rows of the test images to show: wrong ones first, the surest on top; then right ones, the least sure.

    `MOST` of each at most.
    """
    right = test.labels == test.predicted
    sureness = _sureness(test)
    order = np.lexsort((test.images.astype(str), np.where(right, sureness, -sureness), right))
    wrong = int((~right).sum())
    return np.concatenate([order[:wrong][:MOST], order[wrong:][:MOST]])


def _sureness(test: Predictions) -> NDArray[np.float64]:
    """Probability of the class that was predicted, (n,)."""
    return np.asarray(test.probabilities[np.arange(len(test)), test.predicted])


def tiles(content: Content) -> list[Tile]:
    """Give the test images that are `shown`, in that order."""
    test = content.predictions.part("test")
    rows = shown(test)
    columns = test.images[rows], test.labels[rows], test.predicted[rows], _sureness(test)[rows]
    return [
        Tile(image, test.classes[label], test.classes[called], float(sure), content.thumbnails.get(image))
        for image, label, called, sure in zip(*columns, strict=True)
    ]


def choice(wrong: int, right: int) -> str:
    """Say which images are shown, of so many wrong and right ones; empty where all are.

    >>> choice(12, 5000)
    'Shown: all wrong ones and the 1,200 least sure right ones. Every image is in predictions.csv.'
    """
    if max(wrong, right) <= MOST:
        return ""
    first = "all wrong ones" if wrong <= MOST else f"the {count(MOST)} surest wrong ones"
    second = "all right ones" if right <= MOST else f"the {count(MOST)} least sure right ones"
    return f"Shown: {first} and {second}. Every image is in predictions.csv."


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
