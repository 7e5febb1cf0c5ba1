from __future__ import annotations

import numpy as np
import pytest

from hilum.cohort import Fold
from hilum.errors import SplitError


def test_rows_become_int64() -> None:
    fold = Fold(np.array([1], dtype=np.int32), [2], [0])  # type: ignore[arg-type]
    assert {part.dtype for part in (fold.train, fold.validation, fold.test)} == {np.dtype(np.int64)}


@pytest.mark.parametrize("parts", [([0, 1], [1], [2]), ([0, 0], [1], [2])])
def test_a_row_is_in_one_part_once(parts: tuple[list[int], ...]) -> None:
    with pytest.raises(SplitError, match="in two parts, or twice in one"):
        Fold(*map(np.array, parts))


def test_no_part_is_empty() -> None:
    with pytest.raises(SplitError, match="the validation part is empty"):
        Fold(np.array([0]), np.array([]), np.array([1]))
