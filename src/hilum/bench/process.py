"""One command as a whole process: seconds, and memory at its peak."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.errors import BenchError

__all__ = ["Usage", "measure"]


_LAUNCHER = Path(__file__).with_name("launcher.py")
_LAST_WORDS = 300


@dataclass(frozen=True)
class Usage:
    """What a process took.

    Parameters
    ----------
    seconds : float
        From its start to its end, by the clock.
    busy_seconds : float
        Of all cores together.
    peak_bytes : int
        Resident memory at its peak; of the largest process where it started others.
    """

    seconds: float
    busy_seconds: float
    peak_bytes: int


def measure(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end.

    Parameters
    ----------
    command : sequence of str
    log : Path
        Where what it prints goes; replaced.
    environment : mapping of str to str, optional
        Variables besides those of this process.

    Raises
    ------
    BenchError
        If it fails, or this system does not tell a process's memory.
    """
    if not hasattr(os, "wait4"):
        raise BenchError("this system does not tell a process's memory", remedy="Use Linux or macOS.")
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hilum-bench-") as folder:
        result = Path(folder) / "usage.json"
        launch = [sys.executable, "-I", "-S", str(_LAUNCHER), str(result), *command]
        with log.open("wb") as printed:
            _run(launch, printed.fileno(), {**os.environ, **(environment or {})})
        found = json.loads(result.read_bytes()) if result.is_file() else {"code": 1}
    code = found.pop("code")
    if code:
        raise BenchError(
            f"{Path(command[0]).name} failed", path=log, expected="exit code 0", found=_cause(code, log)
        )
    return Usage(**found)


def _run(command: Sequence[str], output: int, environment: Mapping[str, str]) -> None:
    """Wait for the launcher; whatever ends the wait ends what it started too."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _cause(code: int, log: Path) -> str:
    if code < 0:
        return f"a process that was killed: {signal.Signals(-code).name}"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing printed")
    return f"{code}: {last[:_LAST_WORDS]}"
