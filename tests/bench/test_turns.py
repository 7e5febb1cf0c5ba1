"""Commands in turn, and what is made of their figures."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.bench.spread import Spread, ratio
from hilum.bench.turns import Side, take_turns
from hilum.errors import BenchError

values = st.lists(st.floats(0.1, 1e6), min_size=1, max_size=9)


def side(name, path, **more):
    return Side(name, (sys.executable, "-I", "-S", "-c", f"open({str(path)!r}, 'a').write('{name}')"), **more)


def test_sides_take_turns(tmp_path):
    path = tmp_path / "order"
    used = take_turns([side("A", path), side("B", path)], 3, tmp_path)
    assert path.read_text() == "ABABAB"
    assert {name: len(turns) for name, turns in used.items()} == {"A": 3, "B": 3}


def test_before_and_after_each_turn_of_its_side(tmp_path):
    seen = []
    sides = [side("A", tmp_path / "x", before=lambda: seen.append("before A")), side("B", tmp_path / "x")]
    take_turns(sides, 2, tmp_path, after=lambda one: seen.append(f"after {one.name}"))
    assert seen == ["before A", "after A", "after B"] * 2


def test_a_failing_side_ends_the_measurement(tmp_path):
    broken = Side("B", (sys.executable, "-c", "raise SystemExit('broken')"))
    with pytest.raises(BenchError, match=r"B\.log"):
        take_turns([side("A", tmp_path / "x"), broken], 2, tmp_path)


@pytest.mark.parametrize(("names", "turns"), [("AA", 1), ("AB", 0)])
def test_sides_differ_in_name_and_run_at_all(tmp_path, names, turns):
    with pytest.raises(ValueError, match="one turn or more"):
        take_turns([side(name, tmp_path / "x") for name in names], turns, tmp_path)


@given(values)
def test_the_median_lies_in_the_range(figures):
    spread = Spread.of(figures)
    assert spread.low == min(figures) <= spread.median <= spread.high == max(figures)
    assert spread.n == len(figures)


def test_ratios_are_of_turns():
    assert ratio([10, 40, 30], [5, 10, 10]) == Spread(median=3.0, low=2.0, high=4.0, n=3)
    with pytest.raises(ValueError, match="zip"):
        ratio([1, 2], [1])


def test_an_impossible_spread_is_refused():
    with pytest.raises(ValueError, match="low ≤ median"):
        Spread(3, 1, 2, 2)
