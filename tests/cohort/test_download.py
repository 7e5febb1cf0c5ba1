"""Downloads from a local server that interrupts, refuses and sends other files, and unpacking."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import threading
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hilum.cohort import SOURCES, Source, fetch
from hilum.cohort.download import unpack
from hilum.errors import OfflineError, SourceError
from hilum.progress import SILENT

METADATA = b"patientid,sex,age,finding,view,modality,folder,filename\n1,F,50,COVID-19,PA,X-ray,images,a.png\n"
ENTRIES = {"top/metadata.csv": METADATA, "top/images/a.png": bytes(3_000_000), "top/scripts/x.py": b"no"}


def packed(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@dataclass
class Home:
    """What the server sends, and the ranges that were requested."""

    content: bytes
    url: str = ""
    status: int = 200
    ranges: bool = True
    stop_after: int | None = None
    asked: list[str | None] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.asked.append(asked)
        if self.status != 200:
            request.send_error(self.status)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        whole = len(self.content)
        if start >= whole:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{whole}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        request.send_header("Content-Length", str(whole - start))
        request.end_headers()
        stop = whole if self.stop_after is None else start + self.stop_after
        request.wfile.write(self.content[start:stop])


@pytest.fixture
def home() -> Iterator[Home]:
    home = Home(packed(ENTRIES))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            home.answer(self)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    home.url = f"http://127.0.0.1:{server.server_port}/collection.zip"
    yield home
    server.shutdown()
    thread.join()
    server.server_close()


class Recorder:
    """A progress that keeps what it is recorder."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.tracked: list[tuple[str, int | None, int]] = []

    def track(self, items: Any, *, what: str, total: int | None = None) -> Iterator[Any]:
        count = 0
        for count, item in enumerate(items, 1):  # noqa: B007
            yield item
        self.tracked.append((what, total, count))

    def say(self, message: str) -> None:
        self.messages.append(message)


def point(monkeypatch: pytest.MonkeyPatch, url: str, sha256: str | None) -> Source:
    cohen = SOURCES["cohen"]
    assert cohen.archive is not None
    one = replace(cohen, archive=replace(cohen.archive, url=url, sha256=sha256))
    monkeypatch.setitem(SOURCES, "cohen", one)
    return one


@pytest.fixture
def cohen(home: Home, monkeypatch: pytest.MonkeyPatch) -> Source:
    return point(monkeypatch, home.url, hashlib.sha256(home.content).hexdigest())


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def part(data: Path) -> Path:
    return data / ".hilum-fetch-cohen/cohen.zip.part"


def test_a_collection_arrives_and_reads(cohen: Source, home: Home, tmp_path: Path) -> None:
    recorder = Recorder()
    folder = fetch("cohen", tmp_path, recorder)
    assert folder == tmp_path / "cohen"
    assert names(tmp_path) == ["cohen/images/a.png", "cohen/metadata.csv"]
    assert len(cohen.read(tmp_path)) == 1
    assert recorder.tracked == [("Downloading (MiB)", 3, 3), ("Unpacking", 2, 2)]
    assert "CC BY-NC-SA" in recorder.messages[0]


def test_a_present_collection_is_left_as_it_is(cohen: Source, home: Home, tmp_path: Path) -> None:
    fetch("cohen", tmp_path)
    recorder = Recorder()
    fetch("cohen", tmp_path, recorder)
    assert len(home.asked) == 1
    assert recorder.messages == [f"cohen is already present: {tmp_path / 'cohen'}"]


def test_an_interrupted_download_is_resumed(cohen: Source, home: Home, tmp_path: Path) -> None:
    home.stop_after = 1_234_567
    with pytest.raises(OfflineError, match=r"interrupted.*found \w+ after 1 MiB\. Run it again"):
        fetch("cohen", tmp_path)
    assert not (tmp_path / "cohen").exists()
    kept = part(tmp_path).stat().st_size
    assert 0 < kept <= 1_234_567
    home.stop_after = None
    fetch("cohen", tmp_path)
    assert home.asked == [None, f"bytes={kept}-"]
    assert (tmp_path / "cohen/images/a.png").read_bytes() == ENTRIES["top/images/a.png"]
    assert names(tmp_path) == ["cohen/images/a.png", "cohen/metadata.csv"]


