"""Results come in order, a bounded number ahead."""

from __future__ import annotations

import itertools
import os
import threading
import time

import pytest

from hilum.radiograph import ahead


def test_results_come_in_the_order_of_the_items():
    def slow_for_early_ones(number):
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number

    assert list(ahead(slow_for_early_ones, range(50))) == list(range(50))


def test_an_endless_source_is_read_only_so_far_ahead():
    taken = []

    def items():
        for number in itertools.count():
            taken.append(number)
            yield number

    results = ahead(lambda number: number, items())
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    results.close()
    assert len(taken) <= 5 + 4 * min(8, os.cpu_count())


def test_an_error_comes_where_its_result_would_have_come():
    results = ahead(lambda number: 1 // number, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_thread_stays_behind():
    before = threading.active_count()
    results = ahead(lambda number: number, range(100))
    next(results)
    results.close()
    assert threading.active_count() == before
