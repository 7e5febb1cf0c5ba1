"""Run a command and write what it took: ``python -I -S launcher.py RESULT COMMAND...``.

A process starts with the peak memory of the one that started it; so this one is small, and imports nothing of
hilum.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

__all__ = ["main"]


_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes of a unit of ru_maxrss


def main(result: str, command: list[str]) -> None:
    """Write JSON with exit code, seconds by the clock, seconds of all cores, and peak memory in bytes."""
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    values = {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "busy_seconds": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * _PEAK_UNIT,
    }
    Path(result).write_text(json.dumps(values), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
