from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.auditing import Scale
from hilum.metrics import METRICS, Estimate
from hilum.recipe import load, shipped
from hilum.recipe.settings import SplitBy
from hilum.report import text as fmt

NAN = math.nan
UNDEFINED = Estimate(NAN, NAN, NAN, 0)


@pytest.mark.parametrize("metric", METRICS)
def test_an_undefined_figure_is_a_dash(metric):
    assert fmt.value(metric, NAN) == "–"
    assert fmt.interval(metric, UNDEFINED) == "–"


@given(st.sampled_from(sorted(METRICS)), st.floats(-1e9, 1e9) | st.sampled_from([NAN, math.inf, -math.inf]))
def test_no_number_shows_as_nan_or_inf(metric, number):
    shown = fmt.value(metric, number)
    assert "nan" not in shown
    assert "inf" not in shown


@pytest.mark.parametrize("metric", ["accuracy", "sensitivity", "ppv", "balanced_accuracy", "npv_covid_19"])
def test_proportions_are_percentages(metric):
    assert fmt.value(metric, 0.98181) == f"98.2{fmt.THIN}%"


@pytest.mark.parametrize("metric", ["loss", "f1", "roc_auc_other_infection", "pr_auc", "brier"])
def test_other_figures_have_three_decimals(metric):
    assert fmt.value(metric, 0.98181) == "0.982"


def test_the_unit_stands_once_after_an_interval():
    assert fmt.interval("accuracy", Estimate(0.98, 0.904, 0.9968, 55)) == f"90.4–99.7{fmt.THIN}%"
    assert fmt.interval("loss", Estimate(0.09, 0.02, 0.2, 55)) == "0.020–0.200"


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_found_under_its_class(name):
    assert fmt.base_of(name) == name
    assert fmt.base_of(f"{name}_auc_of_loss") == name


def test_an_unknown_metric_is_its_own_base():
    assert fmt.base_of("dice") == "dice"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0004, "0 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min"),
        (3599, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (NAN, "–"),
    ],
)
def test_a_duration_has_the_unit_that_suits(seconds, shown):
    assert fmt.duration(seconds).replace(fmt.THIN, " ") == shown


def test_what_is_not_perfect_never_shows_as_perfect():
    assert fmt.value("accuracy", 9999 / 10000) == f">99.9{fmt.THIN}%"
    assert fmt.value("roc_auc", 0.99996) == ">0.999"
    assert fmt.value("loss", 0.00002) == "<0.001"
    assert fmt.value("sensitivity", 0.0001) == f"<0.1{fmt.THIN}%"
    assert fmt.value("accuracy", 1.0) == f"100.0{fmt.THIN}%"
    assert fmt.value("loss", 0.0) == "0.000"


def test_bounds_that_read_alike_stand_once():
    assert fmt.interval("loss", Estimate(0.00002, 0.00001, 0.00004, 55)) == "<0.001"


def test_an_interval_of_no_width_keeps_its_form_and_nothing_becomes_zero_that_is_not():
    assert fmt.scaled_interval(Scale.AREA, Estimate(1.0, 1.0, 1.0, 9)) == "1.000–1.000"
    assert fmt.scaled_interval(Scale.NUMBER, Estimate(1204, 1204, 1204, 9)) == "1,204–1,204"
    assert fmt.scaled_interval(Scale.AREA, Estimate(0.00002, 0.00001, 0.00004, 9)) == "<0.001"


@pytest.mark.parametrize("scale", list(Scale))
def test_a_figure_of_the_audit_that_is_missing_is_a_dash(scale):
    assert fmt.scaled(scale, float("nan")) == fmt.scaled_interval(scale, UNDEFINED) == "–"


def test_the_tutorials_design_is_described(two_class):
    facts = {term: text.replace("\u202f", " ") for term, text in fmt.design(two_class).items()}
    assert facts["Split"] == (
        "By image: images of one patient may be in both the training and the test part."
        " Test part: 20.0 % of the images."
        " Validation part: 10.0 % of the training images, the last ones in shuffled order."
    )
    assert facts["Preprocessing"].startswith("Stretched to 237 × 237 pixels; intensities scaled to [0, 1]")
    for part in ("64 units", "dropout 0.2", "50 epochs", "batch size 8", "learning rate 0.001"):
        assert part in facts["Head"]
    assert facts["Threshold"] == "COVID-19 is predicted when its probability ≥ 0.5 (fixed at 0.5)."
    assert facts["Seed"].startswith("40 (split: 40)")


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_design_can_be_described(two_class, name):
    facts = fmt.design(replace(two_class, recipe=load(name)))
    assert all(text and "None" not in text for text in facts.values())


