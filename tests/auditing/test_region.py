from __future__ import annotations

import numpy as np
import pytest

from hilum.auditing import ablation


def place(side: int, y: float, x: float) -> tuple[int, int]:
    return int(y * side), int(x * side)


@pytest.mark.parametrize("side", [64, 224, 237])
def test_the_middle_holds_apices_bases_and_flanks_but_no_corner(side):
    middle = ablation.lung_region(side)
    for y, x in [(0.1, 0.35), (0.1, 0.65), (0.85, 0.1), (0.85, 0.9), (0.6, 0.06), (0.6, 0.94), (0.5, 0.5)]:
        assert middle[place(side, y, x)]
    for y, x in [(0.02, 0.5), (0.08, 0.08), (0.08, 0.92), (0.95, 0.5), (0.6, 0.03), (0.6, 0.97)]:
        assert not middle[place(side, y, x)]
    assert np.array_equal(middle, middle[:, ::-1])


@pytest.mark.parametrize("side", [20, 224])
def test_the_frame_is_a_ring_that_the_middle_does_not_touch_but_at_the_top(side):
    frame = ablation.border(side)
    width = side // 20 or 1
    assert frame.sum() == side**2 - (side - 2 * width) ** 2
    assert frame[0].all()
    assert frame[:, -1].all()
    assert not frame[width, width]
    shared = frame & ablation.lung_region(side)
    assert not shared[width:].any()


def test_phantom_lungs_lie_in_the_middle_and_not_in_the_frame():
    """A finding drawn into the lungs changes next to nothing outside of the middle."""
    from hilum.phantom import PhantomCohort
    from hilum.phantom.cohort import plan
    from hilum.phantom.folder import draw
    from hilum.radiograph import Preprocessing

    square = Preprocessing(224).apply
    well = PhantomCohort(images=8, signal=0, shortcuts=(), size=(256, 256), seed=5)
    ill = PhantomCohort(images=8, signal=1, severity=(0.9, 0.9), shortcuts=(), size=(256, 256), seed=5)
    changes = []
    for shots in zip(plan(well), plan(ill), strict=True):
        before, after = (square(draw(design, shot)) for design, shot in zip((well, ill), shots, strict=True))
        changes.append(abs(after - before))
    change = np.sum(changes, axis=0)
    assert change.max() > 0.1
    assert change[~ablation.lung_region(224)].sum() < 0.02 * change.sum()
    assert change[ablation.border(224)].sum() < 0.01 * change.sum()
