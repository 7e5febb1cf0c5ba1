from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hilum.backbone.cache import Kind, contents, remove
from hilum.backbone.store import NOTE, Context, FeatureStore, Record
from hilum.errors import CacheError
from hilum.radiograph import Header

HEADER = Header("PNG", 40, 50, "L", 8, 123)
DAY = 86_400


def fill(folder: Path, network: str, images: int, key: str) -> Path:
    with FeatureStore.open(folder / "features") as store:
        section = store.section(Context(key * 32, network, "square-3-64-stretch", "cpu, OpenVINO, float32"))
        section.put([Record(f"image{n}", np.zeros(1280, np.float32), HEADER) for n in range(images)])
        return section.folder


@pytest.fixture
def folder(tmp_path) -> Path:
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


def test_what_is_there_is_told_by_kind_and_network(folder):
    found = contents(folder)
    told = {(item.kind, item.network): item for item in found}
    assert set(told) == {
        (Kind.FEATURES, "vgg16"),
        (Kind.FEATURES, "resnet18"),
        (Kind.NETWORKS, "vgg16"),
        (Kind.BENCH, "not told"),
    }
    assert told[Kind.FEATURES, "vgg16"].images == 50
    assert told[Kind.FEATURES, "vgg16"].about == "square-3-64-stretch, cpu, OpenVINO, float32"
    assert told[Kind.FEATURES, "vgg16"].bytes > 50 * 5120
    assert told[Kind.FEATURES, "resnet18"].images == 7
    assert 100_000 < told[Kind.NETWORKS, "vgg16"].bytes < 120_000
    assert told[Kind.BENCH, "not told"].age_days == pytest.approx(10, abs=0.1)
    assert [item.bytes for item in found] == sorted((item.bytes for item in found), reverse=True)


def test_an_empty_cache_holds_nothing(tmp_path):
    assert contents(tmp_path / "nowhere") == []
    assert remove([], tmp_path / "nowhere") == 0


def test_a_section_is_as_old_as_its_last_use(folder):
    note = next(folder.glob(f"features/bbbb*/{NOTE}"))
    os.utime(note, (time.time() - 3 * DAY,) * 2)
    (item,) = (item for item in contents(folder) if item.network == "resnet18")
    assert item.age_days == pytest.approx(3, abs=0.1)


def test_what_is_removed_frees_its_room_and_leaves_the_rest(folder):
    before = {item.path: item for item in contents(folder)}
    chosen = [item for item in before.values() if item.network == "vgg16"]
    assert remove(chosen, folder) == sum(item.bytes for item in chosen)
    assert {item.path for item in contents(folder)} == set(before) - {item.path for item in chosen}
    assert not any(item.path.exists() for item in chosen)
    assert [path.name for path in folder.rglob(".gone-*")] == []
    with FeatureStore.open(folder / "features") as store:
        rest = store.section(Context("b" * 32, "resnet18", "", ""))
        assert rest.get("image6", 1280) is not None


def test_what_a_kill_left_half_removed_is_neither_told_nor_in_the_way(folder):
    section = next(item for item in contents(folder) if item.network == "resnet18")
    half = section.path.with_name(f".gone-{section.path.name}")
    half.mkdir()
    (half / "data.mdb").write_bytes(bytes(10))
    assert half not in {item.path for item in contents(folder)}
    remove([section], folder)
    assert not half.exists()
    assert not section.path.exists()


def test_files_of_an_older_version_are_told_and_removed(folder):
    old = folder / "features" / "data.mdb"
    old.write_bytes(bytes(30_000))
    (item,) = (item for item in contents(folder) if item.path == old)
    assert (item.network, item.images) == ("not told", 0)
    remove([item], folder)
    assert not old.exists()


@pytest.mark.parametrize("note", ["{", "[1]", '{"facts": 3}', '{"network": 3}'])
def test_a_damaged_note_hides_nothing(folder, note):
    section = next(item for item in contents(folder) if item.network == "resnet18")
    (section.path / NOTE).write_text(note)
    (item,) = (item for item in contents(folder) if item.path == section.path)
    assert (item.network, item.images) == ("not told", 7)


def test_a_damaged_section_is_told_with_its_size(folder):
    section = next(item for item in contents(folder) if item.network == "resnet18")
    (section.path / "data.mdb").write_bytes(b"no database" * 5000)
    (item,) = (item for item in contents(folder) if item.path == section.path)
    assert item.images == 0
    assert item.bytes >= 55_000


def test_nothing_is_removed_while_another_process_has_the_store_open(folder):
    code = (
        "import sys\nfrom pathlib import Path\nfrom hilum.backbone.store import FeatureStore\n"
        "with FeatureStore.open(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(folder / "features")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        before = contents(folder)
        with pytest.raises(CacheError, match=f"another hilum process .* process {process.pid}"):
            remove(before, folder)
        assert {item.path for item in contents(folder)} == {item.path for item in before}
        process.kill()
    assert remove(before, folder) > 0  # a kill releases it
    assert contents(folder) == []


def test_an_open_section_outlives_its_removal(folder):
    """On systems that let go of open files: what was read before goes on being read."""
    with FeatureStore.open(folder / "other") as store:
        section = store.section(Context("c" * 32, "n", "p", "e"))
        section.put([Record("image", np.ones(4, np.float32), HEADER)])
        section.folder.rename(folder / "gone")
        assert section.get("image", 4).values.tolist() == [1, 1, 1, 1]
