"""Reading ahead: files are decoded by threads while what was decoded before is in use."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]


T = TypeVar("T")
R = TypeVar("R")

_MOST_THREADS = 8
_WAITING_EACH = 4  # results that wait to be taken, for each thread


def ahead(function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """Map `function` over `items` in threads, in order, a bounded number of results ahead of who takes them.

    Parameters
    ----------
    function : callable
        What to do with an item; an exception is raised where its result would have come.
    items : iterable
        Taken as room allows, so that memory does not grow with their number.

    Examples
    --------
    >>> list(ahead(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="hilum-ahead")
    pending: deque[Future[R]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= _WAITING_EACH * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
