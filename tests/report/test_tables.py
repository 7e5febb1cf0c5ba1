from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hilum.metrics import METRICS, Clinical, Estimate, clinical
from hilum.recipe.settings import Published
from hilum.report import tables


def plain(text: str) -> str:
    return text.replace("\u202f", " ")


def test_the_tutorials_row_reads_as_its_figure(two_class):
    row = tables.metric_rows(two_class)[0]
    assert (row.title, plain(row.cell.value), plain(row.cell.interval), row.cell.n) == (
        "Accuracy",
        "98.2 %",
        "90.4–99.7 %",
        "n = 55",
    )
    assert row.strip.at == pytest.approx(100 * 54 / 55)
    assert row.strip.low == pytest.approx(90.39, abs=0.01)
    assert row.strip.low + row.strip.width == pytest.approx(99.68, abs=0.01)


def test_metrics_are_in_the_order_of_the_registry(content):
    assert [row.title for row in tables.metric_rows(content)] == [metric.title for metric in METRICS.values()]


def test_undefined_figures_say_why_and_have_no_strip(degenerate):
    rows = {row.title: row for row in tables.metric_rows(degenerate)}
    assert (rows["Specificity"].cell.value, rows["Specificity"].cell.reason) == ("–", "no such image")
    assert (rows["ROC AUC"].cell.value, rows["ROC AUC"].cell.reason) == ("–", "a class has no image")
    assert rows["ROC AUC"].strip is None


def test_a_figure_without_an_interval_says_so():
    shown = tables.cell("f1", Estimate(1.0, np.nan, np.nan, 22))
    assert (shown.value, shown.interval, shown.n) == ("1.000", "no interval", "n = 22")


def test_lower_is_better_has_no_strip(two_class):
    rows = {row.title: row for row in tables.metric_rows(two_class)}
    assert rows["Loss"].strip is None
    assert rows["Brier score"].strip is None


def test_classes_stand_side_by_side_from_three_on(two_class, three_class):
    assert tables.class_table(two_class) is None
    table = tables.class_table(three_class)
    sensitivity = dict(table.rows)["Sensitivity"]
    assert table.columns == three_class.classes
    assert [cell.n for cell in sensitivity] == ["n = 500", "n = 124", "n = 500"]


def test_parts_stand_side_by_side(two_class):
    table = tables.part_table(two_class)
    assert table.columns == ("Test", "Validation", "Train")
    assert [cell.n for cell in dict(table.rows)["Accuracy"]] == ["n = 55", "n = 22", "n = 198"]


def test_published_figures_stand_beside_ours(two_class):
    rows = {row.title: row for row in tables.published_rows(two_class)}
    accuracy = rows["Accuracy"]
    assert plain(accuracy.published.value) == plain(accuracy.ours.value) == "98.2 %"
    assert plain(accuracy.published.interval) == "90.4–99.7 %"  # Wilson, 54 of 55
    assert not accuracy.same_network
    assert plain(rows["Sensitivity"].published.interval) == "84.7–99.5 %"  # 32 of 33
    assert rows["Loss"].published.interval == "no interval"


def test_a_mean_over_classes_gets_no_interval_of_a_proportion(three_class):
    rows = {row.title: row for row in tables.published_rows(three_class)}
    assert rows["Sensitivity"].published.interval == "no interval"
    assert plain(rows["Accuracy"].published.interval) == "84.9–88.9 %"  # Wilson, 979 of 1,125


def test_a_published_metric_that_we_lack_is_a_dash(two_class):
    published = [Published(metric="dice", value=0.5)]
    changed = replace(two_class, recipe=two_class.recipe.model_copy(update={"published": published}))
    (row,) = tables.published_rows(changed)
    assert (row.title, row.published.value, row.published.n) == ("dice", "0.500", "n not stated")
    assert (row.ours.value, row.ours.reason) == ("–", "not measured")


def test_images_and_patients_are_counted_by_label_and_source():
    cohort = pd.DataFrame({
        "label": ["positive", "positive", "negative"], "source": ["a", "a", "b"], "patient": ["1", "1", "2"],
    })  # fmt: skip
    table = tables.counts_by_source(cohort, ["positive", "negative"])
    assert table.columns == ("a", "b")
    shown = {label: [(cell.value, cell.interval) for cell in cells] for label, cells in table.rows}
    assert shown == {
        "positive": [("2", "1 patient"), ("0", "")],
        "negative": [("0", ""), ("1", "1 patient")],
    }


def test_an_image_counts_once_a_part_whatever_its_folds(three_class):
    table = tables.counts_by_part(three_class)
    assert table.columns == ("Train", "Validation", "Test")
    assert [cells[2].value for _, cells in table.rows] == ["500", "124", "500"]
    assert sum(int(cells[0].value) for _, cells in table.rows) <= 1124


