"""One quiet look for all figures, on a page, a phone and paper."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, ParamSpec

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
    "encode",
    "lay_out",
    "new_figure",
    "shorten",
    "style",
    "styled",
]


PAD_INCH = 0.05


def lay_out(figure: Figure, renderer: RendererBase) -> None:
    """Fit the one pair of axes with its labels, and a legend below, into the figure.

    Every label is measured once. Matplotlib's constrained layout measures all of them twice over, for axes
    that may push each other aside.
    """
    (axes,) = figure.axes
    pad = PAD_INCH * figure.dpi
    left, below, right, above = _overhang(axes, renderer)
    below += sum(legend.get_window_extent(renderer).height + 2 * pad for legend in figure.legends)
    width, height = figure.bbox.size
    frame = Bbox.from_extents(left + pad, below + pad, width - right - pad, height - above - pad)
    axes.set_position(frame.transformed(figure.transFigure.inverted()))


def _overhang(axes: Axes, renderer: RendererBase) -> tuple[float, float, float, float]:
    """How far labels reach beyond the frame, in pixels: left, below, right, above."""
    outer = axes.get_tightbbox(renderer, for_layout_only=True)
    frame = axes.get_window_extent(renderer)
    outer = outer or frame
    return frame.x0 - outer.x0, frame.y0 - outer.y0, outer.x1 - frame.x1, outer.y1 - frame.y1


P = ParamSpec("P")

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Told apart by colour-blind readers (Okabe and Ito 2008, jfly.uni-koeln.de/color)."""
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
INK = "#1f2933"
QUIET = "#7b8794"
DPI = 200
PNG_EFFORT = 1  # half the time of the usual 6, for files 5 % larger

_WIDER_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei", "Arial Unicode MS")

_SETTINGS: dict[str, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.titley": 1.0,  # else every label above the axes is measured to find the place
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
    "text.parse_math": False,  # names of classes and sources are shown as they are, "$" too
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
    """Draw with our settings and no others; missing glyphs are drawn as boxes without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        with mpl.rc_context():
            mpl.rcdefaults()
            settings: Any = mpl.rcParams  # its stubs know each key by name
            settings.update(_SETTINGS | {"font.family": _fonts()})
            yield


@cache
def _fonts() -> list[str]:
    """DejaVu Sans, which comes with matplotlib, then what this machine has for the glyphs it lacks."""
    here = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _WIDER_FONTS if name in here)]


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a drawing function in our style."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return drawn


def new_figure(width_inch: float = 4.0, height_inch: float = 3.3) -> tuple[Figure, Axes]:
    """An empty figure with one pair of axes; narrow, so that its text stays readable on a phone."""
    figure = Figure(figsize=(width_inch, height_inch))
    return figure, figure.add_subplot()


def encode(figure: Figure) -> bytes:
    """Lay a figure of `new_figure` out and give it as PNG; the same figure gives the same bytes."""
    stream = io.BytesIO()
    with style():
        figure.set_dpi(DPI)
        canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
        lay_out(figure, canvas.get_renderer())
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        image.save(stream, "PNG", compress_level=PNG_EFFORT, dpi=(DPI, DPI))
    return stream.getvalue()


def shorten(text: str, length: int = 18) -> str:
    """Keep the beginning and the end of a name that is too long for its place.

    >>> shorten("COVID-19"), shorten("a-very-long-name-of-a-hospital", 12)
    ('COVID-19', 'a-very…pital')
    """
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"
