from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from hilum.metrics import Clinical
from hilum.report.checklist import AUTHORS, ITEMS, checklist


def rows(text: str) -> dict[str, str]:
    """Topic and answer of each row."""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[-1].replace("\u202f", " ") for row in cells}


def test_every_item_has_its_row_and_every_answer_words(content):
    text = checklist(content)
    found = rows(text)
    assert all(found[item.topic] for item in ITEMS)
    assert all(topic in found for topic, _ in AUTHORS)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    bars = {line.replace("\\|", "").count("|") for line in lines}
    assert bars == {4}


def test_it_cites_both_and_numbers_no_item_of_claim(two_class):
    text = checklist(two_class)
    assert "10.1148/ryai.240300" in text
    assert "10.1136/bmj-2023-078378" in text
    assert not any(
        character.isdigit() for item in ITEMS for character in item.asked_by.split("CLAIM")[-1][:3]
    )


def test_the_run_s_numbers_are_filled_in(two_class):
    found = rows(checklist(two_class))
    assert found["Sources of the data"] == "cohen: 175 images; kermany: 100 images."
    assert "CT (84), lateral view (41)" in found["Flow of images"]
    assert "Test: 22 Normal, 33 COVID-19" in found["Images and outcomes in each analysis"]
    assert found["Data partitions and their independence"].endswith(
        "23 patients have images in both the training and the test part."
    )
    assert "Accuracy 98.2 % (95 % CI 90.4–99.7 %)" in found["Performance on the test images, with CIs"]
    assert found["Failure analysis"].startswith("1 error in 55 test images")
    assert "numpy 2.4.0" in found["Code and settings for reproduction"]
    assert found["Characteristics of the participants"].startswith("Age and sex are not")
    assert found["Robustness"].startswith("Not audited")


def test_age_and_sex_are_described_where_known(two_class):
    table = two_class.cohort.assign(age=[50.0, None] * 137 + [70.0], sex=["F", "M", None, "M", "M"] * 55)
    found = rows(checklist(replace(two_class, cohort=table)))["Characteristics of the participants"]
    assert found == "Median age 50 years, known for 138 images; sex: 165 M, 55 F."


def test_folds_count_an_image_once(three_class):
    assert "Test: 500" in rows(checklist(three_class))["Images and outcomes in each analysis"].replace(
        "500 No", "500"
    )


def test_the_audit_s_verdict_is_the_robustness(audited):
    found = rows(checklist(audited))
    assert audited.audit.verdict.sentence in found["Robustness"]
    assert "against the result: Source only" in found["Robustness"]
    assert found["External testing"] == "None."


def test_names_cannot_break_the_table(degenerate):
    text = checklist(degenerate)
    assert "<script>" not in text
    assert "synthetic" in text
    bar = degenerate.cohort.assign(source="a | b\nc")
    assert "a \\| b c: 15 images" in checklist(replace(degenerate, cohort=bar))


def test_missing_calibration_is_stated(two_class):
    found = rows(checklist(replace(two_class, clinical=Clinical())))
    assert found["Calibration on the test images"].startswith("Not computed")


@pytest.mark.parametrize("limit", [None, 175])
def test_inclusion_is_what_the_recipe_says(two_class, limit):
    cohort = two_class.recipe.cohort
    select = [one.model_copy(update={"limit": limit}) for one in cohort.select]
    recipe = two_class.recipe.model_copy(update={"cohort": cohort.model_copy(update={"select": select})})
    exclusions = pd.DataFrame(columns=two_class.exclusions.columns)
    found = rows(checklist(replace(two_class, recipe=recipe, exclusions=exclusions)))
    taken = found["Inclusion and exclusion criteria"]
    assert taken.startswith("Included: cohen as COVID-19 where finding COVID-19")
    assert ("the first 175" in taken) == (limit == 175)
    assert taken.endswith("No image was excluded.")


def test_what_is_not_known_of_a_classifier_is_not_answered(foreign):
    found = rows(checklist(foreign))
    for item in ("Image preprocessing", "Model, initial weights and training", "Full model"):
        assert found[item].startswith("Not known")
    assert "1 error in 55" in found["Failure analysis"]
