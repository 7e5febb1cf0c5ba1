from __future__ import annotations

from pathlib import Path

import pytest

from hilum.cohort import check, source
from hilum.errors import SourceError

PHANTOM = source("phantom")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("phantom")
    PHANTOM.read(data, images=6, size=64, marker=1.0)
    return data


def test_drawn_once_and_read_again(data: Path) -> None:
    drawn = sorted((path.name, path.stat().st_mtime_ns) for path in (data / "phantom").iterdir())
    cohort = PHANTOM.read(data)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in (data / "phantom").iterdir()) == drawn
    assert len(cohort) == 6
    assert set(cohort.table["label"]) == {"Normal", "COVID-19"}
    assert all(path.is_file() for path in cohort.paths)


def test_patients_carry_their_source(data: Path) -> None:
    table = PHANTOM.read(data).table
    assert all(
        patient.startswith(f"{name}:")
        for patient, name in zip(table["patient"], table["source"], strict=True)
    )
    assert set(table["projection"]) == {"frontal"}


def test_the_shortcut_is_planted(data: Path) -> None:
    table = PHANTOM.read(data).table
    assert (table["factor_marker"] == (table["label"] != "Normal")).all()


def test_every_image_reads(data: Path) -> None:
    checked = check(PHANTOM.read(data))
    assert len(checked) == 6
    assert checked.table["bits"].tolist() == [8] * 6


def test_another_design_in_the_same_place_is_refused(data: Path) -> None:
    with pytest.raises(SourceError, match=r"phantom: .*found another design"):
        PHANTOM.read(data, images=7, size=64)


def test_an_impossible_design_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"design; found .*strength"):
        PHANTOM.read(tmp_path, marker=2.0)
    assert not list(tmp_path.iterdir())
