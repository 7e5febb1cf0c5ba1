from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.auditing import Bars, Examples, Rating, examine
from hilum.auditing.probes.direct import DIRECT_ABLATION, REGION_SWAP, _Correct, _paired
from hilum.metrics import Estimate

SIDE = 32


def coloured(labels: np.ndarray, classes: int = 2) -> np.ndarray:
    """Images that are as bright as their label's number, all over."""
    return np.repeat((labels / classes).astype(np.float32), SIDE * SIDE).reshape(-1, SIDE, SIDE)


def reads(row: int, column: int, classes: int = 2):
    """Return a classifier that looks at one pixel."""

    def classify(images):
        codes = np.rint((images[:, row, column] - 0.01) * classes).astype(int).clip(0, classes - 1)
        return np.eye(classes, dtype=np.float32)[codes]

    return classify


MIDDLE, CORNER = (SIDE // 2, SIDE // 2), (0, 0)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("pixel", "rating"), [(MIDDLE, Rating.SOUND), (CORNER, Rating.BROKEN)])
def test_the_region_that_the_classifier_uses_is_found(make_subject, classes, pixel, rating):
    labels = np.arange(150) % classes
    names = ("a", "b", "c")[:classes]
    subject = make_subject(
        labels=labels, classes=names, pixels=coloured(labels, classes), classify=reads(*pixel, classes)
    )
    answer = REGION_SWAP.ask(subject)
    assert answer.rating is rating
    follows = {"follow_surroundings": pixel == CORNER, "follow_lungs": pixel == MIDDLE, "other": False}
    assert {name: answer.details[name] for name in follows} == follows
    assert answer.details["kept_within"] == 1
    bars, examples = answer.pictures
    assert isinstance(bars, Bars)
    assert isinstance(examples, Examples)
    for lungs, surroundings, swapped in examples.rows:
        assert (swapped.image, swapped.lungs_of) == (surroundings.image, lungs.image)


def test_a_seam_that_changes_every_prediction_is_inconclusive(make_subject):
    """It reverses its prediction for any image that is not uniform, as swapped images are not."""
    labels = np.arange(120) % 2
    squares = coloured(labels) + np.arange(120, dtype=np.float32)[:, None, None] / 1000

    def classify(given):
        flat = np.ptp(given.reshape(len(given), -1), axis=1) < 1e-4
        code = np.where(flat, given[:, 0, 0] > 0.3, given[:, 0, 0] <= 0.3).astype(int)
        return np.eye(2, dtype=np.float32)[code]

    answer = REGION_SWAP.ask(make_subject(labels=labels, pixels=squares, classify=classify))
    assert answer.details["kept_within"] == 0
    assert answer.rating is Rating.CANNOT_TELL
    assert "the seam alone" in answer.reason


def test_only_correctly_classified_images_count(make_subject):
    labels = np.arange(120) % 2
    answer = REGION_SWAP.ask(
        make_subject(labels=labels, pixels=coloured(labels), classify=lambda given: reads(0, 0)(0 * given))
    )
    assert answer.rating is Rating.CANNOT_TELL
    assert "0 test images" in answer.reason


def correct(counts: list[int], patients: list[str] | None = None) -> _Correct:
    labels = np.repeat(np.arange(len(counts)), counts)
    patients = np.array(patients or [f"p{row}" for row in range(len(labels))], object)
    return _Correct(np.arange(len(labels)), labels, patients, np.zeros((len(labels), 1, 1), np.float32))


@pytest.mark.parametrize("crossed", [True, False])
@pytest.mark.parametrize("counts", [[12, 30], [20, 20], [10, 15, 20]])
def test_each_image_is_used_about_equally(counts, crossed):
    given = correct(counts)
    pairs = _paired(given, len(counts), np.random.default_rng(0), crossed=crossed)
    lungs, surroundings = given.labels[pairs.lungs], given.labels[pairs.surroundings]
    assert ((lungs != surroundings) == crossed).all()
    assert (pairs.lungs != pairs.surroundings).all()
    assert len(set(zip(pairs.lungs, pairs.surroundings, strict=True))) == len(pairs) <= 100
    for side in (pairs.lungs, pairs.surroundings):
        for label in range(len(counts)):
            uses = np.bincount(side, minlength=len(given.rows))[given.labels == label]
            assert np.ptp(uses) <= max(2, len(counts))


def test_pairs_are_of_different_patients():
    given = correct([3, 3], ["x", "y", "z", "x", "y", "z"])
    pairs = _paired(given, 2, np.random.default_rng(0), crossed=True)
    assert len(pairs) == 12
    assert (given.patients[pairs.lungs] != given.patients[pairs.surroundings]).all()
    assert pairs.patients(given) == 3


@pytest.mark.parametrize(("pixel", "rating"), [(MIDDLE, Rating.SOUND), (CORNER, Rating.BROKEN)])
def test_the_classifier_itself_is_asked_without_lungs(make_subject, pixel, rating):
    labels = np.arange(150) % 2
    subject = make_subject(labels=labels, pixels=0.25 + coloured(labels), classify=reads(*pixel))
    answer = DIRECT_ABLATION.ask(subject)
    assert answer.rating is rating
    without = {name: answer.details[name]["part"]["value"] for name in ("lungs_removed", "border_removed")}
    seen = "border" if pixel == CORNER else "lungs"
    assert without == {f"{part}_removed": 0.5 if part == seen else 1 for part in ("lungs", "border")}
    assert answer.details["lungs_removed"]["whole"]["value"] == 1


@pytest.mark.parametrize("probe", [DIRECT_ABLATION, REGION_SWAP])
def test_predictions_alone_cannot_be_asked(make_subject, probe):
    audit = examine(replace(make_subject(), classifier=None), [probe])
    assert audit.answers[probe.name].rating is Rating.CANNOT_TELL
    assert "cannot be run" in audit.answers[probe.name].reason


def test_the_difference_of_two_shares_has_newcombes_interval():
    """56 of 70 against 48 of 80, from Newcombe's paper, table II (a), method 10."""
    from hilum.metrics import newcombe, wilson

    first = Estimate.around(56 / 70, wilson(56, 70), 70)
    second = Estimate.around(48 / 80, wilson(48, 80), 80)
    found = newcombe(first, second)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
