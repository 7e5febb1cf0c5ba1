from __future__ import annotations

import shutil
import stat
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from hilum.cohort.download import unpack
from hilum.errors import SourceError
from hilum.progress import SILENT


def archive(folder: Path, *names: str, link: bool = False) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            entry = zipfile.ZipInfo(name)
            if link:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            packed.writestr(entry, b"content " * 100)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("inside", "entries", "expected"),
    [
        ("", ["keep/a", "keep/b/c", "other/d", "keeper/e"], ["keep/a", "keep/b/c"]),
        ("*", ["repo-1/keep/a", "keep/b", "repo-1/d"], ["keep/a"]),
        ("x/y", ["x/y/keep/a", "x/z/keep/b", "x/y"], ["keep/a"]),
    ],
)
def test_only_what_is_wanted(tmp_path: Path, inside: str, entries: list[str], expected: list[str]) -> None:
    count = unpack(archive(tmp_path, *entries), tmp_path / "out", inside, ("keep",), SILENT)
    assert names(tmp_path / "out") == expected
    assert count == len(expected)


@pytest.mark.parametrize("name", ["keep/../../evil", "keep/..\\..\\evil", "keep/C:evil"])
def test_nothing_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="an entry leads out of the folder"):
        unpack(archive(tmp_path, "keep/a", name), tmp_path / "out", "", ("keep",), SILENT)
    assert names(tmp_path) == ["a.zip"]


def test_absolute_paths_are_not_wanted(tmp_path: Path) -> None:
    assert unpack(archive(tmp_path, "/keep/a"), tmp_path / "out", "", ("keep",), SILENT) == 0


def test_links_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="an entry is a link; found 'keep/a'"):
        unpack(archive(tmp_path, "keep/a", link=True), tmp_path / "out", "", ("keep",), SILENT)


def test_what_the_disk_cannot_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 100))
    with pytest.raises(SourceError, match="the disk is too small"):
        unpack(archive(tmp_path, "keep/a"), tmp_path / "out", "", ("keep",), SILENT)


def test_damage_is_found(tmp_path: Path) -> None:
    path = archive(tmp_path, "keep/a")
    content = bytearray(path.read_bytes())
    content[45] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(SourceError, match="the archive is damaged"):
        unpack(path, tmp_path / "out", "", ("keep",), SILENT)
