from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.auditing import Bar, Bars, Curves, Distribution, Grid, Scale
from hilum.report.audit_figures import draw, drawn
from hilum.report.style import encode

LONG = "Universitätsklinikum-Außenstelle-für-Lungenheilkunde-und-Thoraxradiologie-Süd"
NAN = float("nan")
BARS = Bars("Parts", "AUC", (Bar("whole image", 0.99, 0.97, 1.0, 275), Bar("rim", 0.8, 0.7, 0.9, 275)), 0.5)
SPLITS = Distribution(
    "Splits", "Accuracy", {"apart": (0.8, 0.9, 0.9, 1.0), "free": (0.9, NAN)}, {"this run": 0.98}
)
CURVES = Curves("Said and true", "said", "true", {"as it is": ((0.1, 0.0), (0.9, 1.0))}, diagonal=True)
AWKWARD = (
    Bars(LONG, LONG, tuple(Bar(LONG, 0.5, 0.1, 1.0, n) for n in (1, 12345)), 0.5, Scale.SHARE),
    Bars("Nothing known", "AUC", (Bar("rim", NAN, NAN, NAN, 0),)),
    Bars("Nothing at all", "AUC", ()),
    Bars("Drops", "AUC", (Bar("drop", -0.12, -0.2, 0.01, 55),), 0.0),
    Bars(" ".join(["word"] * 15), "AUC", tuple(Bar(f"source {n}", 0.9, 0.8, 1.0, 9) for n in range(30)), 0.5),
    Distribution(LONG, LONG, {LONG: (0.9,) * 7, "none": ()}, {LONG: 0.9, "same": 0.9}),
    Distribution("Empty", "Accuracy", {}, {}),
    Distribution("Far", "Accuracy", {"a": (0.98, 0.99)}, {"guess": 0.1}),
    Curves(LONG, LONG, LONG, {LONG: ((0.0, 0.0), (1.0, 1.0)), "none": ()}),
    Curves("Many", "x", "y", {f"line {n}": ((0.0, n), (1.0, n)) for n in range(9)}),
)


def texts(figure) -> list[str]:
    (axes,) = figure.axes
    return [text.get_text().replace("\u202f", " ") for text in axes.texts]


def legend(figure) -> list[str]:
    return [text.get_text().replace("\u202f", " ") for text in figure.legends[0].get_texts()]


def test_bars_stand_at_their_figures_with_names_left_and_values_right():
    figure = draw(BARS)
    assert texts(figure) == ["whole image", "0.990 (0.970–1.000)", "rim", "0.800 (0.700–0.900)"]
    (axes,) = figure.axes
    whisker, dot = axes.lines[:2]
    assert (list(whisker.get_xdata()), list(dot.get_xdata())) == ([0.97, 1.0], [0.99])
    assert list(axes.lines[-1].get_xdata()) == [0.5, 0.5]
    assert axes.get_xlabel().replace("\u202f", " ") == "AUC; n = 275; dotted line: 0.500"


def test_bars_of_different_images_name_each_n():
    mixed = replace(BARS, bars=(BARS.bars[0], replace(BARS.bars[1], n=9)), reference=None, scale=Scale.SHARE)
    figure = draw(mixed)
    assert texts(figure)[3] == "80.0 % (70.0–90.0 %), n = 9"
    assert figure.axes[0].get_xlabel() == "AUC"
    assert len(figure.axes[0].lines) == 4


def test_a_distribution_counts_its_values_and_names_its_marks():
    figure = draw(SPLITS)
    assert legend(figure) == ["apart (n = 4)", "free (n = 1)", "this run: 98.0 %"]
    heights = sum(patch.get_height() for patch in figure.axes[0].patches if hasattr(patch, "get_height"))
    assert heights == 5


def test_groups_share_their_bins():
    (axes,) = draw(SPLITS).axes
    left = {round(patch.get_x(), 6) for patch in axes.patches if hasattr(patch, "get_x")}
    assert min(left) == pytest.approx(0.8)
    assert len(left) <= 20


def test_marks_at_one_place_are_told_apart_by_their_lines():
    marks = dict.fromkeys("abc", 0.5)
    (axes,) = draw(Distribution("t", "x", {"v": (0.1, 0.9)}, marks)).axes
    assert len({line.get_linestyle() for line in axes.lines}) == 3


def test_curves_have_their_points_a_legend_and_the_diagonal():
    figure = draw(CURVES)
    assert legend(figure) == ["where both are equal", "as it is"]
    assert figure.axes[0].lines[1].get_xydata().tolist() == [[0.1, 0.0], [0.9, 1.0]]
    assert figure.axes[0].lines[1].get_marker() == "o"
    many = Curves("t", "x", "y", {"a": tuple((step / 50, 0.5) for step in range(50))})
    assert draw(many).axes[0].lines[0].get_marker() == ""


def test_what_the_page_writes_itself_is_not_drawn():
    with pytest.raises(TypeError, match="found Grid"):
        draw(Grid("t", (), ()))


def test_files_are_named_after_the_probe_and_the_place(audited):
    names = [name for name, _ in drawn(audited.audit)]
    assert names[:2] == ["audit", "audit_source_1"]
    assert {"audit_splits_1", "audit_calibration_1", "audit_middle_1"} < set(names)
    assert "audit_middle_2" not in names
    assert list(drawn(None)) == []


def shown(label) -> bool:
    return not hasattr(label, "get_text") or bool(label.get_text())


def boxes(figure):
    (axes,) = figure.axes
    labels = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts, *figure.legends]
    return [axes.get_tightbbox(), *(label.get_window_extent() for label in labels if shown(label))]


@pytest.mark.parametrize("picture", [BARS, SPLITS, CURVES, *AWKWARD], ids=lambda picture: picture.title[:14])
def test_no_label_is_cut(picture):
    figure = draw(picture)
    encode(figure)  # lays it out
    for box in boxes(figure):
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y1 <= figure.bbox.y1 + 1


@pytest.mark.parametrize("picture", [one for one in (BARS, *AWKWARD) if isinstance(one, Bars)])
def test_names_and_values_do_not_collide(picture):
    figure = draw(picture)
    encode(figure)
    words = [text.get_window_extent() for text in figure.axes[0].texts]
    for place, box in enumerate(words):
        assert not any(box.overlaps(other) for other in words[place + 1 :])


def test_the_same_picture_gives_the_same_bytes():
    assert encode(draw(SPLITS)) == encode(draw(SPLITS))
    assert np.frombuffer(encode(draw(BARS)), np.uint8).size < 200_000
