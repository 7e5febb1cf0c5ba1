"""Features come back as they were stored; damage, kills and other processes do no harm; removal is safe."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import lmdb
import numpy as np
import pytest

from hilum.backbone.cache import (
    IN_USE,
    NOTE,
    Context,
    FeatureStore,
    Kind,
    Record,
    Section,
    cache_folder,
    contents,
    remove,
)
from hilum.errors import CacheError
from hilum.radiograph import Header

HEADER = Header("PNG", 40, 50, "L", 8, 123, spacing_mm=(0.1, 0.2), view="PA", modality="CR")
COUNT = 300
CONTEXT = Context("ab" * 32, "resnet18", "square-3-64-stretch", "cpu, OpenVINO, float32")

# A process that writes item after item, whose values follow from their number.
WRITER = """
import sys
from pathlib import Path
import numpy as np
from hilum.backbone.cache import Record
from hilum.backbone.cache import Context, FeatureStore
from hilum.radiograph import Header
start, stop = int(sys.argv[2]), int(sys.argv[3])
store = FeatureStore(Path(sys.argv[1])).section(Context("ab" * 32, "n", "p", "e"))
print("ready", flush=True)
for number in range(start, stop):
    header = Header("PNG", number, 1, "L", 8, 1)
    store.put([Record(f"image{number}", np.full(300, number, np.float32), header)])
