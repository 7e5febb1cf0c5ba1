"""What holds for every source."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.cohort import SOURCES, source
from hilum.errors import SourceError

PUBLISHED = ["cohen", "kermany", "darkcovidnet"]


def test_the_registry_uses_the_sources_names() -> None:
    assert {name: one.name for name, one in SOURCES.items()} == {name: name for name in SOURCES}
    assert set(PUBLISHED) < set(SOURCES)


def test_unknown_source_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        SourceError, match=r"no source 'kermani'; expected cohen, .*\. Did you mean kermany\?"
    ):
        source("kermani")


@pytest.mark.parametrize("name", list(SOURCES))
def test_unknown_option_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=rf"the source '{name}' takes no option 'pateint'"):
        source(name).read(tmp_path, pateint="x")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_missing_collection_is_explained(name: str, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    one = source(name)
    with pytest.raises(SourceError) as caught:
        one.read(tmp_path)
    message = str(caught.value)
    for part in (str(tmp_path), one.layout, "holiday", one.home, f"hilum cohort fetch {name}"):
        assert part in message


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_missing_data_folder_is_explained(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder"):
        source(name).read(tmp_path / "nowhere")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_collections_state_home_licence_and_citation(name: str) -> None:
    one = source(name)
    assert one.home.startswith("https://")
    assert one.licence
    assert one.citation
    assert one.archive is not None
    assert one.archive.url.startswith("https://")
