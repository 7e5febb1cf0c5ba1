from __future__ import annotations

import numpy as np
import pytest

from hilum.metrics import Estimate, PrCurve, RocCurve
from hilum.report.curves import draw_pr, draw_roc
from hilum.report.style import encode

STEPS = np.array([0.0, 0.0, 0.5, 1.0])
ROC = RocCurve(STEPS, np.array([0.0, 0.8, 1.0, 1.0]), np.arange(4.0)[::-1], Estimate(0.95, 0.9, 0.99, 40))
PR = PrCurve(STEPS, np.array([1.0, 1.0, 0.9, 0.6]), np.arange(4.0)[::-1], Estimate(0.97, 0.93, 0.99, 40), 0.6)
EMPTY = RocCurve(np.empty(0), np.empty(0), np.empty(0), Estimate(np.nan, np.nan, np.nan, 40))


def legend(figure) -> list[str]:
    return [text.get_text().replace("\u202f", " ") for text in figure.legends[0].get_texts()]


def test_roc_names_its_area_with_interval_and_the_line_of_chance():
    figure = draw_roc({"COVID-19": ROC})
    assert legend(figure) == ["chance", "COVID-19: AUC 0.950 (0.900–0.990)"]
    chance, curve = figure.axes[0].lines
    assert chance.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert curve.get_xydata().tolist() == [[0, 0], [0, 0.8], [0.5, 1], [1, 1]]


def test_pr_is_a_step_curve_over_its_prevalence():
    figure = draw_pr({"COVID-19": PR})
    assert legend(figure) == ["COVID-19: AP 0.970 (0.930–0.990)", "chance: 60.0 % are COVID-19"]
    curve, chance = figure.axes[0].lines
    assert curve.get_drawstyle() == "steps-pre"
    assert set(chance.get_ydata()) == {0.6}


def test_the_threshold_in_use_is_a_point():
    roc = draw_roc({"a": ROC}, (0.97, 0.9)).axes[0].lines[-1]
    assert roc.get_xydata()[0] == pytest.approx([0.1, 0.97])
    pr = draw_pr({"a": PR}, (0.97, 0.9)).axes[0].lines[-1]
    assert pr.get_xydata()[0] == pytest.approx([0.97, 0.9])


def test_an_undefined_point_is_not_drawn():
    assert len(draw_roc({"a": ROC}, (np.nan, 0.9)).axes[0].lines) == 2


def test_a_class_without_a_curve_is_left_out():
    assert legend(draw_roc({"a": EMPTY, "b": ROC}))[1:] == ["b: AUC 0.950 (0.900–0.990)"]


def test_classes_differ_by_more_than_colour():
    lines = draw_roc({"a": ROC, "b": ROC, "c": ROC}).axes[0].lines[1:]
    assert len({line.get_linestyle() for line in lines}) == 3
    assert len({line.get_color() for line in lines}) == 3


@pytest.mark.parametrize("draw", [draw_roc, draw_pr])
@pytest.mark.parametrize("classes", [1, 3, 8])
def test_title_frame_and_legend_do_not_overlap(draw, classes):
    curve = ROC if draw is draw_roc else PR
    figure = draw({f"class-{number}": curve for number in range(classes)}, (0.9, 0.9))
    encode(figure)  # lays it out
    legend = figure.legends[0].get_window_extent()
    axes = figure.axes[0]
    assert legend.y1 < axes.xaxis.label.get_window_extent().y0
    assert legend.y0 >= 0
    assert axes.title.get_window_extent().y1 <= figure.bbox.y1
    box = axes.get_window_extent()
    assert 0.8 < box.width / box.height < 1.25