def test_a_server_without_ranges_starts_again(cohen: Source, home: Home, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(b"old bytes")
    home.ranges = False
    fetch("cohen", tmp_path)
    assert home.asked == ["bytes=9-"]
    assert cohen.is_present(tmp_path)


def test_a_complete_part_is_used(cohen: Source, home: Home, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(home.content)
    fetch("cohen", tmp_path)
    assert home.asked == [f"bytes={len(home.content)}-"]
    assert cohen.is_present(tmp_path)


def test_a_part_longer_than_the_file_is_discarded(cohen: Source, home: Home, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(bytes(len(home.content) + 1))
    fetch("cohen", tmp_path)
    assert home.asked == [f"bytes={len(home.content) + 1}-", None]
    assert cohen.is_present(tmp_path)


def test_another_file_is_refused_and_not_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    point(monkeypatch, home.url, "0" * 64)
    with pytest.raises(SourceError, match=f"{home.url} gave another file .*sha256 {'0' * 64}"):
        fetch("cohen", tmp_path)
    assert not (tmp_path / "cohen").exists()
    assert not part(tmp_path).exists()


def test_without_a_published_checksum_the_one_found_is_reported(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    point(monkeypatch, home.url, None)
    recorder = Recorder()
    fetch("cohen", tmp_path, recorder)
    assert hashlib.sha256(home.content).hexdigest() in recorder.messages[-1]


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_server_that_fails(cohen: Source, home: Home, tmp_path: Path, status: int) -> None:
    home.status = status
    with pytest.raises(OfflineError, match=rf"{home.url}; found HTTP {status} .*by hand"):
        fetch("cohen", tmp_path)
    assert not (tmp_path / "cohen").exists()


def test_without_a_network_it_says_where_to_put_the_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    point(monkeypatch, "http://127.0.0.1:9/collection.zip", None)  # the discard port: nobody answers
    with pytest.raises(OfflineError) as caught:
        fetch("cohen", tmp_path)
    message = str(caught.value)
    for expected in ("metadata.csv and images/", str(tmp_path / "cohen"), "https://github.com/ieee8023"):
        assert expected in message


@pytest.mark.parametrize("name", ["folder", "table", "phantom"])
def test_a_source_without_an_archive_cannot_be_fetched(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing to download"):
        fetch(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_folder_in_its_place_is_not_touched(cohen: Source, tmp_path: Path) -> None:
    (tmp_path / "cohen").mkdir()
    (tmp_path / "cohen/letters.txt").write_text("mine")
    with pytest.raises(SourceError, match=r"something else.*found letters\.txt"):
        fetch("cohen", tmp_path)
    assert names(tmp_path / "cohen") == ["letters.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>no zip", "damaged or not a zip file"),
        (
            packed({"top/other/a.png": b"x"}),
            r"unexpected layout; expected metadata\.csv .*, found an empty folder",
        ),
        (packed(ENTRIES)[:3_000_000], "damaged"),
    ],
)
def test_an_unusable_archive_is_refused_and_not_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, message: str
) -> None:
    home.content = content
    point(monkeypatch, home.url, None)
    with pytest.raises(SourceError, match=message):
        fetch("cohen", tmp_path)
    assert not (tmp_path / "cohen").exists()
    assert not part(tmp_path).with_suffix("").exists()
    home.content = packed(ENTRIES)
    fetch("cohen", tmp_path)


def test_files_that_a_killed_call_unpacked_are_discarded(cohen: Source, tmp_path: Path) -> None:
    stale = tmp_path / ".hilum-fetch-cohen/unpacked/images/stale.png"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"half")
    fetch("cohen", tmp_path)
    assert names(tmp_path) == ["cohen/images/a.png", "cohen/metadata.csv"]


def archive(folder: Path, *names: str, link: bool = False) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            entry = zipfile.ZipInfo(name)
            if link:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            packed.writestr(entry, b"content " * 100)
    return path


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
    with pytest.raises(SourceError, match="too little space"):
        unpack(archive(tmp_path, "keep/a"), tmp_path / "out", "", ("keep",), SILENT)


def test_damage_is_found(tmp_path: Path) -> None:
    path = archive(tmp_path, "keep/a")
    content = bytearray(path.read_bytes())
    content[45] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(SourceError, match="damaged"):
        unpack(path, tmp_path / "out", "", ("keep",), SILENT)
