"""Files that hilum leaves: written whole or not at all, and known by their content."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["hash_bytes", "hash_file", "json_text", "replacing", "write_bytes", "write_json", "write_text"]


def hash_bytes(*parts: bytes) -> str:
    """SHA-256 of byte strings, as 64 hex digits; where one part ends and the next begins counts.

    Examples
    --------
    >>> hash_bytes(b"ab", b"c") == hash_bytes(b"a", b"bc")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits (what ``sha256sum`` prints)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which replaces `path` when the block ends well.

    For writers that want a file name. After an error, or a kill, `path` is as it was.
    The temporary name keeps `path`'s suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".hilum-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; NaN becomes null, since JSON has none."""
    write_text(path, json_text(value) + "\n")


def json_text(value: Any) -> str:
    r"""Write `value` out as indented JSON; NaN becomes null, since JSON has none.

    >>> json_text({"value": float("nan")})
    '{\n  "value": null\n}'
    """
    return json.dumps(_without_nan(value), indent=2, allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and value != value:  # noqa: PLR0124  NaN alone differs from itself
        return None
    return value
