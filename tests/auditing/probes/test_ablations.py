"""Probes that remove image content: border, lung region, thumbnail, histogram."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.auditing import Bars, Examples, Rating, ablation
from hilum.auditing.probes import ablations

PROBES = {
    "border": ablations.BORDER,
    "lungs_removed": ablations.LUNGS_REMOVED,
    "thumbnail": ablations.THUMBNAIL,
}


@pytest.mark.parametrize("name", PROBES)
def test_a_part_without_signal_is_sound(make_subject, name):
    answer = PROBES[name].ask(make_subject(n=200))
    assert answer.rating is Rating.SOUND
    assert answer.figure.low < 0.5 < answer.figure.high
    assert answer.details["whole"] > 0.9
    assert answer.details["patients"] == 100
    assert f"{answer.figure.value:.3f}" in answer.claim


@pytest.mark.parametrize("name", PROBES)
def test_a_part_that_predicts_as_well_as_the_whole_has_the_worst_rating(make_subject, name):
    plain = make_subject()
    answer = PROBES[name].ask(make_subject(ablated={name: plain.features}))
    assert answer.rating is PROBES[name].worst
    assert answer.details["explained"] == pytest.approx(1)
    assert answer.figure.value == pytest.approx(answer.details["whole"])


@pytest.mark.parametrize("name", PROBES)
def test_only_its_own_ablation_counts(make_subject, name):
    plain = make_subject()
    others = {other: plain.features for other in PROBES if other != name}
    assert PROBES[name].ask(make_subject(ablated=others)).rating is Rating.SOUND


def test_few_patients_are_inconclusive_with_a_figure(make_subject):
    patients = [f"p{row % 16}" for row in range(80)]
    answer = ablations.BORDER.ask(make_subject(labels=np.arange(80) % 2, patients=patients))
    assert answer.rating is Rating.CANNOT_TELL
    assert "8 patients" in answer.claim
    assert answer.figure.n == 80


def test_pictures_show_three_images_of_each_class_before_and_after(make_subject):
    subject = make_subject(classes=("a", "b", "c"), n=90)
    bars, examples = ablations.LUNGS_REMOVED.ask(subject).pictures
    assert isinstance(bars, Bars)
    assert (len(bars.bars), bars.reference) == (2, 0.5)
    assert isinstance(examples, Examples)
    assert [[one.ablation for one in row] for row in examples.rows] == [[""] * 3, ["lungs_removed"] * 3] * 3
    for whole, altered in zip(examples.rows[::2], examples.rows[1::2], strict=True):
        assert [one.image for one in whole] == [one.image for one in altered]


def brightened(labels: np.ndarray, where: np.ndarray, seed: int = 0) -> np.ndarray:
    """Noise, brighter in the images of class 1 at the pixels `where`."""
    noise = np.random.default_rng(seed).uniform(0.2, 0.6, (len(labels), 32, 32)).astype(np.float32)
    return noise + 0.2 * (labels[:, None, None] * where[None]).astype(np.float32)


@pytest.mark.parametrize(
    ("where", "rating"),
    [
        (np.ones((32, 32), bool), Rating.DOUBTFUL),
        (ablation.lung_region((32, 32)), Rating.SOUND),
        (np.zeros((32, 32), bool), Rating.SOUND),
    ],
    ids=["brighter films", "brighter lungs", "all alike"],
)
def test_grey_values_count_outside_the_lungs(make_subject, where, rating):
    labels = np.arange(100) % 2
    answer = ablations.HISTOGRAM.ask(make_subject(labels=labels, pixels=brightened(labels, where)))
    assert answer.rating is rating
    assert (answer.figure.value > 0.95) == bool(where.any())
    assert [bar.label for bar in answer.pictures[0].bars] == [
        "histogram only",
        "histogram outside the lung region",
        "whole image",
    ]
