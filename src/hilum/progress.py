"""How long work tells how far it is, without knowing who listens.

The library reports through a `Progress`; only `hilum.cli` draws one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

__all__ = ["SILENT", "Progress"]


T = TypeVar("T")


class Progress(Protocol):
    """A listener to long work."""

    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        """Yield `items`, showing how many of `total` are done; `what` names the work."""
        ...

    def say(self, message: str) -> None:
        """Show one line about what was just done or found."""
        ...


class _Silent:
    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        del what, total
        yield from items

    def say(self, message: str) -> None:
        del message


SILENT: Progress = _Silent()