"""


def item(number: int = 0) -> Record:
    return Record(f"image{number}", np.full(COUNT, number, np.float32), HEADER)


def same(found: Record | None, expected: Record) -> bool:
    return (
        found is not None
        and np.array_equal(found.values, expected.values)
        and (found.image, found.header) == (expected.image, expected.header)
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    with FeatureStore.open(folder) as opened:
        yield opened.section(CONTEXT)


def test_what_is_put_is_found_again(store, folder):
    store.put([item(1), item(2)])
    assert same(store.get("image1", COUNT), item(1))
    store.close()
    with FeatureStore.open(folder) as again:
        assert same(again.section(CONTEXT).get("image2", COUNT), item(2))
        assert again.section(CONTEXT).get("image3", COUNT) is None


def test_contexts_do_not_mix(folder):
    with FeatureStore.open(folder) as opened:
        opened.section(CONTEXT).put([item(1)])
        assert opened.section(replace(CONTEXT, key="cd" * 32)).get("image1", COUNT) is None
        assert opened.section(replace(CONTEXT, network="named otherwise")) is opened.section(CONTEXT)


def test_a_section_says_what_it_is_and_when_it_was_used(folder):
    with FeatureStore.open(folder) as opened:
        note = opened.section(CONTEXT).folder / NOTE
    assert json.loads(note.read_text()) == asdict(CONTEXT)
    os.utime(note, (0, 0))
    with FeatureStore.open(folder) as opened:
        opened.section(CONTEXT)
    assert note.stat().st_mtime > 1e9


def test_an_open_store_is_marked_and_a_closed_one_is_not(folder):
    with FeatureStore.open(folder), FeatureStore.open(folder):
        assert len(list((folder / IN_USE).iterdir())) == 2
    assert list((folder / IN_USE).iterdir()) == []


def test_values_are_kept_to_the_last_bit(store):
    values = np.random.default_rng(0).standard_normal(COUNT).astype(np.float32)
    store.put([item()._replace(values=values)])
    assert store.get("image0", COUNT).values.tobytes() == values.tobytes()


def test_another_number_of_features_counts_as_absent(store):
    store.put([item()])
    assert store.get("image0", COUNT + 1) is None


def test_it_takes_no_room_on_disk_before_it_is_filled(store):
    store.put([item()])
    assert (store.folder / "data.mdb").stat().st_blocks * 512 < 1_000_000


def test_a_record_of_a_version_with_other_facts_counts_as_absent(store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("hilum.backbone.cache._SEAL", hashlib.blake2b(b"format,rows", digest_size=16))
        store.put([item()])
        assert same(store.get("image0", COUNT), item())
    assert store.get("image0", COUNT) is None
    store.put([item()])
    assert same(store.get("image0", COUNT), item())


@pytest.mark.parametrize("place", [3, 17, 40, -3])
def test_a_damaged_record_counts_as_absent_and_is_written_anew(store, place):
    store.put([item(7)])
    with store._environment.begin(write=True) as transaction:
        value = bytearray(transaction.get(b"image7"))
        value[place] ^= 1
        transaction.put(b"image7", bytes(value))
    assert store.get("image7", COUNT) is None
    store.put([item(7)])
    assert same(store.get("image7", COUNT), item(7))


@pytest.mark.parametrize("length", [0, 10, 17, 60, -4])
def test_a_record_cut_short_counts_as_absent(store, length):
    store.put([item()])
    with store._environment.begin(write=True) as transaction:
        transaction.put(b"image0", transaction.get(b"image0")[:length])
    assert store.get("image0", COUNT) is None


def test_a_record_under_anothers_name_counts_as_absent(store):
    store.put([item(1), item(2)])
    with store._environment.begin(write=True) as transaction:
        transaction.put(b"image1", transaction.get(b"image2"))
    assert store.get("image1", COUNT) is None


@pytest.mark.parametrize("spacing", [None, (0.1, 0.1)])
def test_headers_come_back_as_they_were(store, spacing):
    header = replace(HEADER, spacing_mm=spacing, manufacturer="SIEMENS “Ä”")
    store.put([item()._replace(header=header)])
    assert store.get("image0", COUNT).header == header


def test_kills_at_any_moment_leave_only_right_values(folder):
    rng = random.Random(0)
    found = 0
    for attempt in range(10):
        start = attempt * 100_000
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(start), str(start + 100_000)],
            stdout=subprocess.PIPE,
        ) as writer:
            writer.stdout.readline()
            time.sleep(rng.uniform(0.01, 0.15))
            writer.kill()
        with FeatureStore.open(folder) as opened:
            store = opened.section(CONTEXT)
            with store._environment.begin() as transaction:
                images = [bytes(image).decode() for image, _ in transaction.cursor()]
            for image in images:
                record = store.get(image, COUNT)
                number = int(image.removeprefix("image"))
                assert np.array_equal(record.values, np.full(COUNT, number, np.float32))
                assert record.header.rows == number
            assert len(images) > found  # each process got on, whatever the one before it left
            found = len(images)


def test_several_processes_write_at_once(folder):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(start), str(start + 30)])
        for start in (0, 20, 1000)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with FeatureStore.open(folder) as opened:
        store = opened.section(CONTEXT)
        for number in (*range(50), *range(1000, 1030)):
            assert store.get(f"image{number}", COUNT).values[0] == number


def test_a_forked_child_opens_it_anew(store):
    store.put([item(1)])
    child = os.fork()
    if child == 0:
        found = same(store.get("image1", COUNT), item(1))
        store.put([item(2)])
        os._exit(0 if found else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert same(store.get("image2", COUNT), item(2))


def cut_short(path: Path):
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path):
    path.write_bytes(b"no database" * 5000)


@pytest.mark.parametrize("spoil", [cut_short, overwrite])
def test_a_damaged_file_means_no_section_and_a_note(folder, said, spoil):
    with FeatureStore.open(folder) as opened:
        opened.section(CONTEXT).put([item(number) for number in range(50)])
        path = opened.section(CONTEXT).folder / "data.mdb"
    spoil(path)
    with FeatureStore.open(folder, said) as opened:
        assert opened.section(CONTEXT) is None
        assert opened.section(CONTEXT) is None
        assert opened.section(replace(CONTEXT, key="cd" * 32)) is not None  # the others work
    assert len(said.messages) == 1
    assert "cannot be used, so all features are computed" in said.messages[0]


def test_a_folder_that_cannot_be_means_no_section_and_a_note(tmp_path, said):
    (tmp_path / "file").write_text("")
    with FeatureStore.open(tmp_path / "file" / "store", said) as opened:
        assert opened.section(CONTEXT) is None
    assert "HILUM_CACHE" in said.messages[0]


def test_damaged_pages_are_never_wrong_values(tmp_path):
    whole = Section(tmp_path / "a", CONTEXT)
    whole.put([item(number) for number in range(100)])
    whole.close()
    content = (tmp_path / "a" / "data.mdb").read_bytes()
    rng = random.Random(1)
    for attempt in range(5):
        spoiled = bytearray(content)
        for _ in range(300):
            spoiled[rng.randrange(16_384, len(spoiled))] = rng.randrange(256)
        folder = tmp_path / f"b{attempt}" / CONTEXT.key[:32]
        folder.mkdir(parents=True)
        (folder / "data.mdb").write_bytes(spoiled)
        with FeatureStore.open(folder.parent) as opened:
            section = opened.section(CONTEXT)
            for number in range(100) if section is not None else ():
                found = section.get(f"image{number}", COUNT)
                assert found is None or same(found, item(number))


def test_a_full_disk_ends_storing_with_one_note(store, said, monkeypatch):
    class Full:
        def begin(self, **_):
            raise lmdb.DiskError("No space left on device")

        def close(self):
            pass

    store._progress = said
    environment = store._environment
    monkeypatch.setattr(store, "_environment", Full())
    store.put([item()])
    store.put([item()])
    assert len(said.messages) == 1
    assert "No space left" in said.messages[0]
    monkeypatch.setattr(store, "_environment", environment)


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("HILUM_CACHE")
    assert cache_folder().name == "hilum"


HEADER = Header("PNG", 40, 50, "L", 8, 123)
DAY = 86_400


def fill(folder: Path, network: str, images: int, key: str) -> Path:
    with FeatureStore.open(folder / "features") as store:
        section = store.section(Context(key * 32, network, "square-3-64-stretch", "cpu, OpenVINO, float32"))
        section.put([Record(f"image{n}", np.zeros(1280, np.float32), HEADER) for n in range(images)])
        return section.folder


@pytest.fixture
def filled(tmp_path) -> Path:
    """A cache with two networks' features, a network, and a file of a benchmark that is ten days old."""
    fill(tmp_path, "vgg16", 50, "a")
    fill(tmp_path, "resnet18", 7, "b")
    network = tmp_path / "networks" / "0123"
    network.mkdir(parents=True)
    (network / "facts.json").write_text(json.dumps({"facts": {"name": "vgg16"}, "files": {}}))
    (network / "graph.bin").write_bytes(bytes(100_000))
    (tmp_path / "bench").mkdir()
    blob = tmp_path / "bench" / "1.blob"
    blob.write_bytes(bytes(5000))
    os.utime(blob, (time.time() - 10 * DAY,) * 2)
    return tmp_path


