"""The test images with their predictions, errors first: as tiles of the page and as pages for print."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from hilum.files import replacing
from hilum.metrics import Predictions
from hilum.progress import SILENT, Progress
from hilum.report.content import Content, Pixels
from hilum.report.style import COLOURS, INK, QUIET, shorten
from hilum.report.text import count, plural, share

__all__ = ["Tile", "choice", "data_uri", "fit", "jpeg", "shown", "tiles", "write_album"]

MOST = 1200
"""Errors that are shown at most, and correct images; a page with many more would not open."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A test image with its label, the predicted class, and the probability of that class."""

    image: str
    correct: str
    predicted: str
    probability: float
    thumbnail: Pixels | None

    @property
    def right(self) -> bool:
        """Whether the prediction is the label."""
        return self.predicted == self.correct

    @property
    def name(self) -> str:
        """File name without folders."""
        return self.image.replace("\\", "/").rsplit("/", 1)[-1]


def shown(test: Predictions) -> NDArray[np.intp]:
    """Rows of the test images to show, `MOST` errors and `MOST` correct ones at most.

    Errors come first, the most confident on top; then correct images, the least confident on top.
    """
    right = test.labels == test.predicted
    confidence = _confidence(test)
    order = np.lexsort((test.images.astype(str), np.where(right, confidence, -confidence), right))
    wrong = int((~right).sum())
    return np.concatenate([order[:wrong][:MOST], order[wrong:][:MOST]])


def _confidence(test: Predictions) -> NDArray[np.float64]:
    """Probability of the predicted class, (n,)."""
    return np.asarray(test.probabilities[np.arange(len(test)), test.predicted])


def tiles(content: Content) -> list[Tile]:
    """The test images that are `shown`, in that order."""
    test = content.test
    rows = shown(test)
    columns = test.images[rows], test.labels[rows], test.predicted[rows], _confidence(test)[rows]
    return [
        Tile(image, test.classes[label], test.classes[called], float(sure), content.thumbnails.get(image))
        for image, label, called, sure in zip(*columns, strict=True)
    ]


def choice(wrong: int, right: int) -> str:
    """Which images are shown; empty where all are.

    >>> choice(12, 5000)
    'Shown: all errors and the 1,200 least confident correct images. All images are in predictions.csv.'
    """
    if max(wrong, right) <= MOST:
        return ""
    first = "all errors" if wrong <= MOST else f"the {count(MOST)} most confident errors"
    second = "all correct images" if right <= MOST else f"the {count(MOST)} least confident correct images"
    return f"Shown: {first} and {second}. All images are in predictions.csv."


def fit(pixels: Pixels, rows: int, columns: int) -> Pixels:
    """Scale an image down to at most `rows` and `columns` pixels; never up.

    >>> fit(np.zeros((400, 200), np.uint8), 100, 100).shape
    (100, 50)
    """
    image = Image.fromarray(pixels)
    image.thumbnail((columns, rows), Image.Resampling.LANCZOS)
    return np.asarray(image)


def jpeg(pixels: Pixels, side: int, quality: int = 78) -> bytes:
    """Encode an image as a grayscale JPEG of at most `side` x `side` pixels."""
    stream = io.BytesIO()
    Image.fromarray(fit(pixels, side, side)).save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


