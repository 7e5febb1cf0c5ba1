from __future__ import annotations

import numpy as np
import pytest

from hilum.metrics import clinical
from hilum.report.curves import draw_decision, draw_prevalence, draw_reliability
from hilum.report.style import encode


def legend(figure) -> list[str]:
    return [text.get_text().replace("\u202f", " ") for text in figure.legends[0].get_texts()]


def test_predictive_values_over_prevalence(two_class):
    curve = two_class.clinical.prevalence
    figure = draw_prevalence(curve)
    axes = figure.axes[0]
    ppv, npv, screening, own = axes.lines
    at = [point.prevalence for point in curve.points]
    assert np.allclose(ppv.get_xydata(), [(p.prevalence, p.ppv.value) for p in curve.points])
    assert np.allclose(npv.get_xydata(), [(p.prevalence, p.npv.value) for p in curve.points])
    assert set(screening.get_xdata()) == {0.02}
    assert set(own.get_xdata()) == {curve.cohort}
    assert (axes.get_xscale(), axes.get_xlim()) == ("log", (at[0], at[-1]))
    assert len(axes.collections) == 2  # the intervals
    assert legend(figure)[-1] == "these test images: 60.0 %"


def test_net_benefit_stands_beside_everyone_and_no_one(two_class):
    curve = two_class.clinical.decision
    figure = draw_decision(curve)
    model, everyone, no_one = figure.axes[0].lines
    assert np.allclose(model.get_ydata(), [one.value for one in curve.model])
    assert np.allclose(everyone.get_ydata(), [one.value for one in curve.treat_all])
    assert set(no_one.get_ydata()) == {0}
    low, high = figure.axes[0].get_ylim()
    assert low < 0 < max(one.value for one in curve.model) < high
    assert legend(figure) == ["follow the classifier", "treat everyone", "treat no one"]


def test_reliability_has_a_line_for_each_class_and_the_diagonal(three_class):
    found = three_class.clinical.calibration
    figure = draw_reliability(found)
    assert legend(figure) == ["says what is true", *found]
    lines = figure.axes[0].lines
    assert lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
    first = next(iter(found.values()))
    drawn = [line.get_xydata() for line in lines[1:]]
    expected = [(one.predicted, one.observed.value) for one in first.bins]
    assert any(data.shape == (len(expected), 2) and np.allclose(data, expected) for data in drawn)


@pytest.mark.parametrize("which", ["two_class", "degenerate"])
def test_they_can_be_laid_out(request, which):
    content = request.getfixturevalue(which)
    found = clinical(content.predictions, 0.5, np.random.default_rng(0))
    for figure in (draw_decision(found.decision), draw_reliability(found.calibration)):
        encode(figure)
        assert figure.legends[0].get_window_extent().y0 >= 0
        assert figure.axes[0].title.get_window_extent().x1 <= figure.bbox.x1
