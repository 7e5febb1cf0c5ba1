from __future__ import annotations

import numpy as np
import pytest

from hilum.auditing.ablation import ABLATIONS, border, lung_region, swap_regions

SIDE = 64


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 1, (SIDE, SIDE)).astype(np.float32)


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (48, 80), (237, 224)])
@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_keeps_shape_range_and_its_input(name, shape):
    image = np.random.default_rng(0).uniform(0.1, 1, shape).astype(np.float32)
    before = image.copy()
    found = ABLATIONS[name].apply(image)
    assert (found.shape, found.dtype) == (shape, np.float32)
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    ("name", "removed"),
    [
        ("border", ~border((SIDE, SIDE))),
        ("border_removed", border((SIDE, SIDE))),
        ("lungs_removed", lung_region((SIDE, SIDE))),
    ],
)
def test_a_region_is_black_and_the_rest_unchanged(name, removed, image):
    found = ABLATIONS[name].apply(image)
    assert not found[removed].any()
    assert np.array_equal(found[~removed], image[~removed])


def test_a_thumbnail_has_64_means(image):
    found = ABLATIONS["thumbnail"].apply(image)
    means = image.reshape(8, 8, 8, 8).mean(axis=(1, 3))
    np.testing.assert_allclose(found, np.kron(means, np.ones((8, 8))), atol=1e-6)


def test_ablations_have_different_keys():
    assert len({ablation.key for ablation in ABLATIONS.values()}) == len(ABLATIONS)


def test_a_swap_has_the_lungs_of_one_image_and_the_surroundings_of_the_other():
    found = swap_regions(np.ones((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32))
    assert found.dtype == np.float32
    assert found[SIDE // 2, SIDE // 2] == pytest.approx(1)
    assert found[0, 0] == found[-1, SIDE // 2] == 0
    assert ((found > 0.5) == lung_region((SIDE, SIDE))).mean() > 0.99


def test_an_image_swapped_with_itself_is_unchanged(image):
    np.testing.assert_allclose(swap_regions(image, image), image, atol=1e-6)


def at(shape: tuple[int, int], y: float, x: float) -> tuple[int, int]:
    return int(y * shape[0]), int(x * shape[1])


@pytest.mark.parametrize("shape", [(64, 64), (224, 224), (300, 200)])
def test_the_lung_region_has_apices_bases_and_flanks_but_no_corner(shape):
    region = lung_region(shape)
    for y, x in [(0.1, 0.35), (0.1, 0.65), (0.85, 0.1), (0.85, 0.9), (0.6, 0.06), (0.6, 0.94), (0.5, 0.5)]:
        assert region[at(shape, y, x)]
    for y, x in [(0.02, 0.5), (0.08, 0.08), (0.08, 0.92), (0.95, 0.5), (0.6, 0.03), (0.6, 0.97)]:
        assert not region[at(shape, y, x)]
    assert np.array_equal(region, region[:, ::-1])


@pytest.mark.parametrize("side", [20, 224])
def test_the_border_is_a_ring_that_meets_the_lung_region_only_at_the_top(side):
    ring = border((side, side))
    width = side // 20 or 1
    assert ring.sum() == side**2 - (side - 2 * width) ** 2
    assert ring[0].all()
    assert ring[:, -1].all()
    assert not ring[width, width]
    assert not (ring & lung_region((side, side)))[width:].any()


def test_findings_of_phantoms_are_in_the_lung_region_and_not_in_the_border():
    from hilum.phantom import PhantomCohort
    from hilum.phantom.cohort import plan
    from hilum.phantom.folder import draw
    from hilum.radiograph import Preprocessing

    preprocess = Preprocessing(224).apply
    negative = PhantomCohort(images=8, signal=0, shortcuts=(), size=(256, 256), seed=5)
    positive = PhantomCohort(images=8, signal=1, severity=(0.9, 0.9), shortcuts=(), size=(256, 256), seed=5)
    changes = []
    for shots in zip(plan(negative), plan(positive), strict=True):
        before, after = (
            preprocess(draw(design, shot)) for design, shot in zip((negative, positive), shots, strict=True)
        )
        changes.append(abs(after - before))
    change = np.sum(changes, axis=0)
    assert change.max() > 0.1
    assert change[~lung_region((224, 224))].sum() < 0.02 * change.sum()
    assert change[border((224, 224))].sum() < 0.01 * change.sum()
