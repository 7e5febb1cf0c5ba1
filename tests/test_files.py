"""Atomic writes and content hashes."""

from __future__ import annotations

import hashlib
import json
import math

import pytest

from hilum.files import hash_bytes, hash_file, replacing, write_json, write_text


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def break_off_halfway() -> None:
        with replacing(path) as temporary:
            temporary.write_text("new")
            raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        break_off_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_is_whole_readable_and_alone(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_text(path, "é")
    assert path.read_bytes() == "é".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_nan_becomes_null(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": [math.nan, 1.5], "b": {"c": float("nan")}})
    assert json.loads(path.read_text()) == {"a": [None, 1.5], "b": {"c": None}}


def test_infinity_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", math.inf)
    assert not list(tmp_path.iterdir())


def test_hashes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert hash_file(path) == hashlib.sha256(b"abc").hexdigest()
    assert hash_bytes(b"ab", b"c") != hash_bytes(b"a", b"bc")
    assert hash_bytes(b"ab") == hash_bytes(b"ab")
