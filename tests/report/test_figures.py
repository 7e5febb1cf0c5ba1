from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hilum.metrics import ConfusionMatrix, Estimate, PrCurve, RocCurve, clinical
from hilum.report.figures import (
    FIGURES,
    draw_accuracy,
    draw_cohort,
    draw_confusion,
    draw_confusion_shares,
    draw_decision,
    draw_loss,
    draw_pr,
    draw_prevalence,
    draw_reliability,
    draw_roc,
    draw_sizes,
    figures_of,
)
from hilum.report.style import draw

pytestmark = pytest.mark.usefixtures("drawing_style")

COHORT = pd.DataFrame({
    "label": ["positive", "positive", "positive", "negative"], "source": ["a", "a", "b", "b"],
    "rows": [100, 200, 300, None], "columns": [150, 250, 350, 450],
}).astype({"rows": "Int64", "columns": "Int64"})  # fmt: skip


def test_each_label_and_source_has_its_count():
    texts = {
        text.get_position(): text.get_text()
        for text in draw_cohort(COHORT, ["negative", "positive"]).axes[0].texts
    }
    assert texts == {(0, 0): "0", (1, 0): "1", (0, 1): "2", (1, 1): "1"}  # (column, row)


def test_each_source_has_its_marker_and_unknown_sizes_are_left_out():
    figure = draw_sizes(COHORT)
    first, second = figure.axes[0].collections
    assert first.get_offsets().tolist() == [[150, 100], [250, 200]]
    assert second.get_offsets().tolist() == [[350, 300]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "a (n\u202f=\u202f2)",
        "b (n\u202f=\u202f1)",
    ]
    assert first.get_paths()[0].vertices.tolist() != second.get_paths()[0].vertices.tolist()


TUTORIAL = ConfusionMatrix(("NORMAL", "COVID"), np.array([[22, 0], [1, 32]]))


def cells(figure) -> dict[tuple[float, float], str]:
    """Row, column and text of each cell."""
    return {(y, x): text.get_text() for text in figure.axes[0].texts for x, y in [text.get_position()]}


def test_shares_are_those_of_the_tutorial():
    figure = draw_confusion_shares(TUTORIAL)
    shown = {place: text.replace("\u202f", " ").split("\n") for place, text in cells(figure).items()}
    assert shown == {
        (0, 0): ["22", "40.0 %"],
        (0, 1): ["0", "0.0 %"],
        (1, 0): ["1", "1.8 %"],
        (1, 1): ["32", "58.2 %"],
    }
    assert figure.axes[0].images[0].get_cmap().name == "Greens"
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), TUTORIAL.counts / 55)


def test_axes_are_named_by_the_classes():
    axes = draw_confusion_shares(TUTORIAL).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["NORMAL", "COVID"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["NORMAL", "COVID"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted class", "True class")


def test_counts_stand_beside_the_sums_of_their_rows():
    figure = draw_confusion(TUTORIAL)
    assert cells(figure) == {(0, 0): "22", (0, 1): "0", (1, 0): "1", (1, 1): "32"}
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "NORMAL\n(n\u202f=\u202f22)",
        "COVID\n(n\u202f=\u202f33)",
    ]


HISTORY = pd.DataFrame({
    "epoch": [1, 2, 3], "loss": [0.7, 0.4, 0.2], "accuracy": [0.5, 0.8, 0.9],
    "val_loss": [0.8, 0.5, 0.4], "val_accuracy": [0.4, 0.7, 0.8], "fold": 0,
})  # fmt: skip


@pytest.mark.parametrize(
    ("draw_history", "training", "validation"),
    [(draw_accuracy, "accuracy", "val_accuracy"), (draw_loss, "loss", "val_loss")],
)
def test_training_and_validation_are_drawn_over_the_epochs(draw_history, training, validation):
    axes = draw_history(HISTORY).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["training", "validation"]
    for name, column in (("training", training), ("validation", validation)):
        assert lines[name].get_xydata().tolist() == HISTORY[["epoch", column]].to_numpy().tolist()
    assert axes.get_xlabel() == "Epoch"


def test_accuracy_is_in_percent():
    figure = draw_accuracy(HISTORY)
    assert figure.axes[0].yaxis.get_major_formatter()(0.975) == "97.5\u202f%"


def test_each_fold_has_its_line_and_the_legend_names_each_kind_once():
    folds = pd.concat([HISTORY, HISTORY.assign(fold=1)])
    axes = draw_loss(folds).axes[0]
    assert len(axes.lines) == 4
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation"]
    assert "2 folds" in axes.get_xlabel()


def test_without_validation_only_training_is_drawn():
    axes = draw_loss(HISTORY.assign(val_loss=np.nan)).axes[0]
    assert [line.get_label() for line in axes.lines] == ["training"]


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


@pytest.mark.parametrize("draw_curves", [draw_roc, draw_pr])
@pytest.mark.parametrize("classes", [1, 3, 8])
def test_title_axes_and_legend_do_not_overlap(draw_curves, classes):
    curve = ROC if draw_curves is draw_roc else PR
    figure = draw_curves({f"class-{number}": curve for number in range(classes)}, (0.9, 0.9))
    draw(figure)  # lays it out
    legend = figure.legends[0].get_window_extent()
    axes = figure.axes[0]
    assert legend.y1 < axes.xaxis.label.get_window_extent().y0
    assert legend.y0 >= 0
    assert axes.title.get_window_extent().y1 <= figure.bbox.y1
    box = axes.get_window_extent()
    assert 0.8 < box.width / box.height < 1.25


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
    assert legend(figure)[-1] == "test images: 60.0 %"


def test_net_benefit_stands_beside_everyone_and_no_one(two_class):
    curve = two_class.clinical.decision
    figure = draw_decision(curve)
    model, everyone, no_one = figure.axes[0].lines
    assert np.allclose(model.get_ydata(), [one.value for one in curve.model])
    assert np.allclose(everyone.get_ydata(), [one.value for one in curve.treat_all])
    assert set(no_one.get_ydata()) == {0}
    low, high = figure.axes[0].get_ylim()
    assert low < 0 < max(one.value for one in curve.model) < high
    assert legend(figure) == ["classifier", "treat all", "treat none"]


def test_reliability_has_a_line_for_each_class_and_the_diagonal(three_class):
    found = three_class.clinical.calibration
    figure = draw_reliability(found)
    assert legend(figure) == ["perfect calibration", *found]
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
        draw(figure)
        assert figure.legends[0].get_window_extent().y0 >= 0
        assert figure.axes[0].title.get_window_extent().x1 <= figure.bbox.x1


def names(content) -> list[str]:
    return [spec.name for spec in figures_of(content)]


def test_a_trained_head_has_every_figure(two_class):
    assert names(two_class) == [spec.name for spec in FIGURES]


def test_without_epochs_or_a_second_class_their_figures_are_left_out(degenerate):
    assert names(degenerate) == ["confusion", "confusion_counts", "cohort", "sizes", "reliability"]


def test_every_figure_can_be_drawn_with_its_whole_title(content):
    for spec in figures_of(content):
        figure = spec.draw(content)
        draw(figure)  # lays it out
        assert figure.axes[0].title.get_window_extent().x1 <= figure.bbox.x1, spec.name


def test_names_are_distinct_and_captions_are_sentences():
    assert len({spec.name for spec in FIGURES}) == len(FIGURES)
    assert all(spec.title and spec.caption.endswith((".", ")")) for spec in FIGURES)


def test_sizes_that_are_not_known_are_not_drawn(foreign):
    assert names(foreign) == ["confusion", "confusion_counts", "roc", "pr", "cohort"]
