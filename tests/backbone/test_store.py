from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import lmdb
import numpy as np
import pytest

from hilum.backbone.store import FeatureStore, Stored, _sealed, cache_folder
from hilum.radiograph import Header

HEADER = Header("PNG", 40, 50, "L", 8, 123, spacing_mm=(0.1, 0.2), view="PA", modality="CR")
COUNT = 300

# A process that writes item after item, whose values can be told from their number.
WRITER = """
import sys
from pathlib import Path
import numpy as np
from hilum.backbone.store import FeatureStore, Stored
from hilum.radiograph import Header
start, stop = int(sys.argv[2]), int(sys.argv[3])
store = FeatureStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(start, stop):
    header = Header("PNG", number, 1, "L", 8, 1)
    store.put([Stored(f"image{number}", f"key{number}", np.full(300, number, np.float32), header)])
"""


def item(number: int = 0) -> Stored:
    return Stored(f"image{number}", f"key{number}", np.full(COUNT, number, np.float32), HEADER)


def same(found: Stored | None, expected: Stored) -> bool:
    return (
        found is not None
        and np.array_equal(found.values, expected.values)
        and (found.image, found.key, found.header) == (expected.image, expected.key, expected.header)
    )


@pytest.fixture
def store(tmp_path):
    with FeatureStore.open(tmp_path / "store") as opened:
        yield opened


def test_what_is_put_is_found_again(store, tmp_path):
    store.put([item(1), item(2)])
    assert same(store.get("image1", "key1", COUNT), item(1))
    store.close()
    with FeatureStore.open(tmp_path / "store") as again:
        assert same(again.get("image2", "key2", COUNT), item(2))
        assert again.get("image3", "key3", COUNT) is None


def test_values_are_kept_to_the_last_bit(store):
    values = np.random.default_rng(0).standard_normal(COUNT).astype(np.float32)
    store.put([item()._replace(values=values)])
    assert store.get("image0", "key0", COUNT).values.tobytes() == values.tobytes()


def test_another_number_of_features_counts_as_absent(store):
    store.put([item()])
    assert store.get("image0", "key0", COUNT + 1) is None


def test_it_takes_no_room_on_disk_before_it_is_filled(store):
    store.put([item()])
    assert (store.folder / "data.mdb").stat().st_blocks * 512 < 1_000_000


@pytest.mark.parametrize("change", [lambda facts: facts.pop("kvp"), lambda facts: facts.update(weight=1)])
def test_a_header_of_a_version_with_other_facts_counts_as_absent(store, change):
    facts = HEADER.as_dict()
    change(facts)
    store.put([item()])
    with store._environment.begin(write=True) as transaction:
        transaction.put(b"image0", _sealed("image0", json.dumps(facts).encode()), db=store._headers)
    assert store.get("image0", "key0", COUNT) is None
    store.put([item()])
    assert same(store.get("image0", "key0", COUNT), item())


@pytest.mark.parametrize("where", ["values", "facts"])
def test_a_damaged_value_counts_as_absent_and_is_written_anew(store, where):
    store.put([item()])
    database, key = (store._features, b"key0") if where == "values" else (store._headers, b"image0")
    with store._environment.begin(write=True) as transaction:
        value = bytearray(transaction.get(key, db=database))
        value[-3] ^= 1
        transaction.put(key, bytes(value), db=database)
    assert store.get("image0", "key0", COUNT) is None
    store.put([item()])
    assert same(store.get("image0", "key0", COUNT), item())


def test_a_value_cut_short_counts_as_absent(store):
    store.put([item()])
    with store._environment.begin(write=True) as transaction:
        transaction.put(b"key0", transaction.get(b"key0", db=store._features)[:-4], db=store._features)
    assert store.get("image0", "key0", COUNT) is None


def test_a_value_under_anothers_key_counts_as_absent(store):
    store.put([item(1), item(2)])
    with store._environment.begin(write=True) as transaction:
        transaction.put(b"key1", transaction.get(b"key2", db=store._features), db=store._features)
    assert store.get("image1", "key1", COUNT) is None


def test_kills_at_any_moment_leave_only_right_values(tmp_path):
    rng = random.Random(0)
    folder = tmp_path / "store"
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
        with FeatureStore.open(folder) as store:
            with store._environment.begin() as transaction:
                keys = [bytes(key) for key, _ in transaction.cursor(db=store._features)]
            for key in keys:
                number = int(key[3:])
                values = store.get(f"image{number}", f"key{number}", COUNT)
                assert np.array_equal(values.values, np.full(COUNT, number, np.float32))
                assert values.header.rows == number
            assert len(keys) > found  # each process got on, whatever the one before it left
            found = len(keys)


def test_several_processes_write_at_once(tmp_path):
    folder = tmp_path / "store"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(start), str(start + 30)])
        for start in (0, 20, 1000)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with FeatureStore.open(folder) as store:
        for number in (*range(50), *range(1000, 1030)):
            assert store.get(f"image{number}", f"key{number}", COUNT).values[0] == number


def test_a_forked_child_opens_it_anew(store):
    store.put([item(1)])
    child = os.fork()
    if child == 0:
        found = same(store.get("image1", "key1", COUNT), item(1))
        store.put([item(2)])
        os._exit(0 if found else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert same(store.get("image2", "key2", COUNT), item(2))


def cut_short(path: Path):
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path):
    path.write_bytes(b"no database" * 5000)


@pytest.mark.parametrize("spoil", [cut_short, overwrite])
def test_a_damaged_file_means_no_store_and_a_note(tmp_path, said, spoil):
    with FeatureStore.open(tmp_path) as store:
        store.put([item(number) for number in range(50)])
    spoil(tmp_path / "data.mdb")
    with FeatureStore.open(tmp_path, said) as store:
        assert store is None
    assert "cannot be used, so all features are computed" in said.messages[0]


def test_a_folder_that_cannot_be_means_no_store_and_a_note(tmp_path, said):
    (tmp_path / "file").write_text("")
    with FeatureStore.open(tmp_path / "file" / "store", said) as store:
        assert store is None
    assert "HILUM_CACHE" in said.messages[0]


def test_damaged_pages_are_never_wrong_values(tmp_path):
    with FeatureStore.open(tmp_path / "a") as store:
        store.put([item(number) for number in range(100)])
    content = (tmp_path / "a" / "data.mdb").read_bytes()
    rng = random.Random(1)
    (tmp_path / "b").mkdir()
    for _ in range(5):
        spoiled = bytearray(content)
        for _ in range(300):
            spoiled[rng.randrange(16_384, len(spoiled))] = rng.randrange(256)
        (tmp_path / "b" / "data.mdb").write_bytes(spoiled)
        with FeatureStore.open(tmp_path / "b") as store:
            for number in range(100) if store is not None else ():
                found = store.get(f"image{number}", f"key{number}", COUNT)
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
