from __future__ import annotations

from pathlib import Path

import pytest

from hilum.errors import RadiographError
from hilum.radiograph import find_images


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.DCM", "notes.txt", ".hidden.png", "sub/c.jpg", "sub/.d/e.png", "sub/[x].png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(found: list[Path], folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in found]


def test_a_folder_is_searched_to_the_bottom_without_hidden_files(folder):
    found = names(find_images([folder]), folder)
    assert found == ["a.DCM", "b.png", "notes.txt", "sub/[x].png", "sub/c.jpg"]


def test_files_and_patterns_in_the_order_given_each_once(folder):
    found = find_images([folder / "sub/c.jpg", str(folder / "*.png"), folder / "b.png", str(folder / "s*")])
    assert names(found, folder) == ["sub/c.jpg", "b.png", "sub/[x].png"]
    assert names(find_images([str(folder / "**" / "*.jpg")]), folder) == ["sub/c.jpg"]


def test_a_name_that_looks_like_a_pattern(folder):
    assert names(find_images([folder / "sub/[x].png"]), folder) == ["sub/[x].png"]


def test_a_hidden_file_that_is_named_is_meant(folder):
    assert names(find_images([folder / ".hidden.png"]), folder) == [".hidden.png"]


@pytest.mark.parametrize(
    ("name", "what"),
    [("missing.png", "no such file or folder"), ("*.gif", "no file matches"), ("empty", "holds no files")],
)
def test_what_gives_nothing(name, what, folder):
    with pytest.raises(RadiographError, match=what):
        find_images([folder / name])


def test_a_folder_that_cannot_be_read_is_no_empty_folder(folder, monkeypatch):
    def refuse(place: object) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(RadiographError, match="cannot be read; found Permission denied"):
        find_images([folder])


def test_an_empty_path_is_not_the_working_folder():
    with pytest.raises(RadiographError, match="a path is empty"):
        find_images([""])
