"""Features of many images: looked up where they are known, computed where they are not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hilum.backbone.backbone import Backbone
from hilum.backbone.cache import Context, FeatureStore, Record, Section
from hilum.backbone.engine import Engine, choose_engine
from hilum.errors import RadiographError
from hilum.executor import LOCAL, Executor
from hilum.files import hash_bytes
from hilum.progress import SILENT, Progress
from hilum.radiograph import Header, Radiograph, decode, read_content
from hilum.radiograph.preprocessing import factor_for
from hilum.recipe.settings import Precision

__all__ = ["Alteration", "Features", "Observer", "Prepares", "View", "extract", "extract_views"]

_COMMIT = 32  # images in a transaction of the store
_BATCH = 64  # images that wait, prepared, while several networks take turns

Pixels: TypeAlias = NDArray[np.float32]


class Prepares(Protocol):
    """From a radiograph's pixels to a network's input: `hilum.radiograph.Preprocessing`, or more."""

    @property
    def size(self) -> int:
        """Side of the input in pixels."""
        ...

    @property
    def key(self) -> str:
        """Equal keys mean equal values."""
        ...

    def apply(self, pixels: Pixels, extent: tuple[int, int] | None = None) -> Pixels:
        """Prepare one image: float32 (rows, columns) to (size, size), both in [0, 1].

        `extent` is the number of rows and columns of the original where `pixels` hold it reduced.
        """
        ...


class Alteration(Protocol):
    """A change of the prepared image, such as an ablation of a region."""

    @property
    def key(self) -> str:
        """Equal keys mean equal values."""
        ...

    def apply(self, pixels: Pixels) -> Pixels:
        """Return the altered copy of a prepared image; shape (size, size), range [0, 1]."""
        ...


@dataclass(frozen=True, eq=False)
class View:
    """One way from images to features.

    Parameters
    ----------
    preprocessing : Prepares
    backbone : Backbone
    engine : Engine
        Computes the backbone. Views with the same backbone should share one.
    alteration : Alteration, optional
        Applied to the prepared image. Views with the same preprocessing share the prepared image.
    """

    preprocessing: Prepares
    backbone: Backbone
    engine: Engine
    alteration: Alteration | None = None

    def __post_init__(self) -> None:
        if self.preprocessing.size != self.backbone.size:
            msg = (
                f"preprocessing: expected size {self.backbone.size}, as the backbone's, "
                f"found {self.preprocessing.size}"
            )
            raise ValueError(msg)

    @property
    def context(self) -> Context:
        """All that decides features besides an image's bytes; hilum's version stands for its decoders."""
        prepared = self.preprocessing.key + (f"-{self.alteration.key}" if self.alteration else "")
        parts = (version("hilum"), prepared, self.backbone.key, self.engine.key)
        key = hash_bytes(*(part.encode() for part in parts))
        return Context(key, self.backbone.name, prepared, f"{self.engine.device}, {self.engine.precision}")


@dataclass(frozen=True)
class Observer:
    """Something else that is computed from each decoded image, such as a fingerprint or a thumbnail.

    Parameters
    ----------
    observe : callable
        From the radiograph to any value. Called where the image is decoded, for several images at once.
    keep : callable
        Takes the row, the SHA-256 of the file's bytes and the value. Called in the caller's thread, in the
        order of the rows, but not for files that cannot be read.
    side : int, optional
        As `hilum.radiograph.decode` takes it; without it, the radiograph comes unreduced.
    needs : callable, optional
        Whether an image, by its SHA-256, has to be observed; all of them otherwise. Images that are not
        needed are not decoded where their features are known.
    """

    observe: Callable[[Radiograph], Any]
    keep: Callable[[int, str, Any], None]
    side: int | None = None
    needs: Callable[[str], bool] = field(default=lambda _image: True)


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
        Rows whose features were known before.
    device : str
    precision : Precision
    """

    values: NDArray[np.float32]
    headers: tuple[Header | None, ...]
    failures: dict[int, RadiographError]
    from_cache: int
    device: str
    precision: Precision

    @property
    def computed(self) -> int:
        """Rows that were computed."""
        return len(self.values) - len(self.failures) - self.from_cache


def extract(
    images: Sequence[Path],
    preprocessing: Prepares,
    backbone: Backbone,
    store: FeatureStore | None = None,
    progress: Progress = SILENT,
    *,
    engine: Engine | None = None,
    executor: Executor = LOCAL,
    what: str = "Computing features",
) -> Features:
    """Compute the features of images, or look them up; see `extract_views`.

    Parameters
    ----------
    engine : Engine, optional
        Computes the backbone; the fastest available one, in float32, otherwise.
    """
    view = View(preprocessing, backbone, engine or choose_engine(backbone))
    return extract_views(images, [view], store, progress, executor=executor, what=what)[0]


def extract_views(
    images: Sequence[Path],
    views: Sequence[View],
    store: FeatureStore | None = None,
    progress: Progress = SILENT,
    *,
    executor: Executor = LOCAL,
    observers: Sequence[Observer] = (),
    what: str = "Computing features",
) -> list[Features]:
    """Compute several views' features of the same images, or look them up.

    Each file is read and hashed once, and decoded at most once for each reduction that the views need, by
    workers a bounded number of images ahead of the networks, so that memory does not grow with the number of
    images. A file that cannot be read is recorded, and the work goes on.

    Parameters
    ----------
    images : sequence of Path
    views : sequence of View
    store : FeatureStore, optional
        Where features are kept; without it, all are computed.
    progress : Progress
    executor : Executor
        Reads, decodes and prepares the images.
    observers : sequence of Observer
    what : str
        Names the work for `progress`.

    Returns
    -------
    list of Features
        One for each view, with as many rows as `images`, in their order. Values do not depend on which
        other views are computed.
    """
    tables = [_Table.empty(len(images), view, store) for view in views]
    reader = _Reader(tuple(views), tuple(table.section for table in tables), tuple(observers))
    with closing(executor.map(reader.read, enumerate(images))) as read:
        items = _observed(progress.track(read, what=what, total=len(images)), observers)
        batches = [items] if len(tables) == 1 else iter(lambda: list(islice(items, _BATCH)), [])
        for batch in batches:
            for number, table in enumerate(tables):
                table.fill((item, item.found[number]) for item in batch)
    for table in tables:
        table.save()
    return [table.features() for table in tables]


