from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hilum.report import figures_of
from hilum.report.style import DPI, PAD_INCH, lay_out, style


def renderer_of(figure: Figure):
    return FigureCanvasAgg(figure).get_renderer()


def test_labels_and_legend_stay_inside_the_figure_and_apart(content):
    for spec in figures_of(content):
        figure = spec.draw(content)
        with style():
            figure.set_dpi(DPI)
            renderer = renderer_of(figure)
            lay_out(figure, renderer)
            box = figure.axes[0].get_tightbbox(renderer, for_layout_only=True)
            assert box.x0 >= 0, spec.name
            assert box.x1 <= figure.bbox.width, spec.name
            assert box.y1 <= figure.bbox.height, spec.name
            top = max((legend.get_window_extent(renderer).y1 for legend in figure.legends), default=0)
            assert box.y0 >= top, spec.name


def test_bare_axes_fill_the_figure_but_for_a_margin():
    figure = Figure(figsize=(4, 3), dpi=100)
    figure.add_subplot().set_axis_off()
    lay_out(figure, renderer_of(figure))
    x, y = PAD_INCH / 4, PAD_INCH / 3
    assert figure.axes[0].get_position().extents == pytest.approx([x, y, 1 - x, 1 - y])


def test_one_pair_of_axes_is_expected():
    figure = Figure()
    with pytest.raises(ValueError, match="unpack"):
        lay_out(figure, renderer_of(figure))