def test_what_is_there_is_listed_by_kind_and_network(filled):
    found = contents(filled)
    listed = {(item.kind, item.network): item for item in found}
    assert set(listed) == {
        (Kind.FEATURES, "vgg16"),
        (Kind.FEATURES, "resnet18"),
        (Kind.NETWORKS, "vgg16"),
        (Kind.BENCH, "unknown"),
    }
    assert listed[Kind.FEATURES, "vgg16"].images == 50
    assert listed[Kind.FEATURES, "vgg16"].about == "square-3-64-stretch, cpu, OpenVINO, float32"
    assert listed[Kind.FEATURES, "vgg16"].bytes > 50 * 5120
    assert listed[Kind.FEATURES, "resnet18"].images == 7
    assert 100_000 < listed[Kind.NETWORKS, "vgg16"].bytes < 120_000
    assert listed[Kind.BENCH, "unknown"].age_days == pytest.approx(10, abs=0.1)
    assert [item.bytes for item in found] == sorted((item.bytes for item in found), reverse=True)


def test_an_empty_cache_holds_nothing(tmp_path):
    assert contents(tmp_path / "nowhere") == []
    assert remove([], tmp_path / "nowhere") == 0


def test_a_section_is_as_old_as_its_last_use(filled):
    note = next(filled.glob(f"features/bbbb*/{NOTE}"))
    os.utime(note, (time.time() - 3 * DAY,) * 2)
    (item,) = (item for item in contents(filled) if item.network == "resnet18")
    assert item.age_days == pytest.approx(3, abs=0.1)


