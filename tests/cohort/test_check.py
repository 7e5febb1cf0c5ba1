from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hilum.cohort import Cohort, check


@pytest.fixture
def cohort(put: Callable[..., Path], tmp_path: Path) -> Cohort:
    noise = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "film.png")
    Image.fromarray(noise).save(tmp_path / "jpeg-by-content.png", format="JPEG")
    put("empty.png", content=b"")
    put("words.jpg", content=b"no picture")
    images = ["film.png", "empty.png", "jpeg-by-content.png", "words.jpg"]
    table = pd.DataFrame({"image": images, "label": "a", "patient": images, "source": "s", "rows": 1})
    return Cohort.of(table, tmp_path)


def test_facts_of_the_headers(cohort: Cohort, tmp_path: Path) -> None:
    table = check(cohort).table
    assert table["image"].tolist() == ["film.png", "jpeg-by-content.png"]
    assert table[["format", "rows", "columns", "mode", "bits"]].to_numpy().tolist() == [
        ["PNG", 40, 50, "L", 8],
        ["JPEG", 40, 50, "L", 8],
    ]
    assert table["bytes"].tolist() == [(tmp_path / image).stat().st_size for image in table["image"]]


def test_what_cannot_be_read_is_left_out_with_its_cause(cohort: Cohort, tmp_path: Path) -> None:
    exclusions = check(cohort).exclusions
    assert exclusions[["image", "reason"]].to_numpy().tolist() == [
        ["empty.png", "unreadable"],
        ["words.jpg", "unreadable"],
    ]
    assert exclusions["detail"].str.len().gt(5).all()
    assert not exclusions["detail"].str.contains(str(tmp_path)).any()


def test_checking_twice_changes_nothing(cohort: Cohort) -> None:
    once = check(cohort)
    twice = check(once)
    pd.testing.assert_frame_equal(once.table, twice.table)
    pd.testing.assert_frame_equal(once.exclusions, twice.exclusions)
