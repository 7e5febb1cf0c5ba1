from __future__ import annotations

import io

import matplotlib as mpl
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from hilum.report.style import DPI, encode, new_figure, shorten, styled


@styled
def sketch(title: str) -> Figure:
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], label=title)
    axes.set_title(title)
    axes.legend()
    return figure


@given(st.text(), st.integers(3, 40))
def test_a_shortened_name_fits_and_keeps_its_ends(text, length):
    short = shorten(text, length)
    assert len(short) <= length
    assert short == text or (short[0] == text[0] and short[-1] == text[-1])


def test_names_are_no_formulas_and_strange_letters_no_warnings():
    encode(sketch("$x_1 <b> 肺炎 \\frac{"))


def test_the_same_figure_gives_the_same_bytes_without_a_maker():
    first, second = encode(sketch("a")), encode(sketch("a"))
    assert first == second
    assert not Image.open(io.BytesIO(first)).text


def test_a_figure_is_as_large_as_it_says():
    image = Image.open(io.BytesIO(encode(sketch("a"))))
    assert image.size == (4 * DPI, 3.3 * DPI)


def test_drawing_leaves_the_callers_settings_alone():
    before = dict(mpl.rcParams)
    encode(sketch("a"))
    assert dict(mpl.rcParams) == before


def test_the_callers_settings_do_not_change_a_figure():
    expected = encode(sketch("a"))
    with mpl.rc_context({"axes.facecolor": "red", "savefig.bbox": "tight", "font.size": 30}):
        assert encode(sketch("a")) == expected
