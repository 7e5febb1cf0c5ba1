"""Results come in order, a bounded number ahead of who takes them."""

from __future__ import annotations

import itertools
import os
import threading
import time

import pytest

from hilum.executor import LOCAL, Threads


def test_results_come_in_the_order_of_the_items():
    def slow_for_early_ones(number):
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number

    assert list(LOCAL.map(slow_for_early_ones, range(50))) == list(range(50))


def test_an_endless_source_is_read_only_so_far_ahead():
    taken = []

    def items():
        for number in itertools.count():
            taken.append(number)
            yield number

    results = LOCAL.map(lambda number: number, items())
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    results.close()
    assert len(taken) <= 5 + 4 * min(8, os.cpu_count())


def test_an_error_comes_where_its_result_would_have_come():
    results = LOCAL.map(lambda number: 1 // number, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_thread_stays_behind():
    before = threading.active_count()
    results = LOCAL.map(lambda number: number, range(100))
    next(results)
    results.close()
    assert threading.active_count() == before


def test_calls_may_be_nested():
    def row(number):
        return list(LOCAL.map(lambda other: number * other, range(3)))

    assert list(Threads(workers=1).map(row, range(3))) == [[0, 0, 0], [0, 1, 2], [0, 2, 4]]
