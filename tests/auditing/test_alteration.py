from __future__ import annotations

import numpy as np
import pytest

from hilum.auditing import ALTERATIONS, ablation, transplanted
from hilum.auditing.ablation import Altered
from hilum.radiograph import Preprocessing

SIDE = 64


@pytest.fixture
def square() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 1, (SIDE, SIDE)).astype(np.float32)


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_gives_a_square_like_the_one_it_leaves_as_it_is(name, square):
    before = square.copy()
    found = ALTERATIONS[name].apply(square)
    assert (found.shape, found.dtype) == ((SIDE, SIDE), np.float32)
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.array_equal(square, before)


def test_of_the_frame_only_the_ring_is_left(square):
    found, ring = ALTERATIONS["frame"].apply(square), ablation.border(SIDE)
    assert np.array_equal(found[ring], square[ring])
    assert not found[~ring].any()


def test_the_middle_is_black_and_the_rest_as_it_was(square):
    found, middle = ALTERATIONS["middle"].apply(square), ablation.lung_region(SIDE)
    assert not found[middle].any()
    assert np.array_equal(found[~middle], square[~middle])


def test_a_thumbnail_holds_64_means(square):
    found = ALTERATIONS["thumbnail"].apply(square)
    means = square.reshape(8, 8, 8, 8).mean(axis=(1, 3))
    np.testing.assert_allclose(found, np.kron(means, np.ones((8, 8))), atol=1e-6)


def test_altered_images_have_keys_of_their_own():
    preprocessing = Preprocessing(SIDE)
    keys = {Altered(preprocessing, alteration).key for alteration in ALTERATIONS.values()}
    assert len(keys | {preprocessing.key}) == 4


def test_a_transplant_holds_one_image_inside_and_the_other_outside():
    found = transplanted(np.ones((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32))
    assert found.dtype == np.float32
    assert found[SIDE // 2, SIDE // 2] == pytest.approx(1)
    assert found[0, 0] == found[-1, SIDE // 2] == 0
    assert ((found > 0.5) == ablation.lung_region(SIDE)).mean() > 0.99


def test_an_image_in_its_own_frame_is_itself(square):
    np.testing.assert_allclose(transplanted(square, square), square, atol=1e-6)


def test_another_region_may_be_taken(square):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[20:40, 20:40] = True
    found = transplanted(square, np.zeros_like(square), mask)
    assert found[30, 30] == pytest.approx(square[30, 30])
    assert found[10, 10] == 0
