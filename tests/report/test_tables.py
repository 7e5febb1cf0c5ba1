from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hilum.metrics import METRICS, Estimate
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


def test_every_metric_stands_in_the_registrys_order(content):
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
        "label": ["ill", "ill", "well"], "source": ["a", "a", "b"], "patient": ["1", "1", "2"],
    })  # fmt: skip
    table = tables.counts_by_source(cohort, ["ill", "well"])
    assert table.columns == ("a", "b")
    shown = {label: [(cell.value, cell.interval) for cell in cells] for label, cells in table.rows}
    assert shown == {"ill": [("2", "1 patient"), ("0", "")], "well": [("0", ""), ("1", "1 patient")]}


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
