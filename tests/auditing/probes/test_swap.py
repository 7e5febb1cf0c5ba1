from __future__ import annotations

import numpy as np
import pytest

from hilum.auditing import Bars, Examples, Rating
from hilum.auditing.probes.region_swap import REGION_SWAP, Right, paired
from hilum.metrics import Estimate

SIDE = 32


def coloured(labels: np.ndarray, classes: int = 2) -> np.ndarray:
    """Images that are as bright as their label's number, all over."""
    return np.repeat((labels / classes).astype(np.float32), SIDE * SIDE).reshape(-1, SIDE, SIDE)


def reads(row: int, column: int, classes: int = 2):
    """Return a classifier that looks at one pixel."""

    def classify(squares):
        codes = np.rint(squares[:, row, column] * classes).astype(int)
        return np.eye(classes, dtype=np.float32)[codes]

    return classify


MIDDLE, CORNER = (SIDE // 2, SIDE // 2), (0, 0)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("pixel", "rating"), [(MIDDLE, Rating.SOUND), (CORNER, Rating.BROKEN)])
def test_it_tells_what_the_classifier_looks_at(make_subject, classes, pixel, rating):
    labels = np.arange(150) % classes
    names = ("a", "b", "c")[:classes]
    subject = make_subject(
        labels=labels, classes=names, squares=coloured(labels, classes), classify=reads(*pixel, classes)
    )
    answer = REGION_SWAP.ask(subject)
    assert answer.rating is rating
    follows = {"follow_frame": pixel == CORNER, "follow_middle": pixel == MIDDLE, "other": False}
    assert {name: answer.details[name] for name in follows} == follows
    assert answer.details["kept_within"] == 1
    bars, examples = answer.pictures
    assert isinstance(bars, Bars)
    assert isinstance(examples, Examples)
    for middle, frame, composite in examples.rows:
        assert (composite.image, composite.middle_of) == (frame.image, middle.image)


def test_a_seam_that_changes_every_answer_tells_nothing(make_subject):
    """It turns its answer over wherever an image is not all of one shade, as composites are not."""
    labels = np.arange(120) % 2
    squares = coloured(labels) + np.arange(120, dtype=np.float32)[:, None, None] / 1000

    def classify(given):
        flat = np.ptp(given.reshape(len(given), -1), axis=1) < 1e-4
        code = np.where(flat, given[:, 0, 0] > 0.3, given[:, 0, 0] <= 0.3).astype(int)
        return np.eye(2, dtype=np.float32)[code]

    answer = REGION_SWAP.ask(make_subject(labels=labels, squares=squares, classify=classify))
    assert answer.details["kept_within"] == 0
    assert answer.rating is Rating.CANNOT_TELL
    assert "the seam alone" in answer.reason


def test_only_images_that_are_right_as_they_are_count(make_subject):
    labels = np.arange(120) % 2
    answer = REGION_SWAP.ask(
        make_subject(labels=labels, squares=coloured(labels), classify=lambda given: reads(0, 0)(0 * given))
    )
    assert answer.rating is Rating.CANNOT_TELL
    assert "0 test images of the rarest label" in answer.claim


def right(counts: list[int], patients: list[str] | None = None) -> Right:
    labels = np.repeat(np.arange(len(counts)), counts)
    patients = np.array(patients or [f"p{row}" for row in range(len(labels))], object)
    return Right(np.arange(len(labels)), labels, patients, np.zeros((len(labels), 1, 1), np.float32))


@pytest.mark.parametrize("crossed", [True, False])
@pytest.mark.parametrize("counts", [[12, 30], [20, 20], [10, 15, 20]])
def test_each_image_is_used_about_equally(counts, crossed):
    given = right(counts)
    pairs = paired(given, len(counts), 100, np.random.default_rng(0), crossed=crossed)
    middle, frame = given.labels[pairs.middles], given.labels[pairs.frames]
    assert ((middle != frame) == crossed).all()
    assert (pairs.middles != pairs.frames).all()
    assert len(set(zip(pairs.middles, pairs.frames, strict=True))) == len(pairs) <= 100
    for side in (pairs.middles, pairs.frames):
        for label in range(len(counts)):
            uses = np.bincount(side, minlength=len(given.rows))[given.labels == label]
            assert np.ptp(uses) <= max(2, len(counts))


def test_pairs_are_of_different_patients():
    given = right([3, 3], ["x", "y", "z", "x", "y", "z"])
    pairs = paired(given, 2, 100, np.random.default_rng(0), crossed=True)
    assert len(pairs) == 12
    assert (given.patients[pairs.middles] != given.patients[pairs.frames]).all()
    assert pairs.fewest_patients(given) == 3


def test_the_difference_of_two_shares_has_newcombes_interval():
    """56 of 70 against 48 of 80, from Newcombe's paper, table II (a), method 10."""
    from hilum.metrics import newcombe, wilson

    first = Estimate.around(56 / 70, wilson(56, 70), 70)
    second = Estimate.around(48 / 80, wilson(48, 80), 80)
    found = newcombe(first, second)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
