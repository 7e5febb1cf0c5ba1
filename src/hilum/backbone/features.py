"""Features of many images: looked up where they are known, computed where they are not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.backbone.backbone import Backbone
from hilum.backbone.engine import Engine, choose_engine
from hilum.backbone.store import Context, FeatureStore, Record, Section
from hilum.errors import RadiographError
from hilum.files import hash_bytes
from hilum.progress import SILENT, Progress
from hilum.radiograph import Header, ahead, decode, read_content
from hilum.recipe.settings import Precision

__all__ = ["Features", "Prepares", "extract"]


_CHUNK = 32  # images a commit of the store


class Prepares(Protocol):
    """From a picture to a network's input: `hilum.radiograph.Preprocessing`, or more done after it."""

    @property
    def size(self) -> int:
        """Side of the square in pixels."""
        ...

    @property
    def key(self) -> str:
        """Equal keys mean equal values."""
        ...

    def apply(
        self, pixels: NDArray[np.float32], extent: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """Prepare one picture: float32 (rows, columns) to (size, size), both in [0, 1].

        `extent` is the rows and columns that `pixels` stand for where they are reduced.
        """
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
        What computes those that are not known; known ones were computed on the same.
    precision : Precision
        In which numbers.
    """

    values: NDArray[np.float32]
    headers: tuple[Header | None, ...]
    failures: dict[int, RadiographError]
    from_cache: int
    device: str
    precision: Precision


class _Prepared(NamedTuple):
    """An image that the network has yet to see."""

    row: int
    image: str
    pixels: NDArray[np.float32]
    header: Header


class _Known(NamedTuple):
    """An image whose features are known."""

    row: int
    record: Record


class _Failed(NamedTuple):
    """A file that gives no radiograph."""

    row: int
    error: RadiographError


def extract(
    images: Sequence[Path],
    preprocessing: Prepares,
    backbone: Backbone,
    store: FeatureStore | None = None,
    progress: Progress = SILENT,
    *,
    engine: Engine | None = None,
) -> Features:
    """Compute the features of images, or look them up.

    Files are read and decoded by threads while the network is at work, a bounded number ahead of it, so that
    memory does not grow with their number. A file that cannot be read is recorded, and ends nothing.

    Parameters
    ----------
    images : sequence of Path
    preprocessing : Prepares
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
    if preprocessing.size != backbone.size:
        msg = f"preprocessing: expected size {backbone.size}, as the backbone's, found {preprocessing.size}"
        raise ValueError(msg)
    engine = engine or choose_engine(backbone)
    section = None if store is None else store.section(_context(preprocessing, backbone, engine))
    reader = _Reader(preprocessing, backbone.features, section)
    rows = _Rows.empty(len(images), backbone.features, section)
    with closing(ahead(reader.read, enumerate(images))) as ready:
        read = progress.track(ready, what="Computing features", total=len(images))
        for values in engine.run(rows.unknown(read)):
            rows.take(values)
    rows.save()
    return Features(
        values=rows.values,
        headers=tuple(rows.headers),
        failures=rows.failures,
        from_cache=rows.from_cache,
        device=engine.device,
        precision=engine.precision,
    )


def _context(preprocessing: Prepares, backbone: Backbone, engine: Engine) -> Context:
    """Name all that decides features besides an image's bytes; hilum's version stands for its decoders."""
    parts = (version("hilum"), preprocessing.key, backbone.key, engine.key)
    key = hash_bytes(*(part.encode() for part in parts))
    return Context(key, backbone.name, preprocessing.key, f"{engine.device}, {engine.precision}")


@dataclass(frozen=True)
class _Reader:
    """Looks files up and decodes those that are new; used by several threads."""

    preprocessing: Prepares
    count: int
    section: Section | None

    def read(self, numbered: tuple[int, Path]) -> _Prepared | _Known | _Failed:
        row, path = numbered
        try:
            content = read_content(path)
            image = hash_bytes(content)
            record = None if self.section is None else self.section.get(image, self.count)
            if record is not None:
                return _Known(row, record)
            radiograph = decode(content, path, side=self.preprocessing.size)
            pixels = self.preprocessing.apply(radiograph.pixels, radiograph.extent)
        except RadiographError as error:
            return _Failed(row, error)
        return _Prepared(row, image, pixels, radiograph.header)


@dataclass
class _Rows:
    """Results as they come in."""

    values: NDArray[np.float32]
    headers: list[Header | None]
    section: Section | None
    failures: dict[int, RadiographError] = field(default_factory=dict)
    from_cache: int = 0
    computed: int = 0
    waiting: deque[_Prepared] = field(default_factory=deque)
    unsaved: list[Record] = field(default_factory=list)

    @classmethod
    def empty(cls, count: int, features: int, section: Section | None) -> _Rows:
        return cls(np.full((count, features), np.nan, np.float32), [None] * count, section)

    def unknown(self, items: Iterable[_Prepared | _Known | _Failed]) -> Iterator[NDArray[np.float32]]:
        """Yield what the network must see, and take note of the rest."""
        for item in items:
            if isinstance(item, _Prepared):
                self.waiting.append(item)
                yield item.pixels
            elif isinstance(item, _Known):
                self.values[item.row], self.headers[item.row] = item.record.values, item.record.header
                self.from_cache += 1
            else:
                self.failures[item.row] = item.error

    def take(self, values: NDArray[np.float32]) -> None:
        """Keep the features of the image that has waited longest."""
        item = self.waiting.popleft()
        self.values[item.row], self.headers[item.row] = values, item.header
        self.computed += 1
        self.unsaved.append(Record(item.image, values, item.header))
        if len(self.unsaved) == _CHUNK:
            self.save()

    def save(self) -> None:
        """Commit what is not in the store yet."""
        if self.section is not None and self.unsaved:
            self.section.put(self.unsaved)
        self.unsaved = []
