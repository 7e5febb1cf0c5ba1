from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from hilum.files import write_json
from hilum.metrics import Predictions, clinical


def rng():
    return np.random.default_rng(7)


def test_two_classes_have_every_part_and_three_calibration_alone(drawn):
    two = clinical(drawn(), 0.5, rng())
    assert set(two.record()) == {"schema_version", "calibration", "points", "prevalence", "decision"}
    assert two.points[0].name == "own"
    three = clinical(drawn(k=3), None, rng())
    assert set(three.record()) == {"schema_version", "calibration", "confidence"}


def test_the_record_is_json(drawn, tmp_path):
    write_json(tmp_path / "evaluation.json", clinical(drawn(), 0.5, rng()).record())
    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert record["schema_version"] == 1
    assert record["points"][1]["threshold"] is None  # there are no validation rows
    assert len(record["decision"]["thresholds"]) == 99
    assert 0.02 in [point["prevalence"] for point in record["prevalence"]["points"]]
    figure = record["calibration"]["covid"]["error"]
    assert set(figure) == {"value", "low", "high", "n"}


def test_only_test_rows_are_judged(drawn):
    rows = drawn().table
    more = rows.assign(split="train", image=rows["image"] + "t", label="normal", predicted="normal")
    classes = ("normal", "covid")
    both = clinical(Predictions(pd.concat([rows, more]), classes), 0.5, rng())
    alone = clinical(Predictions(rows, classes), 0.5, rng())
    assert both.calibration == alone.calibration
    assert both.decision == alone.decision
    assert both.prevalence == alone.prevalence


@pytest.mark.parametrize("labels", [[], [1, 1, 1], [0]])
def test_few_or_no_rows_are_no_error(build, labels):
    found = clinical(build(labels, [0.7] * len(labels)), 0.5, rng())
    if labels:
        assert math.isnan(found.calibration["covid"].line.slope.value)
    else:
        assert found.record() == {"schema_version": 1}
