from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.auditing import (
    Audit,
    Bar,
    Bars,
    Curves,
    Distribution,
    Example,
    Grid,
    Rating,
    Scale,
    Verdict,
)
from hilum.metrics import Estimate
from hilum.report.audit_figures import ablation_bars, ablation_chart, draw_picture, drawn_pictures
from hilum.report.style import draw, png

pytestmark = pytest.mark.usefixtures("drawing_style")

LONG = "Universitätsklinikum-Außenstelle-für-Lungenheilkunde-und-Thoraxradiologie-Süd"
NAN = float("nan")
BARS = Bars(
    "Parts", "AUC", (Bar("whole image", 0.99, 0.97, 1.0, 275), Bar("border", 0.8, 0.7, 0.9, 275)), 0.5
)
SPLITS = Distribution(
    "Splits", "Accuracy", {"grouped": (0.8, 0.9, 0.9, 1.0), "by image": (0.9, NAN)}, {"this run": 0.98}
)
CURVES = Curves(
    "Reliability", "predicted", "observed", {"uncalibrated": ((0.1, 0.0), (0.9, 1.0))}, diagonal=True
)
AWKWARD = (
    Bars(LONG, LONG, tuple(Bar(LONG, 0.5, 0.1, 1.0, n) for n in (1, 12345)), 0.5, Scale.SHARE),
    Bars("Nothing known", "AUC", (Bar("border", NAN, NAN, NAN, 0),)),
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
    figure = draw_picture(BARS)
    assert texts(figure) == ["whole image", "0.990 (0.970–1.000)", "border", "0.800 (0.700–0.900)"]
    (axes,) = figure.axes
    whisker, dot = axes.lines[:2]
    assert (list(whisker.get_xdata()), list(dot.get_xdata())) == ([0.97, 1.0], [0.99])
    assert list(axes.lines[-1].get_xdata()) == [0.5, 0.5]
    assert axes.get_xlabel().replace("\u202f", " ") == "AUC; n = 275; dotted line: 0.500"


def test_bars_of_different_images_name_each_n():
    mixed = replace(BARS, bars=(BARS.bars[0], replace(BARS.bars[1], n=9)), reference=None, scale=Scale.SHARE)
    figure = draw_picture(mixed)
    assert texts(figure)[3] == "80.0 % (70.0–90.0 %), n = 9"
    assert figure.axes[0].get_xlabel() == "AUC"
    assert len(figure.axes[0].lines) == 4


def test_a_distribution_counts_its_values_and_names_its_marks():
    figure = draw_picture(SPLITS)
    assert legend(figure) == ["grouped (n = 4)", "by image (n = 1)", "this run: 98.0 %"]
    heights = sum(patch.get_height() for patch in figure.axes[0].patches if hasattr(patch, "get_height"))
    assert heights == 5


def test_groups_share_their_bins():
    (axes,) = draw_picture(SPLITS).axes
    left = {round(patch.get_x(), 6) for patch in axes.patches if hasattr(patch, "get_x")}
    assert min(left) == pytest.approx(0.8)
    assert len(left) <= 20


def test_marks_at_one_place_are_told_apart_by_their_lines():
    marks = dict.fromkeys("abc", 0.5)
    (axes,) = draw_picture(Distribution("t", "x", {"v": (0.1, 0.9)}, marks)).axes
    assert len({line.get_linestyle() for line in axes.lines}) == 3


def test_curves_have_their_points_a_legend_and_the_diagonal():
    figure = draw_picture(CURVES)
    assert legend(figure) == ["identity", "uncalibrated"]
    assert figure.axes[0].lines[1].get_xydata().tolist() == [[0.1, 0.0], [0.9, 1.0]]
    assert figure.axes[0].lines[1].get_marker() == "o"
    many = Curves("t", "x", "y", {"a": tuple((step / 50, 0.5) for step in range(50))})
    assert draw_picture(many).axes[0].lines[0].get_marker() == ""


def test_what_the_page_writes_itself_is_not_drawn():
    with pytest.raises(TypeError, match="found Grid"):
        draw_picture(Grid("t", (), ()))


def test_files_are_named_after_the_probe_and_the_place(audited):
    names = [name for name, _ in drawn_pictures(audited.audit)]
    assert names[:2] == ["audit", "audit_source_1"]
    assert {"audit_splits_1", "audit_calibration_1", "audit_lungs_removed_1"} < set(names)
    assert "audit_lungs_removed_2" not in names
    assert list(drawn_pictures(None)) == []


def shown(label) -> bool:
    return not hasattr(label, "get_text") or bool(label.get_text())


def boxes(figure):
    (axes,) = figure.axes
    labels = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts, *figure.legends]
    return [axes.get_tightbbox(), *(label.get_window_extent() for label in labels if shown(label))]


@pytest.mark.parametrize("picture", [BARS, SPLITS, CURVES, *AWKWARD], ids=lambda picture: picture.title[:14])
def test_no_label_is_cut(picture):
    figure = draw_picture(picture)
    draw(figure)  # lays it out
    for box in boxes(figure):
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y1 <= figure.bbox.y1 + 1