def test_folds_test_each_image_once(three_class):
    facts = fmt.design(three_class)
    assert "5-fold" in facts["Split"]
    assert "most probable class" in facts["Threshold"]


def test_patients_on_both_sides_are_named_first(two_class):
    assert fmt.findings(two_class)[0].startswith("23 patients have images in both")
    one = fmt.findings(replace(two_class, splits_share_patients=1))
    assert one[0].startswith("1 patient has images")


def test_grouped_patients_are_no_finding(two_class):
    assert "in both" not in " ".join(fmt.findings(replace(two_class, splits_share_patients=0)))


@pytest.mark.parametrize(
    ("sources", "named"),
    [(["a", "a", "b"], "Each label"), (["a", "b", "b"], None), (["a", "a", "a"], None)],
)
def test_a_label_with_sources_of_its_own_is_a_finding(two_class, sources, named):
    table = two_class.cohort.iloc[[0, 1, 100]].assign(label=["x", "x", "y"], source=sources)
    found = " ".join(fmt.findings(replace(two_class, cohort=table)))
    assert (f"{named} comes from sources" in found) if named else ("comes from sources" not in found)


def test_of_three_labels_the_one_with_its_own_source_is_named(three_class):
    assert "COVID-19 comes from sources that hold no other label" in " ".join(fmt.findings(three_class))


def test_sources_that_test_alone_are_no_finding(two_class):
    split = two_class.recipe.split.model_copy(update={"by": SplitBy.SOURCE})
    recipe = two_class.recipe.model_copy(update={"split": split})
    assert "another hospital" in " ".join(fmt.findings(two_class))
    assert "another hospital" not in " ".join(fmt.findings(replace(two_class, recipe=recipe)))


def test_only_words_in_use_are_explained(two_class, three_class, degenerate):
    assert {"Epoch", "Sensitivity", "ROC AUC"} <= set(fmt.glossary(two_class))
    assert not {"Fold", "Macro average"} & set(fmt.glossary(two_class))
    assert {"Fold", "Macro average"} <= set(fmt.glossary(three_class))
    assert "Epoch" not in fmt.glossary(degenerate)
    terms = [term.casefold() for term in fmt.glossary(two_class)]
    assert terms == sorted(terms)


def test_no_exclusion_is_stated_too():
    table = pd.DataFrame({"patient": ["a"], "source": ["x"], "label": ["l"]})
    assert fmt.summary_counts(table, 0) == "1 image of 1 patient from 1 source; 0 excluded."


def test_intervals_say_how_many_images_a_patient_has(two_class, degenerate):
    test = two_class.predictions.part("test").table
    mean = len(test) / test["patient"].nunique()  # patients of three rows, some of them cut by the split
    assert f"{mean:.1f} test images on average" in fmt.independence(two_class)
    assert "too narrow" not in fmt.independence(degenerate)


def test_unidentified_patients_are_a_finding(two_class):
    alone = two_class.cohort.assign(patient=[f"p{row}" for row in range(len(two_class.cohort))])
    found = fmt.findings(replace(two_class, cohort=alone, splits_share_patients=0))
    assert found[0].startswith("Every image has a patient of its own")
    assert not any("patient of its own" in each for each in fmt.findings(two_class))


def test_another_hospital_that_was_tried_is_no_longer_missing(audited):
    sentence = "another hospital was not measured"
    assert any(sentence in found for found in fmt.findings(audited))
    asked = dict(audited.audit.asked)
    asked["external"] = replace(asked["external"], answer=asked["splits"].answer)
    tried = replace(audited, audit=replace(audited.audit, asked=asked))
    assert not any(sentence in found for found in fmt.findings(tried))


def test_what_is_not_known_of_a_classifier_is_named(two_class, foreign):
    assert fmt.omissions(two_class) == ""
    for part in ("design", "training curves", "backbone", "environment"):
        assert part in fmt.omissions(foreign)
    assert set(fmt.design(foreign)) == {"Classes", "Threshold"}
    assert not {"Backbone", "Head", "Epoch", "Fold"} & set(fmt.glossary(foreign))
