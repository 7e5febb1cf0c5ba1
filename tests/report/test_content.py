from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.recipe.settings import Published


def test_a_cohort_without_its_columns_is_refused(two_class):
    with pytest.raises(ValueError, match=r"cohort: expected columns .* missing: patient, source"):
        replace(two_class, cohort=two_class.cohort.drop(columns=["source", "patient"]))


def test_metrics_without_the_test_part_are_refused(two_class):
    with pytest.raises(ValueError, match=r"expected a part 'test', found \['train'\]"):
        replace(two_class, metrics={"train": two_class.metrics["train"]})


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4, 3), np.uint8)])
def test_a_thumbnail_of_another_kind_is_refused(two_class, pixels):
    with pytest.raises(ValueError, match=r"thumbnail of a.png: expected uint8"):
        replace(two_class, thumbnails={"a.png": pixels})


def test_the_test_part_comes_first(two_class, degenerate):
    assert two_class.parts == ("test", "validation", "train")
    assert degenerate.parts == ("test", "train")


def test_figures_of_our_network_come_first_and_the_order_stays(two_class):
    names = ["vgg16", "efficientnet_lite0", None, "efficientnet_lite0"]
    published = [
        Published(metric="accuracy", value=number / 10, backbone=name) for number, name in enumerate(names)
    ]
    changed = replace(two_class, recipe=two_class.recipe.model_copy(update={"published": published}))
    assert [row.value for row in changed.published] == [0.1, 0.3, 0.0, 0.2]


def test_random_weights_are_known_from_the_recipe(two_class, degenerate):
    assert degenerate.untrained
    assert not two_class.untrained


def test_without_a_recipe_the_classifier_gives_title_and_name(foreign):
    assert foreign.title == "Evaluation of model.onnx"
    assert foreign.name == "model.onnx"
    assert (foreign.published, foreign.untrained, foreign.has_epochs) == ((), False, False)


def test_errors_are_counted(two_class):
    assert two_class.errors == 1
