from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from hilum.recipe import load, shipped
from hilum.recipe.settings import SplitBy
from hilum.report import text


def test_the_tutorials_design_is_told(two_class):
    facts = {term: text.replace("\u202f", " ") for term, text in text.design(two_class).items()}
    assert facts["Split"] == (
        "By image: images of one patient may stand on both sides. 20.0 % of the images test."
        " 10.0 % of the training images validate, the last in shuffled order."
    )
    assert facts["Preprocessing"] == (
        "Stretched to a square of 237 × 237 pixels; brightness between 0 and 1, not normalised further."
    )
    assert facts["Head"] == (
        "Dense layer of 64 units, ReLU, dropout 0.2, dense output; 50 epochs of Adam, 8 images a step,"
        " learning rate 0.001."
    )
    assert facts["Threshold"] == "COVID-19 is predicted from a probability of 50.0 % on: fixed at 0.5."
    assert facts["Seed"].startswith("40 (the split's own: 40)")


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_design_can_be_told(two_class, name):
    facts = text.design(replace(two_class, recipe=load(name)))
    assert all(text and "None" not in text for text in facts.values())


def test_folds_test_each_image_once(three_class):
    facts = text.design(three_class)
    assert "5 folds: each image tests once" in facts["Split"]
    assert facts["Threshold"] == "Not used: the most probable class is predicted."


def test_patients_on_both_sides_are_named_first(two_class):
    assert text.findings(two_class)[0].startswith("23 patients have images on both sides of the split")
    one = text.findings(replace(two_class, splits_share_patients=1))
    assert one[0].startswith("1 patient has images")


def test_patients_apart_are_no_finding(two_class):
    assert "both sides" not in " ".join(text.findings(replace(two_class, splits_share_patients=0)))


@pytest.mark.parametrize(
    ("sources", "named"),
    [(["a", "a", "b"], "Each label"), (["a", "b", "b"], None), (["a", "a", "a"], None)],
)
def test_a_label_that_its_source_tells_is_a_finding(two_class, sources, named):
    table = two_class.cohort.iloc[[0, 1, 100]].assign(label=["x", "x", "y"], source=sources)
    found = " ".join(text.findings(replace(two_class, cohort=table)))
    assert (f"{named} comes from sources" in found) if named else ("comes from sources" not in found)


def test_of_three_labels_the_one_apart_is_named(three_class):
    assert "COVID-19 comes from sources that hold no other label" in " ".join(text.findings(three_class))


def test_sources_that_test_alone_are_no_finding(two_class):
    split = two_class.recipe.split.model_copy(update={"by": SplitBy.SOURCE})
    recipe = two_class.recipe.model_copy(update={"split": split})
    assert "another hospital" in " ".join(text.findings(two_class))
    assert "another hospital" not in " ".join(text.findings(replace(two_class, recipe=recipe)))


def test_only_words_in_use_are_explained(two_class, three_class, degenerate):
    assert {"Epoch", "Sensitivity", "ROC AUC"} <= set(text.glossary(two_class))
    assert not {"Fold", "Macro average"} & set(text.glossary(two_class))
    assert {"Fold", "Macro average"} <= set(text.glossary(three_class))
    assert "Epoch" not in text.glossary(degenerate)
    terms = [term.casefold() for term in text.glossary(two_class)]
    assert terms == sorted(terms)


def test_nothing_left_out_is_said_too():
    table = pd.DataFrame({"patient": ["a"], "source": ["x"], "label": ["l"]})
    assert text.summary_counts(table, 0) == "1 image of 1 patient from 1 source; 0 left out."


def test_intervals_say_how_many_images_a_patient_has(two_class, degenerate):
    test = two_class.predictions.part("test").table
    mean = len(test) / test["patient"].nunique()  # patients of three rows, some of them cut by the split
    assert f"has {mean:.1f} test images on average, so they are somewhat too narrow" in text.independence(
        two_class
    )
    assert text.independence(degenerate).endswith("no patient has several test images.")


def test_patients_that_nobody_told_apart_are_a_finding(two_class):
    alone = two_class.cohort.assign(patient=[f"p{row}" for row in range(len(two_class.cohort))])
    found = text.findings(replace(two_class, cohort=alone, splits_share_patients=0))
    assert found[0].startswith("Every image counts as a patient of its own")
    assert not any("patient of its own" in each for each in text.findings(two_class))


def test_another_hospital_that_was_tried_is_no_longer_missing(audited):
    sentence = "What the classifier does on images of another hospital was not measured here."
    assert any(sentence in found for found in text.findings(audited))
    asked = dict(audited.audit.asked)
    asked["external"] = replace(asked["external"], answer=asked["splits"].answer)
    tried = replace(audited, audit=replace(audited.audit, asked=asked))
    assert not any(sentence in found for found in text.findings(tried))
