"""Where a figure's axes stand: as large as their labels allow."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

__all__ = ["lay_out"]

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