@pytest.mark.parametrize("picture", [one for one in (BARS, *AWKWARD) if isinstance(one, Bars)])
def test_names_and_values_do_not_collide(picture):
    figure = draw_picture(picture)
    draw(figure)
    words = [text.get_window_extent() for text in figure.axes[0].texts]
    for place, box in enumerate(words):
        assert not any(box.overlaps(other) for other in words[place + 1 :])


def test_the_same_picture_gives_the_same_bytes():
    assert png(draw(draw_picture(SPLITS))) == png(draw(draw_picture(SPLITS)))
    assert len(png(draw(draw_picture(BARS)))) < 200_000


def without(audit: Audit, *names: str) -> Audit:
    return replace(audit, asked={name: one for name, one in audit.asked.items() if name not in names})


def changed(audit: Audit, name: str, **facts) -> Audit:
    asked = audit.asked[name]
    return replace(audit, asked=audit.asked | {name: replace(asked, answer=replace(asked.answer, **facts))})


def test_the_whole_image_comes_first_then_the_ablations_as_they_were_asked(audited):
    left = ablation_bars(audited.audit)
    assert [(bar.label, bar.value) for bar in left.bars] == [
        ("whole image", 0.994),
        ("source only", 1.0),
        ("header only", 0.998),
        ("border only", 0.968),
        ("lung region removed", 0.987),
        ("thumbnail", 0.951),
        ("histogram only", 0.914),
    ]
    assert left.reference == 0.5
    assert left.bars[1].n == 275


def test_without_a_probe_of_ablation_there_is_no_chart(audited):
    taken = ("lungs_removed", "border", "thumbnail", "histogram", "header", "source")
    assert ablation_bars(without(audited.audit, *taken)) is None
    assert ablation_chart(without(audited.audit, *taken), {}) is None
    assert ablation_bars(Audit(Verdict(Rating.DOUBTFUL, "", ()), {})) is None


@pytest.mark.parametrize(
    "facts", [{"figure": Estimate(np.nan, np.nan, np.nan, 0)}, {"scale": Scale.SHARE}]
)  # fmt: skip
def test_a_figure_that_is_no_area_has_no_line(audited, facts):
    labels = [bar.label for bar in ablation_bars(changed(audited.audit, "border", **facts)).bars]
    assert "border only" not in labels
    assert len(labels) == 6


def test_without_the_whole_image_only_parts_are_shown(audited):
    audit = audited.audit
    for name in audit.asked:
        kept = tuple(one for one in audit.answers[name].pictures if not isinstance(one, Bars))
        audit = changed(audit, name, pictures=kept)
    assert ablation_bars(audit).bars[0].label == "source only"


def test_lines_lie_where_their_figures_are(audited):
    shown = ablation_chart(audited.audit, {})
    assert shown.chance == pytest.approx(100 / 6)  # from 0.4 to 1
    (lungs,) = [line for line in shown.lines if line.title == "lung region removed"]
    assert (lungs.value, lungs.interval) == ("0.987", "0.973–0.997")
    assert lungs.at == pytest.approx(100 * 0.587 / 0.6)
    assert lungs.low == pytest.approx(100 * 0.573 / 0.6)
    assert lungs.width == pytest.approx(100 * 0.024 / 0.6)
    assert shown.ticks[0] == ("0.4", 0)
    assert shown.ticks[-1] == ("1.0", pytest.approx(100))
    assert [line.rating for line in shown.lines[:2]] == [None, Rating.BROKEN]


def test_the_axis_reaches_down_to_the_lowest_interval(audited):
    shown = ablation_chart(changed(audited.audit, "border", figure=Estimate(0.35, 0.22, 0.5, 30)), {})
    assert shown.ticks[0] == ("0.2", 0)
    assert min(line.low for line in shown.lines) == pytest.approx(100 * 0.02 / 0.8)


def test_a_common_n_is_given_once_and_several_line_by_line(audited):
    assert ablation_chart(audited.audit, {}).n == "n = 275 images"
    mixed = ablation_chart(changed(audited.audit, "border", figure=Estimate(0.9, 0.8, 1.0, 30)), {})
    assert mixed.n == ""
    assert {line.title: line.n.replace("\u202f", " ") for line in mixed.lines}["border only"] == "n = 30"


def test_each_line_shows_what_the_probe_model_was_given(audited):
    pixels = {
        Example("cohen/images/a.jpeg", "COVID-19, as it is"): np.zeros((4, 4), np.uint8),
        Example("cohen/images/a.jpeg", "COVID-19, border", "border"): np.full((4, 4), 255, np.uint8),
        Example("x.png", "two", lungs_of="y.png", ablation="lungs_removed"): np.zeros((4, 4), np.uint8),
    }
    films = [line.title for line in ablation_chart(audited.audit, pixels).lines if line.thumbnail]
    assert films == ["whole image", "border only"]