def data_uri(kind: str, data: bytes) -> str:
    """Encode bytes as a data URI.

    >>> data_uri("image/png", b"hilum")
    'data:image/png;base64,aGlsdW0='
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


WIDTH_INCH, HEIGHT_INCH = 8.27, 11.69
COLUMNS, ROWS = 4, 6
PER_PAGE = COLUMNS * ROWS
MARGIN_INCH = 0.55
TOP_INCH = 1.12
CELL_WIDTH_INCH = (WIDTH_INCH - 2 * MARGIN_INCH) / COLUMNS
CELL_HEIGHT_INCH = (HEIGHT_INCH - TOP_INCH - 0.35) / ROWS
PICTURE_WIDTH_INCH, PICTURE_HEIGHT_INCH = CELL_WIDTH_INCH - 0.2, 1.06
SHARE_INCH = 0.42
PIXELS_PER_INCH = 128
GRAY_STEP = 4  # 64 grey levels suffice for a thumbnail and compress to half the size
WRONG = COLOURS[1]


def write_album(content: Content, path: Path, progress: Progress = SILENT) -> None:
    """Write the test images that are `shown` as a paged PDF, within `hilum.report.style.style`.

    Equal content gives equal bytes.
    """
    album = tiles(content)
    pages = [album[start : start + PER_PAGE] for start in range(0, len(album), PER_PAGE)] or [[]]
    facts = {"Title": f"Test images of {content.name}", "Creator": "hilum", "CreationDate": None}
    with replacing(path) as temporary, PdfPages(temporary, metadata=facts) as pdf:
        for number, page in enumerate(progress.track(pages, what="Drawing pages", total=len(pages)), start=1):
            figure, axes = _sheet()
            _head(axes, content, f"Page {number} of {len(pages)}")
            _pictures(axes, page)
            _outline_errors(axes, page)
            axes.add_artist(_Lines([line for place, tile in enumerate(page) for line in _words(tile, place)]))
            pdf.savefig(figure)


def _sheet() -> tuple[Figure, Axes]:
    """Make one page with axes in inches from the upper left corner."""
    figure = Figure(figsize=(WIDTH_INCH, HEIGHT_INCH))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return figure, axes


def _head(axes: Axes, content: Content, page: str) -> None:
    wrong, total = content.errors, content.confusion.n
    origin = "Synthetic images. " if content.synthetic else ""
    origin += "Random weights: the backbone was not trained. " if content.untrained else ""
    axes.text(MARGIN_INCH, 0.5, shorten(content.title, 60), fontsize=13, weight="bold")
    line = f"{plural(total, 'test image')}, {plural(wrong, 'error')}; errors first."
    meaning = choice(wrong, total - wrong) or "Percentage: probability of the predicted class."
    axes.text(MARGIN_INCH, 0.72, f"{line} {meaning}", fontsize=8)
    axes.text(MARGIN_INCH, 0.9, f"{origin}Research, not diagnosis.", fontsize=8, weight="bold")
    axes.text(WIDTH_INCH - MARGIN_INCH, 0.9, page, fontsize=8, color=QUIET, ha="right")


def _corner(place: int) -> tuple[float, float]:
    row, column = divmod(place, COLUMNS)
    return MARGIN_INCH + column * CELL_WIDTH_INCH, TOP_INCH + row * CELL_HEIGHT_INCH


def _pictures(axes: Axes, page: Sequence[Tile]) -> None:
    """Draw all pictures of a page as one image, which is fast and gives a small file."""
    canvas = np.full((_pixels(HEIGHT_INCH), _pixels(WIDTH_INCH)), 255, np.uint8)
    rows, columns = _pixels(PICTURE_HEIGHT_INCH), _pixels(PICTURE_WIDTH_INCH)
    for place, tile in enumerate(page):
        if tile.thumbnail is None:
            continue
        pixels = fit(tile.thumbnail, rows, columns)
        x, y = map(_pixels, _corner(place))
        y += rows - pixels.shape[0]
        canvas[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels - pixels % GRAY_STEP
    extent = (0, WIDTH_INCH, HEIGHT_INCH, 0)
    axes.imshow(np.dstack([canvas] * 3), extent=extent, aspect="auto", interpolation="none")


def _pixels(inches: float) -> int:
    return round(inches * PIXELS_PER_INCH)


def _outline_errors(axes: Axes, page: Sequence[Tile]) -> None:
    size = CELL_WIDTH_INCH - 0.06, CELL_HEIGHT_INCH - 0.06
    for place, tile in enumerate(page):
        if not tile.right:
            x, y = _corner(place)
            corner = x - 0.07, y - 0.06
            axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=WRONG, linewidth=1.8))


class _Line(NamedTuple):
    """A line of text, with its start in inches from the left and upper edges of the page."""

    x: float
    y: float
    text: str
    size: float = 7
    colour: str = INK
    weight: str = "normal"


def _words(tile: Tile, place: int) -> Iterator[_Line]:
    x, y = _corner(place)
    if tile.thumbnail is None:
        yield _Line(x + 0.1, y + PICTURE_HEIGHT_INCH / 2, "no picture", colour=QUIET)
    below = y + PICTURE_HEIGHT_INCH + 0.13
    mark, colour, weight = ("✓ correct", QUIET, "normal") if tile.right else ("✗ ERROR", WRONG, "bold")
    yield _Line(x, below, mark, colour=colour, weight=weight)
    yield _Line(x + PICTURE_WIDTH_INCH - SHARE_INCH, below, share(tile.probability))
    yield _Line(x, below + 0.12, f"Predicted {shorten(tile.predicted, 17)}")
    yield _Line(x, below + 0.24, f"Label {shorten(tile.correct, 21)}")
    yield _Line(x, below + 0.35, shorten(tile.name, 34), size=5.5, colour=QUIET)


class _Lines(Artist):
    """Many lines of text as one artist; matplotlib's Text measures each line before drawing it."""

    def __init__(self, lines: Sequence[_Line]) -> None:
        super().__init__()
        self._lines = lines

    def draw(self, renderer: RendererBase) -> None:
        """Draw all lines."""
        inch: Any = renderer.points_to_pixels(72)
        context = renderer.new_gc()
        for line in self._lines:
            context.set_foreground(line.colour)
            font = FontProperties(size=line.size, weight=line.weight)
            place = line.x * inch, (HEIGHT_INCH - line.y) * inch
            renderer.draw_text(context, *place, line.text, font, 0)
        context.restore()
