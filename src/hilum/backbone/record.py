"""What the feature store holds of an image, as bytes that vouch for themselves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilum.radiograph import Header

__all__ = ["Record", "sealed", "unsealed"]

_DIGEST_BYTES = 16
_LENGTH_BYTES = 2
_FACTS = tuple(fact.name for fact in fields(Header))
_SPACING = _FACTS.index("spacing_mm")
_SEAL = hashlib.blake2b(",".join(_FACTS).encode(), digest_size=_DIGEST_BYTES)
"""Values of a version with other facts do not match it, and count as absent."""


class Record(NamedTuple):
    """What the store holds of an image.

    Parameters
    ----------
    image : str
        SHA-256 of the file's bytes.
    values : ndarray of float32, shape (features,)
    header : Header
    """

    image: str
    values: NDArray[np.float32]
    header: Header


def sealed(item: Record) -> bytes:
    """Return a record as bytes: digest, length of the header's facts, these as a JSON list, float32."""
    facts = json.dumps([getattr(item.header, name) for name in _FACTS]).encode()
    content = len(facts).to_bytes(_LENGTH_BYTES, "little") + facts + item.values.astype("<f4").tobytes()
    return _digest(item.image, content) + content


def unsealed(image: str, value: memoryview, count: int) -> Record | None:
    """Return the record of an image from its bytes; None where they are damaged, or of another count."""
    content = value[_DIGEST_BYTES:]
    if value[:_DIGEST_BYTES] != _digest(image, content):
        return None
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    if len(content) != start + 4 * count:
        return None
    facts = json.loads(str(content[_LENGTH_BYTES:start], "utf-8"))
    if facts[_SPACING] is not None:
        facts[_SPACING] = tuple(facts[_SPACING])
    values = np.frombuffer(content, "<f4", offset=start).astype(np.float32)
    return Record(image, values, Header(*facts))


def _digest(image: str, content: Any) -> bytes:
    digest = _SEAL.copy()
    digest.update(image.encode())
    digest.update(content)
    return digest.digest()
