"""Progress of long work: the library reports to a `Progress`, and only `hilum.cli` displays it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

__all__ = ["SILENT", "Progress"]

T = TypeVar("T")


class Progress(Protocol):
    """What long work reports to."""

    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        """Yield `items` and show how many of `total` are done; `what` names the work."""
        ...

    def say(self, message: str) -> None:
        """Show one line about what was done or found."""
        ...


class _Silent:
    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        del what, total
        yield from items

    def say(self, message: str) -> None:
        del message


SILENT: Progress = _Silent()
