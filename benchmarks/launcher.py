"""Run a command and write what it used: ``python -I -S launcher.py RESULT COMMAND...``.

A process starts with the peak memory of its parent, so this parent is small and imports nothing of hilum.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

_PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024  # unit of ru_maxrss


def main(result: str, command: list[str]) -> None:
    """Write JSON: exit code, wall-clock seconds and peak memory in bytes."""
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    values = {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": time.perf_counter() - began,
        "peak_bytes": used.ru_maxrss * _PEAK_UNIT_BYTES,
    }
    Path(result).write_text(json.dumps(values), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
