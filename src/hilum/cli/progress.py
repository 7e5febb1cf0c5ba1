"""Progress on a terminal: a bar with rate and time left, nothing where nobody watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

__all__ = ["TerminalProgress"]

T = TypeVar("T")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if not task.speed else f"{task.speed:.0f}/s", style="progress.data.speed")


class TerminalProgress:
    """Draws on standard error; bars only if that is a terminal.

    Parameters
    ----------
    console : rich.console.Console
        Where messages and bars go.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        """Yield `items` below a bar that names `what`; it goes when the work is done."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        if total is None and isinstance(items, Sized):
            total = len(items)
        with Bars(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as bars:
            yield from bars.track(items, total=total, description=what)

    def say(self, message: str) -> None:
        """Show one line."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)
