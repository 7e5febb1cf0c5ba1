"""Features of many images: looked up where they are known, computed where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.artifact import hash_bytes
from hilum.backbone.backbone import Backbone
from hilum.backbone.engine import Engine, choose_engine
from hilum.backbone.store import FeatureStore, Stored
from hilum.errors import RadiographError
from hilum.progress import SILENT, Progress
from hilum.radiograph import Header, ahead, decode, read_content

__all__ = ["Features", "Prepares", "extract"]

_CHUNK = 32  # images a run of the engine and a commit of the store


class Prepares(Protocol):
    """What turns a picture into a network's input: `hilum.radiograph.Preparation`, or more done after it."""

    @property
    def size(self) -> int:
        """Side of the square in pixels."""
        ...

    @property
    def key(self) -> str:
        """Equal keys mean equal values."""
        ...

    def apply(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Prepare one picture: float32 (rows, columns) to (size, size), both in [0, 1]."""
        ...


@dataclass(frozen=True, eq=False)
class Features:
    """A backbone's output for a sequence of images, row by row.

    Parameters
    ----------
    values : ndarray of float32, shape (n, features)
        NaN in the rows that failed.
    headers : tuple of Header or None
        The files' facts; None in the rows that failed.
    failures : dict of int to RadiographError
        Why rows failed.
    from_cache : int
        Rows that needed neither decoding nor a forward pass.
    device : str
        What computed the others; ``"none"`` where there were none.
    precision : str
        In which numbers.
    """

    values: NDArray[np.float32]
    headers: tuple[Header | None, ...]
    failures: dict[int, RadiographError]
    from_cache: int
    device: str
    precision: str


class _Prepared(NamedTuple):
    """An image that the network has yet to see."""

    row: int
    image: str
    key: str
    pixels: NDArray[np.float32]
    header: Header


class _Known(NamedTuple):
    """An image whose features are known."""

    row: int
    stored: Stored


class _Failed(NamedTuple):
    """A file that gives no radiograph."""

    row: int
    error: RadiographError


def extract(
    images: Sequence[Path],
    preparation: Prepares,
    backbone: Backbone,
    store: FeatureStore | None = None,
    progress: Progress = SILENT,
    *,
    engine: Engine | None = None,
) -> Features:
    """Compute the features of images, or look them up.

    Files are read and decoded by threads ahead of the network, a bounded number at a time, so that memory
    does not grow with their number. A file that cannot be read is recorded, and ends nothing.

    Parameters
    ----------
    images : sequence of Path
    preparation : Prepares
        From pixels to the backbone's input.
    backbone : Backbone
    store : FeatureStore, optional
        Where features are kept; without it all are computed.
    progress : Progress
    engine : Engine, optional
        What runs the backbone; the fastest at hand otherwise.

    Returns
    -------
    Features
        As many rows as `images`, in their order.
    """
    if preparation.size != backbone.size:
        msg = f"preparation: expected size {backbone.size}, as the backbone's, found {preparation.size}"
        raise ValueError(msg)
    engine = engine or choose_engine(backbone)
    reader = _Reader(preparation, backbone.features, _context(preparation, backbone, engine), store)
    rows = _Rows.empty(len(images), backbone.features)
    waiting: list[_Prepared] = []
    ready = ahead(reader.read, list(enumerate(images)))
    for item in progress.track(ready, what="Computing features", total=len(images)):
        if not isinstance(item, _Prepared):
            rows.note(item)
            continue
        waiting.append(item)
        if len(waiting) == _CHUNK:
            rows.compute(waiting, engine, store)
            waiting = []
    if waiting:
        rows.compute(waiting, engine, store)
    return Features(
        values=rows.values,
        headers=tuple(rows.headers),
        failures=rows.failures,
        from_cache=rows.from_cache,
        device=engine.device if rows.computed else "none",
        precision=engine.precision,
    )


def _context(preparation: Prepares, backbone: Backbone, engine: Engine) -> str:
    """Name all that decides features besides an image's bytes; hilum's version stands for its decoders."""
    parts = (version("hilum"), preparation.key, backbone.key, engine.key)
    return hash_bytes(*(part.encode() for part in parts))


@dataclass(frozen=True)
class _Reader:
    """Looks files up and decodes those that are new; used by several threads."""

    preparation: Prepares
    count: int
    context: str
    store: FeatureStore | None

    def read(self, numbered: tuple[int, Path]) -> _Prepared | _Known | _Failed:
        row, path = numbered
        try:
            content = read_content(path)
            image = hash_bytes(content)
            key = hash_bytes(image.encode(), self.context.encode())
            stored = None if self.store is None else self.store.get(image, key, self.count)
            if stored is not None:
                return _Known(row, stored)
            radiograph = decode(content, path)
            pixels = self.preparation.apply(radiograph.pixels)
        except RadiographError as error:
            return _Failed(row, error)
        return _Prepared(row, image, key, pixels, radiograph.header)


@dataclass
class _Rows:
    """Results as they come in."""

    values: NDArray[np.float32]
    headers: list[Header | None]
    failures: dict[int, RadiographError] = field(default_factory=dict)
    from_cache: int = 0
    computed: int = 0

    @classmethod
    def empty(cls, count: int, features: int) -> _Rows:
        return cls(np.full((count, features), np.nan, np.float32), [None] * count)

    def note(self, item: _Known | _Failed) -> None:
        if isinstance(item, _Failed):
            self.failures[item.row] = item.error
            return
        self.values[item.row], self.headers[item.row] = item.stored.values, item.stored.header
        self.from_cache += 1

    def compute(self, items: Sequence[_Prepared], engine: Engine, store: FeatureStore | None) -> None:
        values = engine.run(np.stack([item.pixels for item in items])[:, None])
        self.computed += len(items)
        for item, value in zip(items, values, strict=True):
            self.values[item.row], self.headers[item.row] = value, item.header
        if store is not None:
            store.put(
                [
                    Stored(item.image, item.key, value, item.header)
                    for item, value in zip(items, values, strict=True)
                ]
            )
