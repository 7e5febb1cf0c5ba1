from __future__ import annotations

import io

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from hilum.report import figures_of
from hilum.report.style import DPI, PAD_INCH, draw, lay_out, new_figure, png, shorten, style


def sample(title: str) -> Figure:
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], label=title)
    axes.set_title(title)
    axes.legend()
    return figure


def encoded(title: str) -> bytes:
    with style():
        return png(draw(sample(title)))


@given(st.text(), st.integers(3, 40))
def test_a_shortened_name_fits_and_keeps_its_ends(text, length):
    short = shorten(text, length)
    assert len(short) <= length
    assert short == text or (short[0] == text[0] and short[-1] == text[-1])


def test_names_are_no_formulas_and_strange_letters_no_warnings():
    encoded("$x_1 <b> 肺炎 \\frac{")


def test_the_same_figure_gives_the_same_bytes_without_a_maker():
    first, second = encoded("a"), encoded("a")
    assert first == second
    assert not Image.open(io.BytesIO(first)).text


def test_a_figure_is_as_large_as_it_says():
    image = Image.open(io.BytesIO(encoded("a")))
    assert image.size == (4 * DPI, 3.3 * DPI)


def test_drawing_leaves_the_callers_settings_alone():
    before = dict(mpl.rcParams)
    encoded("a")
    assert dict(mpl.rcParams) == before


def test_the_callers_settings_do_not_change_a_figure():
    expected = encoded("a")
    with mpl.rc_context({"axes.facecolor": "red", "savefig.bbox": "tight", "font.size": 30}):
        assert encoded("a") == expected


def renderer_of(figure: Figure):
    return FigureCanvasAgg(figure).get_renderer()


def test_labels_and_legend_stay_inside_the_figure_and_apart(content):
    for spec in figures_of(content):
        with style():
            figure = spec.draw(content)
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