def test_what_is_removed_frees_its_room_and_leaves_the_rest(filled):
    before = {item.path: item for item in contents(filled)}
    chosen = [item for item in before.values() if item.network == "vgg16"]
    assert remove(chosen, filled) == sum(item.bytes for item in chosen)
    assert {item.path for item in contents(filled)} == set(before) - {item.path for item in chosen}
    assert not any(item.path.exists() for item in chosen)
    assert [path.name for path in filled.rglob(".gone-*")] == []
    with FeatureStore.open(filled / "features") as store:
        rest = store.section(Context("b" * 32, "resnet18", "", ""))
        assert rest.get("image6", 1280) is not None


def test_what_a_kill_left_half_removed_is_neither_listed_nor_in_the_way(filled):
    section = next(item for item in contents(filled) if item.network == "resnet18")
    half = section.path.with_name(f".gone-{section.path.name}")
    half.mkdir()
    (half / "data.mdb").write_bytes(bytes(10))
    assert half not in {item.path for item in contents(filled)}
    remove([section], filled)
    assert not half.exists()
    assert not section.path.exists()


def test_files_of_an_older_version_are_listed_and_removed(filled):
    old = filled / "features" / "data.mdb"
    old.write_bytes(bytes(30_000))
    (item,) = (item for item in contents(filled) if item.path == old)
    assert (item.network, item.images) == ("unknown", 0)
    remove([item], filled)
    assert not old.exists()


@pytest.mark.parametrize("note", ["{", "[1]", '{"facts": 3}', '{"network": 3}'])
def test_a_damaged_note_hides_nothing(filled, note):
    section = next(item for item in contents(filled) if item.network == "resnet18")
    (section.path / NOTE).write_text(note)
    (item,) = (item for item in contents(filled) if item.path == section.path)
    assert (item.network, item.images) == ("unknown", 7)


def test_a_damaged_section_is_listed_with_its_size(filled):
    section = next(item for item in contents(filled) if item.network == "resnet18")
    (section.path / "data.mdb").write_bytes(b"no database" * 5000)
    (item,) = (item for item in contents(filled) if item.path == section.path)
    assert item.images == 0
    assert item.bytes >= 55_000


def test_nothing_is_removed_while_another_process_has_the_store_open(filled):
    code = (
        "import sys\nfrom pathlib import Path\nfrom hilum.backbone.cache import FeatureStore\n"
        "with FeatureStore.open(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(filled / "features")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        before = contents(filled)
        with pytest.raises(CacheError, match=f"another hilum process .* process {process.pid}"):
            remove(before, filled)
        assert {item.path for item in contents(filled)} == {item.path for item in before}
        process.kill()
    assert remove(before, filled) > 0  # a kill releases it
    assert contents(filled) == []


def test_an_open_section_outlives_its_removal(filled):
    """On systems that let go of open files: what was read before goes on being read."""
    with FeatureStore.open(filled / "other") as store:
        section = store.section(Context("c" * 32, "n", "p", "e"))
        section.put([Record("image", np.ones(4, np.float32), HEADER)])
        section.folder.rename(filled / "gone")
        assert section.get("image", 4).values.tolist() == [1, 1, 1, 1]
