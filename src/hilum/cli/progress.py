"""Progress on a terminal: a bar with rate and time left, nothing where nobody watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
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


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )


class TerminalProgress:
    """Draws on standard error; bars only if that is a terminal.

    Parameters
    ----------
    console : rich.console.Console
        Where messages and bars go.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None

    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        """Yield `items` below a bar that names `what`; it goes when the work is done."""
        if total is None and isinstance(items, Sized):
            total = len(items)
        with self._shown() as bars:
            task = bars.add_task(what, total=total)
            try:
                yield from bars.track(items, task_id=task, total=total)
            finally:
                bars.remove_task(task)

    @contextmanager
    def _shown(self) -> Iterator[Bars]:
        """Give the bars on the screen; work within work adds one to those that are there."""
        if self._bars is not None:
            yield self._bars
            return
        disabled = not self._console.is_terminal
        with Bars(*_columns(), console=self._console, transient=True, disable=disabled) as bars:
            self._bars = bars
            try:
                yield bars
            finally:
                self._bars = None

    def say(self, message: str) -> None:
        """Show one line."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)
