"""The protocol of work that is spread, and this machine's executor, which spreads it over threads.

Stages take an `Executor` as they take a `hilum.progress.Progress`, and start no pools of their own.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = ["LOCAL", "Executor", "Threads"]

T = TypeVar("T")
R = TypeVar("R")

_MOST_THREADS = 8


class Executor(Protocol):
    """Applies a function to many items at once."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
        """Yield ``function(item)`` for each item, in order.

        Items are taken a bounded number ahead of the results, so that memory does not grow with their number.
        An exception is raised where its result would have come. Closing the generator cancels what has not
        begun, and waits for what has.
        """
        ...


@dataclass(frozen=True)
class Threads:
    """An executor of threads, for functions that release the interpreter's lock.

    Each call of `map` has threads of its own, so that calls may be nested.

    Parameters
    ----------
    workers : int, optional
        Number of threads; one for each core, and at most 8, otherwise.
    ahead : int
        Items in progress or finished, but not yet taken, for each thread.

    Examples
    --------
    >>> list(Threads().map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    workers: int | None = None
    ahead: int = 4

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
        """Apply a function in threads; see `Executor`."""
        workers = self.workers or min(_MOST_THREADS, os.cpu_count() or 1)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="hilum-worker")
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) >= self.ahead * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


LOCAL: Executor = Threads()
"""This machine."""
