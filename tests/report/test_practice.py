from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.metrics import Clinical, clinical
from hilum.report import tables


def plain(text: str) -> str:
    return text.replace("\u202f", " ")


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
    assert any("to choose on" in note for note in tables.notes(content))


def test_a_note_that_several_share_is_said_once(two_class):
    points = tuple(replace(point, note="too few") for point in two_class.clinical.points[1:3])
    content = replace(two_class, clinical=replace(two_class.clinical, points=points))
    assert tables.notes(content) == ["Sensitivity of 95 % or more, sensitivity of 90 % or more: too few."]


def test_alarms_at_2_percent(two_class):
    ppv = two_class.clinical.prevalence.at(0.02).ppv
    sentence = plain(tables.alarms(two_class))
    assert sentence.startswith(
        f"At 2 % prevalence {100 * ppv.value:.0f} of 100 alarms are true (95 % interval"
    )
    assert "60.0 % are COVID-19" in sentence


def test_without_two_classes_or_rows_there_is_nothing_to_say(three_class, degenerate):
    assert tables.alarms(three_class) is None
    assert tables.points_table(three_class) is None
    assert tables.alarms(degenerate) is None  # one class only
    empty = replace(degenerate, clinical=Clinical())
    assert (tables.points_table(empty), tables.notes(empty), tables.probabilities(empty)) == (
        None,
        [],
        [],
    )


def test_probabilities_are_judged(two_class, three_class, degenerate):
    error = two_class.clinical.calibration["COVID-19"].error
    sentences = tables.probabilities(two_class)
    assert f"COVID-19 are off by {100 * error.value:.1f} percentage points" in sentences[0]
    assert tables.probabilities(three_class)[0].startswith(
        "The highest probability of a test image is off by"
    )
    assert "slope" in tables.probabilities(three_class)[1]
    assert "all images are of one class" in tables.probabilities(degenerate)[1]


@pytest.mark.parametrize(
    ("bounds", "words"),
    [((0.5, 0.8), "nearer 0 and 1"), ((1.1, 1.9), "nearer the middle"), ((0.8, 1.2), "1 is calibrated")],
)
def test_the_slope_is_put_into_words(three_class, bounds, words):
    line = three_class.clinical.confidence.line
    slope = replace(line.slope, value=np.mean(bounds), low=bounds[0], high=bounds[1])
    one = replace(three_class.clinical.confidence, line=replace(line, slope=slope))
    content = replace(three_class, clinical=replace(three_class.clinical, confidence=one))
    assert words in tables.probabilities(content)[1]
