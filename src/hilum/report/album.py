"""The gallery on paper: an A4 PDF with 24 test images a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

from hilum.artifact import replacing
from hilum.progress import SILENT, Progress
from hilum.report.content import Content
from hilum.report.format import count, plural, share
from hilum.report.gallery import Tile, choice, fit, tiles
from hilum.report.style import COLOURS, INK, QUIET, shorten, style

__all__ = ["PER_PAGE", "write_album"]

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
GRAY_STEP = 4  # 64 levels of gray are plenty for a thumbnail, and pack half as large
WRONG = COLOURS[1]


def write_album(content: Content, path: Path, progress: Progress = SILENT) -> None:
    """Write the gallery's test images with predicted and correct label, wrong ones first, as a paged PDF.

    The same content gives the same bytes.
    """
    album = tiles(content)
    pages = [album[start : start + PER_PAGE] for start in range(0, len(album), PER_PAGE)] or [[]]
    facts = {"Title": f"Test images of {content.recipe.name}", "Creator": "hilum", "CreationDate": None}
    with style(), replacing(path) as temporary, PdfPages(temporary, metadata=facts) as pdf:
        for number, page in enumerate(progress.track(pages, what="Drawing pages", total=len(pages)), start=1):
            figure, axes = _sheet()
            _head(axes, content, f"Page {number} of {len(pages)}")
            _pictures(axes, page)
            _frames(axes, page)
            axes.add_artist(_Lines([line for place, tile in enumerate(page) for line in _words(tile, place)]))
            pdf.savefig(figure)


def _sheet() -> tuple[Figure, Axes]:
    """One page whose axes count inches from the upper left corner."""
    figure = Figure(figsize=(WIDTH_INCH, HEIGHT_INCH))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return figure, axes


def _head(axes: Axes, content: Content, page: str) -> None:
    right, total = int(content.confusion.counts.trace()), content.confusion.n
    origin = "Synthetic images. " if content.synthetic else ""
    origin += "Random weights: the network was not trained. " if content.untrained else ""
    axes.text(MARGIN_INCH, 0.5, shorten(content.recipe.title, 60), fontsize=13, weight="bold")
    line = f"{plural(total, 'test image')}, {count(total - right)} wrong; wrong ones first."
    meaning = choice(total - right, right) or "The percentage is the probability of the predicted class."
    axes.text(MARGIN_INCH, 0.72, f"{line} {meaning}", fontsize=8)
    axes.text(MARGIN_INCH, 0.9, f"{origin}Research, not diagnosis.", fontsize=8, weight="bold")
    axes.text(WIDTH_INCH - MARGIN_INCH, 0.9, page, fontsize=8, color=QUIET, ha="right")


def _corner(place: int) -> tuple[float, float]:
    row, column = divmod(place, COLUMNS)
    return MARGIN_INCH + column * CELL_WIDTH_INCH, TOP_INCH + row * CELL_HEIGHT_INCH


def _pictures(axes: Axes, page: Sequence[Tile]) -> None:
    """Draw all pictures of a page as one image: fast, and small in the file."""
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


def _frames(axes: Axes, page: Sequence[Tile]) -> None:
    size = CELL_WIDTH_INCH - 0.06, CELL_HEIGHT_INCH - 0.06
    for place, tile in enumerate(page):
        if not tile.right:
            x, y = _corner(place)
            corner = x - 0.07, y - 0.06
            axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=WRONG, linewidth=1.8))


class _Line(NamedTuple):
    """A line of text that begins so many inches from the page's left and upper edge."""

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
    mark, colour, weight = ("✓ right", QUIET, "normal") if tile.right else ("✗ WRONG", WRONG, "bold")
    yield _Line(x, below, mark, colour=colour, weight=weight)
    yield _Line(x + PICTURE_WIDTH_INCH - SHARE_INCH, below, share(tile.probability))
    yield _Line(x, below + 0.12, f"Predicted {shorten(tile.predicted, 17)}")
    yield _Line(x, below + 0.24, f"Correct {shorten(tile.correct, 19)}")
    yield _Line(x, below + 0.35, shorten(tile.name, 34), size=5.5, colour=QUIET)


class _Lines(Artist):
    """Many lines of text as one artist: matplotlib's own for each would measure it before drawing."""

    def __init__(self, lines: Sequence[_Line]) -> None:
        super().__init__()
        self._lines = lines

    def draw(self, renderer: RendererBase) -> None:
        """Draw every line where it begins."""
        inch: Any = renderer.points_to_pixels(72)
        context = renderer.new_gc()
        for line in self._lines:
            context.set_foreground(line.colour)
            font = FontProperties(size=line.size, weight=line.weight)
            place = line.x * inch, (HEIGHT_INCH - line.y) * inch
            renderer.draw_text(context, *place, line.text, font, 0)
        context.restore()
