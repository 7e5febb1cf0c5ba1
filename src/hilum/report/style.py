"""The common style of all figures, legible on a page, on a phone and on paper."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image

__all__ = [
    "COLOURS",
    "INK",
    "LINES",
    "MARKERS",
    "QUIET",
    "draw",
    "lay_out",
    "new_figure",
    "png",
    "shorten",
    "style",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""A palette for colour-blind readers (Okabe and Ito 2008, jfly.uni-koeln.de/color)."""
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
INK = "#1f2933"
QUIET = "#7b8794"
DPI = 200
PAD_INCH = 0.05
PNG_LEVEL = 1  # half the time of the default 6, for files 5 % larger

_WIDER_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei", "Arial Unicode MS")

_SETTINGS: dict[str, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.titley": 1.0,  # a fixed place: otherwise matplotlib measures every label above the axes
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "text.parse_math": False,  # "$" in the name of a class or source is a character
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw with our settings, whatever the caller's are; a missing glyph becomes a box, without a warning.

    Enter it once around all drawing and encoding: each entry resets all of matplotlib's settings.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        with mpl.rc_context():
            mpl.rcdefaults()
            settings: Any = mpl.rcParams  # its stubs know each key by name
            settings.update(_SETTINGS | {"font.family": _fonts()})
            yield


@cache
def _fonts() -> list[str]:
    """DejaVu Sans, which comes with matplotlib, and installed fonts for the glyphs that it lacks."""
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _WIDER_FONTS if name in installed)]


def new_figure(width_inch: float = 4.0, height_inch: float = 3.3) -> tuple[Figure, Axes]:
    """Make an empty figure with one pair of axes; narrow, so that its text is legible on a phone."""
    figure = Figure(figsize=(width_inch, height_inch))
    return figure, figure.add_subplot()


def draw(figure: Figure) -> Image.Image:
    """Lay out and rasterise a figure of `new_figure`, within `style`."""
    figure.set_dpi(DPI)
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    lay_out(figure, canvas.get_renderer())
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def png(image: Image.Image) -> bytes:
    """Encode an image as PNG; equal images give equal bytes."""
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=PNG_LEVEL, dpi=(DPI, DPI))
    return stream.getvalue()


def lay_out(figure: Figure, renderer: RendererBase) -> None:
    """Fit the axes with their labels, and the legends below, into the figure.

    Every label is measured once. Matplotlib's constrained layout measures all labels twice, because it allows
    for several axes.
    """
    (axes,) = figure.axes
    pad = PAD_INCH * figure.dpi
    left, below, right, above = _overhang(axes, renderer)
    below += sum(legend.get_window_extent(renderer).height + 2 * pad for legend in figure.legends)
    width, height = figure.bbox.size
    inner = Bbox.from_extents(left + pad, below + pad, width - right - pad, height - above - pad)
    axes.set_position(inner.transformed(figure.transFigure.inverted()))


def _overhang(axes: Axes, renderer: RendererBase) -> tuple[float, float, float, float]:
    """Extent of the labels beyond the axes, in pixels: left, below, right, above."""
    outer = axes.get_tightbbox(renderer, for_layout_only=True)
    inner = axes.get_window_extent(renderer)
    outer = outer or inner
    return inner.x0 - outer.x0, inner.y0 - outer.y0, outer.x1 - inner.x1, outer.y1 - inner.y1


def shorten(text: str, length: int = 18) -> str:
    """Replace the middle of a long name by an ellipsis.

    >>> shorten("COVID-19"), shorten("a-very-long-name-of-a-hospital", 12)
    ('COVID-19', 'a-very…pital')
    """
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"
