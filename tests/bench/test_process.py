"""One command as a whole process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from hilum.bench.process import measure
from hilum.errors import BenchError

SMALL = (sys.executable, "-I", "-S", "-c")
MIB = 1 << 20


def test_memory_is_the_command_s_own_and_not_its_parent_s(tmp_path):
    held = bytearray(b"x" * (300 * MIB))
    idle = measure([*SMALL, "pass"], tmp_path / "log")
    greedy = measure([*SMALL, f"x = b'x' * {200 * MIB}"], tmp_path / "log")
    assert len(held) > idle.peak_bytes
    assert idle.peak_bytes < 100 * MIB
    assert 200 * MIB < greedy.peak_bytes < 300 * MIB


def test_seconds_and_what_it_printed(tmp_path):
    used = measure(
        [*SMALL, "import os; print(os.environ['WORD'])"], tmp_path / "a" / "log", {"WORD": "hello"}
    )
    assert used.seconds > 0
    assert used.busy_seconds > 0
    assert (tmp_path / "a" / "log").read_text() == "hello\n"


def test_a_failure_is_told_with_its_last_words(tmp_path):
    with pytest.raises(BenchError, match=r"log: python.* failed; expected exit code 0, found 3: no luck$"):
        measure([*SMALL, "import sys; print('no luck\\n'); sys.exit(3)"], tmp_path / "log")


def test_a_killed_process_is_told(tmp_path):
    with pytest.raises(BenchError, match="killed: SIGKILL"):
        measure([*SMALL, "import os; os.kill(os.getpid(), 9)"], tmp_path / "log")


def test_a_command_that_is_not_there(tmp_path):
    with pytest.raises(BenchError, match="FileNotFoundError"):
        measure([str(tmp_path / "nowhere")], tmp_path / "log")


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
