from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hilum.cohort.duplicates.alignment import align
from hilum.cohort.duplicates.fingerprints import SIDE


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR))[None]


def texture(seed: int) -> np.ndarray:
    """Draw 400 × 400 pixels with detail of every size."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.normal(size=(side, side)).astype(np.float32)).resize(
                (400, 400), Image.BICUBIC
            )
        )
        for side in (8, 16, 32, 64)
    ]
    return (128 + 25 * sum(layers)).clip(0, 255).astype(np.uint8)


def compared(a: np.ndarray, b: np.ndarray, window: tuple[float, ...]):
    return align(lambda part: a[part], lambda part: b[part], np.array([window]))


@pytest.mark.parametrize("begin", [(0.1, 0.9, 0.05, 0.95), (0.16, 0.92, 0.08, 1.0)])
def test_a_window_is_found_to_a_hundredth(begin):
    whole = texture(0)
    found = compared(thumbnail(whole[50:370, 30:390]), thumbnail(whole), begin)
    assert found.windows[0] == pytest.approx([0.125, 0.925, 0.075, 0.975], abs=0.01)
    assert found.similarity[0] > 0.9


def test_grays_do_not_matter():
    whole = texture(1)
    darker = (255 * (whole / 255) ** 1.4 * 0.7 + 20).astype(np.uint8)
    assert compared(thumbnail(darker), thumbnail(whole), (0, 1, 0, 1)).similarity[0] > 0.9


def test_the_same_coarse_picture_with_other_detail_is_no_copy():
    coarse = np.asarray(
        Image.fromarray(texture(2)).resize((16, 16), Image.BOX).resize((400, 400), Image.BICUBIC)
    ).astype(float)
    one, other = (
        (coarse + 0.7 * (texture(seed).astype(float) - 128)).clip(0, 255).astype(np.uint8) for seed in (3, 4)
    )
    assert compared(thumbnail(one), thumbnail(other), (0, 1, 0, 1)).similarity[0] < 0.6


def test_one_label_in_common_makes_no_copy():
    one, other = texture(5), texture(6)
    one[:60, :60] = other[:60, :60] = np.arange(60) * 4
    assert compared(thumbnail(one), thumbnail(other), (0, 1, 0, 1)).similarity[0] < 0.5


def test_flat_images_are_no_copies():
    flat = np.full((1, SIDE, SIDE), 100, np.uint8)
    assert compared(flat, flat, (0, 1, 0, 1)).similarity[0] == 0