def test_exclusions_are_counted_the_most_frequent_first(two_class):
    assert tables.exclusion_counts(two_class.exclusions)[:2] == [
        ("CT", "cohen", "84"),
        ("lateral view", "cohen", "41"),
    ]


def test_a_published_network_is_ours_by_its_canonical_name(two_class):
    recipe = two_class.recipe.model_copy(update={
        "published": [
            Published(metric="accuracy", value=0.9, backbone=name) for name in ("vgg16", "legacy_xception")
        ],
        "backbone": two_class.recipe.backbone.model_copy(update={"name": "xception"}),
    })  # fmt: skip
    backbone = replace(two_class.backbone, name="legacy_xception")
    rows = tables.published_rows(replace(two_class, recipe=recipe, backbone=backbone))
    assert [(row.network, row.same_network) for row in rows] == [("legacy_xception", True), ("vgg16", False)]


def test_thresholds_stand_with_their_figures(two_class):
    table = tables.points_table(two_class)
    assert table.columns == ("Threshold", "Sensitivity", "Specificity", "PPV", "NPV")
    rows = dict(table.rows)
    assert next(iter(rows)) == "The run's own threshold"
    threshold, sensitivity, specificity, ppv, npv = rows["The run's own threshold"]
    assert threshold.value == "0.500"
    assert [plain(cell.value) for cell in (sensitivity, specificity)] == ["97.0 %", "100.0 %"]
    assert [cell.n for cell in (sensitivity, specificity, ppv, npv)] == [
        "n = 33",
        "n = 22",
        "n = 32",
        "n = 23",
    ]


def test_what_could_not_be_chosen_says_so(two_class):
    table = two_class.predictions.table
    bare = type(two_class.predictions)(table[table["split"] != "validation"], two_class.classes)
    content = replace(two_class, clinical=clinical(bare, 0.5, np.random.default_rng(0)))
    cells = dict(tables.points_table(content).rows)["Specificity of 95 % or more"]
    assert [cell.value for cell in cells] == ["–"] * 5
    assert cells[0].reason == "could not be chosen"
    assert any("to choose on" in note for note in tables.threshold_notes(content))


def test_a_note_that_several_share_is_said_once(two_class):
    points = tuple(replace(point, note="too few") for point in two_class.clinical.points[1:3])
    content = replace(two_class, clinical=replace(two_class.clinical, points=points))
    assert tables.threshold_notes(content) == [
        "Sensitivity of 95 % or more, sensitivity of 90 % or more: too few."
    ]


def test_the_ppv_is_given_at_a_prevalence_of_2_percent(two_class):
    ppv = two_class.clinical.prevalence.at(0.02).ppv
    sentence = plain(tables.predictive_value(two_class))
    assert sentence.startswith(
        f"At a prevalence of 2 %, {100 * ppv.value:.0f} of 100 positive predictions are correct (95 % CI"
    )
    assert "60.0 % of which are COVID-19" in sentence


def test_without_two_classes_or_rows_there_is_nothing_to_say(three_class, degenerate):
    assert tables.predictive_value(three_class) is None
    assert tables.points_table(three_class) is None
    assert tables.predictive_value(degenerate) is None  # one class only
    empty = replace(degenerate, clinical=Clinical())
    assert (
        tables.points_table(empty),
        tables.threshold_notes(empty),
        tables.calibration_sentences(empty),
    ) == (
        None,
        [],
        [],
    )


def test_probabilities_are_judged(two_class, three_class, degenerate):
    error = two_class.clinical.calibration["COVID-19"].error
    sentences = tables.calibration_sentences(two_class)
    assert f"of the probability of COVID-19 is {100 * error.value:.1f} percentage points" in sentences[0]
    assert tables.calibration_sentences(three_class)[0].startswith(
        "The expected calibration error of the probability of the predicted class"
    )
    assert "slope" in tables.calibration_sentences(three_class)[1]
    assert "all images are of one class" in tables.calibration_sentences(degenerate)[1]


@pytest.mark.parametrize(
    ("bounds", "words"),
    [((0.5, 0.8), "too extreme"), ((1.1, 1.9), "not extreme enough"), ((0.8, 1.2), "compatible with 1")],
)
def test_the_slope_is_put_into_words(three_class, bounds, words):
    line = three_class.clinical.confidence.line
    slope = replace(line.slope, value=np.mean(bounds), low=bounds[0], high=bounds[1])
    one = replace(three_class.clinical.confidence, line=replace(line, slope=slope))
    content = replace(three_class, clinical=replace(three_class.clinical, confidence=one))
    assert words in tables.calibration_sentences(content)[1]
