"""Processes in turn, the spread of their figures, and results that are never lost."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measuring import FAILED, BenchmarkError, Results, Side, Spread, measure, ratio, take_turns

SMALL = (sys.executable, "-I", "-S", "-c")
MIB = 1 << 20


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path / "cache"))
    return Results("test", tmp_path / "out.json")


def figures(tmp_path):
    return json.loads((tmp_path / "out.json").read_text())["figures"]


def test_memory_is_the_command_s_own_and_not_its_parent_s(tmp_path):
    held = bytearray(b"x" * (300 * MIB))
    idle = measure([*SMALL, "pass"], tmp_path / "log")
    greedy = measure([*SMALL, f"x = b'x' * {200 * MIB}"], tmp_path / "log")
    assert len(held) > idle.peak_bytes
    assert idle.peak_bytes < 100 * MIB
    assert 200 * MIB < greedy.peak_bytes < 300 * MIB


def test_the_log_holds_the_output_of_the_command(tmp_path):
    program = "import os; print(os.environ['WORD'])"
    assert measure([*SMALL, program], tmp_path / "a" / "log", {"WORD": "hello"}).seconds > 0
    assert (tmp_path / "a" / "log").read_text() == "hello\n"


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ([*SMALL, "import sys; print('no luck\\n'); sys.exit(3)"], r"log: exit code 3: no luck$"),
        ([*SMALL, "import os; os.kill(os.getpid(), 9)"], "SIGKILL"),
        (["/nowhere/program"], "FileNotFoundError"),
    ],
    ids=["failed", "killed", "missing"],
)
def test_a_failure_names_its_cause(tmp_path, command, cause):
    with pytest.raises(BenchmarkError, match=cause):
        measure(command, tmp_path / "log")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks the process up in /proc")
def test_an_interruption_ends_the_command_too(tmp_path, monkeypatch):
    mark = tmp_path / "pid"
    program = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"

    def interrupted(_):
        while not (mark.is_file() and mark.read_text()):
            time.sleep(0.01)
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure([*SMALL, program], tmp_path / "log")
    assert _ends(int(mark.read_text()))


def _ends(pid: int) -> bool:
    for _ in range(500):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.is_file() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


def side(name, path, **more):
    return Side(name, (*SMALL, f"open({str(path)!r}, 'a').write('{name}')"), **more)


def test_sides_take_turns_with_their_preparation(tmp_path, results):
    path, seen = tmp_path / "order", []
    first = side("A", path, before=lambda: seen.append("before"), after=lambda: seen.append("after"))
    used = take_turns([first, side("B", path)], 3, results)
    assert path.read_text() == "ABABAB"
    assert seen == ["before", "after"] * 3
    assert {name: len(turns) for name, turns in used.items()} == {"A": 3, "B": 3}


def test_a_failing_side_is_reported_once_and_the_others_go_on(tmp_path, results, capsys):
    broken = Side("B", (*SMALL, "raise SystemExit('broken')"))
    used = take_turns([side("A", tmp_path / "x"), broken], 2, results)
    assert used["B"] == [FAILED, FAILED]
    assert all(turn.seconds > 0 for turn in used["A"])
    assert capsys.readouterr().out.count("broken") == 1
    assert [figure["side"] for figure in figures(tmp_path)] == ["A", "B", "A"]


def test_a_figure_is_in_the_file_and_on_the_screen_at_once(tmp_path, results, capsys):
    results.add("split: 2.50 s", stage="split", seconds=2.5)
    assert capsys.readouterr().out == "split: 2.50 s\n"
    assert figures(tmp_path) == [{"stage": "split", "seconds": 2.5}]
    assert "processor" in json.loads((tmp_path / "out.json").read_text())["machine"]
    results.table("Title", [{"Stage": "split", "Seconds": "2.50"}], ["A remark."])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("Title", "split", "2.50", "A remark.", "processor"))


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=9))
def test_the_median_lies_in_the_range(values):
    spread = Spread.of([*values, math.nan])
    assert spread.low == min(values) <= spread.median <= spread.high == max(values)
    assert spread.n == len(values)


def test_ratios_are_of_turns():
    assert ratio([10, 40, 30], [5, 10, 10]) == Spread(median=3.0, low=2.0, high=4.0, n=3)
    assert ratio([10, math.nan, 40], [5, 10, 10]) == Spread(median=25 / 7.5, low=2.0, high=4.0, n=2)
    assert ratio([math.nan], [1]).n == 0
    with pytest.raises(ValueError, match="zip"):
        ratio([1, 2], [1])


def test_a_spread_is_shown_with_its_range_if_it_has_one():
    assert Spread.of([0.0024, 0.0019, 0.0021]).text(1, 1e3) == "2.1 (1.9–2.4)"
    assert (str(Spread.of([2.04])), str(Spread.of([math.nan]))) == ("2.0", "–")
