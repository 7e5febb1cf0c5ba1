"""Downloads from a server of our own, which breaks off, refuses and lies as asked."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hilum.cohort import SOURCES, Source, fetch
from hilum.errors import OfflineError, SourceError

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
    """What the server gives, and what it was asked."""

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


class Told:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.tracked: list[tuple[str, int | None, int]] = []

    def track(self, items: Any, *, what: str, total: int | None = None) -> Iterator[Any]:
        count = 0
        for count, item in enumerate(items, 1):  # noqa: B007
            yield item
        self.tracked.append((what, total, count))

    def say(self, message: str) -> None:
        self.said.append(message)


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
    told = Told()
    folder = fetch("cohen", tmp_path, told)
    assert folder == tmp_path / "cohen"
    assert names(tmp_path) == ["cohen/images/a.png", "cohen/metadata.csv"]
    assert len(cohen.read(tmp_path)) == 1
    assert told.tracked == [("Downloading (MiB)", 3, 3), ("Unpacking", 2, 2)]
    assert "CC BY-NC-SA" in told.said[0]


def test_what_is_there_is_left_alone(cohen: Source, home: Home, tmp_path: Path) -> None:
    fetch("cohen", tmp_path)
    told = Told()
    fetch("cohen", tmp_path, told)
    assert len(home.asked) == 1
    assert told.said == [f"cohen is there already: {tmp_path / 'cohen'}"]


def test_an_interrupted_download_goes_on(cohen: Source, home: Home, tmp_path: Path) -> None:
    home.stop_after = 1_234_567
    with pytest.raises(OfflineError, match=r"stopped on the way.*Run it again: 1 MiB"):
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


def test_a_part_that_is_whole_already(cohen: Source, home: Home, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(home.content)
    fetch("cohen", tmp_path)
    assert home.asked == [f"bytes={len(home.content)}-"]
    assert cohen.is_present(tmp_path)


def test_a_part_longer_than_the_file_is_thrown_away(cohen: Source, home: Home, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(bytes(len(home.content) + 1))
    fetch("cohen", tmp_path)
    assert home.asked == [f"bytes={len(home.content) + 1}-", None]
    assert cohen.is_present(tmp_path)


def test_another_file_is_refused_and_not_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    point(monkeypatch, home.url, "0" * 64)
    with pytest.raises(
        SourceError, match=f"another file than expected came from {home.url}; expected sha256 {'0' * 64}"
    ):
        fetch("cohen", tmp_path)
    assert not (tmp_path / "cohen").exists()
    assert not part(tmp_path).exists()


def test_without_a_checksum_the_one_found_is_said(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    point(monkeypatch, home.url, None)
    told = Told()
    fetch("cohen", tmp_path, told)
    assert hashlib.sha256(home.content).hexdigest() in told.said[-1]


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_server_that_fails(cohen: Source, home: Home, tmp_path: Path, status: int) -> None:
    home.status = status
    with pytest.raises(OfflineError, match=rf"does not give {home.url}; found HTTP {status} .*by hand"):
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
def test_what_has_no_home_cannot_be_fetched(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing to download"):
        fetch(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_something_else_in_its_place_is_not_touched(cohen: Source, tmp_path: Path) -> None:
    (tmp_path / "cohen").mkdir()
    (tmp_path / "cohen/letters.txt").write_text("mine")
    with pytest.raises(SourceError, match=r"something else.*found letters\.txt"):
        fetch("cohen", tmp_path)
    assert names(tmp_path / "cohen") == ["letters.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>no zip", "the archive is damaged, or no zip file"),
        (
            packed({"top/other/a.png": b"x"}),
            r"laid out differently; expected metadata\.csv .*, found nothing",
        ),
        (packed(ENTRIES)[:3_000_000], "the archive is damaged"),
    ],
)
def test_an_archive_that_is_none_is_refused_and_not_kept(
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


def test_what_a_killed_call_unpacked_is_thrown_away(cohen: Source, tmp_path: Path) -> None:
    stale = tmp_path / ".hilum-fetch-cohen/unpacked/images/stale.png"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"half")
    fetch("cohen", tmp_path)
    assert names(tmp_path) == ["cohen/images/a.png", "cohen/metadata.csv"]