def _observed(items: Iterable[_Item], observers: Sequence[Observer]) -> Iterator[_Item]:
    for item in items:
        for number, value in item.observed:
            observers[number].keep(item.row, item.image, value)
        yield item


class _Item(NamedTuple):
    """An image as read.

    `found` has for each view a record where the features are known, the network's input where they are not,
    or the error; `observed` the values of those observers that needed the image.
    """

    row: int
    image: str
    header: Header | None
    found: list[Record | Pixels | RadiographError]
    observed: list[tuple[int, Any]]


class _Decoded:
    """A file's radiograph, decoded once for all sides that lead to the same reduction."""

    def __init__(self, content: bytes, path: Path) -> None:
        self._content, self._path = content, path
        self._by_factor: dict[int, Radiograph] = {}
        self._extent: tuple[int, int] | None = None

    def at(self, side: int | None) -> Radiograph:
        if self._extent and (known := self._by_factor.get(factor_for(*self._extent, side))):
            return known
        radiograph = decode(self._content, self._path, side=side)
        rows, columns = self._extent = radiograph.extent or radiograph.pixels.shape
        self._by_factor[factor_for(rows, columns, side)] = radiograph
        return radiograph


@dataclass(frozen=True)
class _Reader:
    """Reads files, looks them up, and decodes those that are needed; used by several workers."""

    views: tuple[View, ...]
    sections: tuple[Section | None, ...]
    observers: tuple[Observer, ...]

    def read(self, numbered: tuple[int, Path]) -> _Item:
        row, path = numbered
        try:
            content = read_content(path)
        except RadiographError as error:
            return _Item(row, "", None, [error] * len(self.views), [])
        image = hash_bytes(content)
        known = [
            None if section is None else section.get(image, view.backbone.features)
            for view, section in zip(self.views, self.sections, strict=True)
        ]
        try:
            return self._decode(row, image, known, _Decoded(content, path))
        except RadiographError as error:
            return _Item(row, image, None, [record or error for record in known], [])

    def _decode(self, row: int, image: str, known: list[Record | None], decoded: _Decoded) -> _Item:
        prepared: dict[str, Pixels] = {}
        header = None
        found: list[Record | Pixels | RadiographError] = []
        for view, record in zip(self.views, known, strict=True):
            if record is not None:
                found.append(record)
                continue
            preprocessing = view.preprocessing
            radiograph = decoded.at(preprocessing.size)
            header = radiograph.header
            if preprocessing.key not in prepared:
                prepared[preprocessing.key] = preprocessing.apply(radiograph.pixels, radiograph.extent)
            pixels = prepared[preprocessing.key]
            found.append(view.alteration.apply(pixels) if view.alteration else pixels)
        observed = [
            (number, observer.observe(decoded.at(observer.side)))
            for number, observer in enumerate(self.observers)
            if observer.needs(image)
        ]
        return _Item(row, image, header, found, observed)


@dataclass
class _Table:
    """A view's results as they come in."""

    view: View
    section: Section | None
    values: NDArray[np.float32]
    headers: list[Header | None]
    failures: dict[int, RadiographError] = field(default_factory=dict)
    from_cache: int = 0
    waiting: deque[_Item] = field(default_factory=deque)
    unsaved: list[Record] = field(default_factory=list)

    @classmethod
    def empty(cls, count: int, view: View, store: FeatureStore | None) -> _Table:
        section = None if store is None else store.section(view.context)
        values = np.full((count, view.backbone.features), np.nan, np.float32)
        return cls(view, section, values, [None] * count)

    def fill(self, items: Iterable[tuple[_Item, Record | Pixels | RadiographError]]) -> None:
        """Compute the features of those images that are not known."""
        for values in self.view.engine.run(self._unknown(items)):
            item = self.waiting.popleft()
            self.values[item.row], self.headers[item.row] = values, item.header
            if item.header is not None:
                self.unsaved.append(Record(item.image, values, item.header))
            if len(self.unsaved) == _COMMIT:
                self.save()

    def _unknown(self, items: Iterable[tuple[_Item, Record | Pixels | RadiographError]]) -> Iterator[Pixels]:
        """Yield what the network must see, and record the rest."""
        for item, found in items:
            if isinstance(found, Record):
                self.values[item.row], self.headers[item.row] = found.values, found.header
                self.from_cache += 1
            elif isinstance(found, RadiographError):
                self.failures[item.row] = found
            else:
                self.waiting.append(item._replace(found=[], observed=[]))
                yield found

    def save(self) -> None:
        """Commit what is not in the store yet."""
        if self.section is not None and self.unsaved:
            self.section.put(self.unsaved)
        self.unsaved = []

    def features(self) -> Features:
        engine = self.view.engine
        return Features(
            self.values, tuple(self.headers), self.failures, self.from_cache, engine.device, engine.precision
        )
