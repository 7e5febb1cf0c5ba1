"""What the benchmarks share: processes measured in turn, the spread of figures, the machine, and the results.

`Results` prints each figure as soon as it is measured and rewrites the JSON file of ``--out`` with it, so
that an interrupted benchmark leaves everything it has measured.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from hilum.backbone import EMBEDDED, cache_folder
from hilum.backbone.openvino_runtime import precisions
from hilum.files import write_json

__all__ = [
    "FAILED",
    "BenchmarkError",
    "Results",
    "Side",
    "Spread",
    "Usage",
    "arguments",
    "cores",
    "measure",
    "ratio",
    "take_turns",
    "timed",
    "weights_of",
]

T = TypeVar("T")

_LAUNCHER = Path(__file__).with_name("launcher.py")
_LIBRARIES = ("hilum", "numpy", "openvino", "pillow", "scikit-learn", "timm", "torch")
_CPUINFO = Path("/proc/cpuinfo")
_LAST_LINE = 300  # characters shown of a failed command's last line
_WIDE = 240


class BenchmarkError(Exception):
    """Something cannot be measured here."""


def arguments(
    description: str | None, *, data: bool = False, backbones: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """Return a parser with the options that the benchmarks have in common.

    Parameters
    ----------
    description : str
        The docstring of the script.
    data : bool
        Whether it reads radiographs: ``--data``, by default the folder that HILUM_DATA names.
    backbones : sequence of str
        The default of ``--backbone``; no such option without it.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, metavar="JSON", help="also write all figures to a JSON file")
    if data:
        folder = Path(os.environ.get("HILUM_DATA", "data"))
        parser.add_argument("--data", type=Path, default=folder, help=f"folder of radiographs [{folder}]")
    if backbones:
        parser.add_argument(
            "--backbone", nargs="+", default=list(backbones), help=f"networks [{' '.join(backbones)}]"
        )
    return parser


def weights_of(network: str) -> str:
    """Return the weights to measure a network with: random where others would have to be downloaded."""
    return "imagenet" if network == EMBEDDED else "random"


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Spread:
    """The median of a figure over several turns, with its range. Turns without a figure (NaN) do not count.

    Examples
    --------
    >>> Spread.of([3.0, 1.0, float("nan"), 2.0])
    Spread(median=2.0, low=1.0, high=3.0, n=3)
    >>> print(Spread.of([2.04, 1.9, 2.1]), Spread.of([2.04]), Spread.of([]))
    2.0 (1.9–2.1) 2.0 –
    """

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Summarise one figure a turn."""
        known = [value for value in values if not math.isnan(value)]
        if not known:
            return cls(math.nan, math.nan, math.nan, 0)
        return cls(median(known), min(known), max(known), len(known))

    def text(self, digits: int = 1, scale: float = 1.0) -> str:
        """Return the median and, of several turns, the range; a dash without any figure."""
        if self.n == 0:
            return "–"
        middle, low, high = (f"{value * scale:,.{digits}f}" for value in (self.median, self.low, self.high))
        return middle if self.n == 1 else f"{middle} ({low}–{high})"

    def __str__(self) -> str:
        return self.text()


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Divide two figures that were measured in turn: the ratio of the medians, and the range of the turns'.

    Examples
    --------
    >>> ratio([10.0, 30.0], [2.0, 3.0])
    Spread(median=8.0, low=5.0, high=10.0, n=2)
    """
    pairs = [(a, b) for a, b in zip(above, below, strict=True) if not math.isnan(a / b)]
    if not pairs:
        return Spread.of([])
    turns = [a / b for a, b in pairs]
    whole = median(a for a, _ in pairs) / median(b for _, b in pairs)
    return Spread(whole, min(turns), max(turns), len(turns))


@dataclass(frozen=True)
class Usage:
    """What a process took.

    Parameters
    ----------
    seconds : float
        Wall-clock time from its start to its end.
    peak_bytes : float
        Peak resident memory; of the largest process where it started others.
    """

    seconds: float
    peak_bytes: float


FAILED = Usage(math.nan, math.nan)
"""Stands for the turn of a command that failed."""


def measure(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end.

    Parameters
    ----------
    command : sequence of str
    log : Path
        Where its output goes; replaced.
    environment : mapping of str to str, optional
        Variables besides those of this process.

    Raises
    ------
    BenchmarkError
        If it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hilum-bench-") as folder:
        result = Path(folder) / "usage.json"
        launch = [sys.executable, "-I", "-S", str(_LAUNCHER), str(result), *command]
        with log.open("wb") as printed:
            _run(launch, printed.fileno(), {**os.environ, **(environment or {})})
        found = json.loads(result.read_bytes()) if result.is_file() else {"code": 1}
    code = found.pop("code")
    if code:
        msg = f"{Path(command[0]).name} failed, see {log}: {_cause(code, log)}"
        raise BenchmarkError(msg)
    return Usage(**found)


def _run(command: Sequence[str], output: int, environment: Mapping[str, str]) -> None:
    """Wait for the launcher; an interruption kills it with its children."""
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
        return f"killed by {signal.Signals(-code).name}"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "no output")
    return f"exit code {code}: {last[:_LAST_LINE]}"


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Side:
    """One of the commands that are compared.

    Parameters
    ----------
    name : str
    command : tuple of str
    environment : mapping of str to str
        Variables besides those of this process.
    before, after : callable
        What to do before and after each of its turns, unmeasured.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing


def take_turns(sides: Sequence[Side], turns: int, results: Results) -> dict[str, list[Usage]]:
    """Run each side once a turn (A B A B), so that other load on the machine affects all sides alike.

    Every figure is printed at once. A side that fails is reported and does not run again; the others go on.

    Returns
    -------
    dict of str to list of Usage
        By side, one for each turn; `FAILED` where there is no figure.
    """
    logs = cache_folder() / "bench" / "logs"
    used: dict[str, list[Usage]] = {side.name: [] for side in sides}
    for turn in range(1, turns + 1):
        for side in sides:
            used[side.name].append(_turn(side, turn, logs, results, broken=FAILED in used[side.name]))
    return used


def _turn(side: Side, turn: int, logs: Path, results: Results, *, broken: bool) -> Usage:
    if broken:
        return FAILED
    side.before()
    try:
        usage = measure(side.command, logs / f"{side.name}.log", side.environment)
        side.after()
    except BenchmarkError as error:
        results.add(f"{side.name}, turn {turn}: not measured, {error}", side=side.name, error=str(error))
        return FAILED
    figures = f"{usage.seconds:.2f} s, {usage.peak_bytes / 1e6:,.0f} MB"
    results.add(f"{side.name}, turn {turn}: {figures}", side=side.name, turn=turn, **asdict(usage))
    return usage


class Results:
    """Prints figures as they are measured and keeps them in a JSON file. Also the progress of library calls.

    Parameters
    ----------
    benchmark : str
    out : Path, optional
        The JSON file, rewritten with every figure.
    """

    def __init__(self, benchmark: str, out: Path | None = None) -> None:
        self._out = out
        self._figures: list[dict[str, Any]] = []
        self._machine = _machine()
        self._record = {"benchmark": benchmark, "machine": self._machine, "figures": self._figures}

    def say(self, message: str) -> None:
        """Print a line at once."""
        print(message, flush=True)

    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        """Yield `items` without a bar."""
        del what, total
        yield from items

    def add(self, line: str, **figures: Any) -> None:
        """Print a line with figures, and write them as values."""
        self.say(line)
        self._figures.append(
            {name: getattr(value, "tolist", lambda v=value: v)() for name, value in figures.items()}
        )
        self._write()

    def table(self, title: str, rows: Sequence[Mapping[str, str]], remarks: Sequence[str] = ()) -> None:
        """Print a table with the remarks and the machine below it, and write its cells."""
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = _WIDE
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for name in rows[0] if rows else ():
            numeric = any(row[name][:1].isdigit() for row in rows)
            table.add_column(name, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*row.values())
        console.print()
        console.print(table)
        for line in (*remarks, f"Machine: {'; '.join(map(_fact, self._machine.items()))}"):
            console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
        self._figures.append({"table": title, "rows": [dict(row) for row in rows]})
        self._write()

    def _write(self) -> None:
        if self._out is not None:
            write_json(self._out, self._record)


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fact(item: tuple[str, str]) -> str:
    return f"{item[0]} {item[1]}"


def _machine() -> dict[str, str]:
    """Describe what the figures depend on."""
    versions = {name: metadata.version(name) for name in _LIBRARIES}
    return {
        "processor": f"{_processor()}, {cores()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "GPU": _first_line("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader") or "none",
        "precisions": ", ".join(map(str, precisions())),
        "system": platform.platform(terse=True),
        "versions": ", ".join(
            f"{k} {v}" for k, v in {"python": platform.python_version(), **versions}.items()
        ),
    }


def _processor() -> str:
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return _first_line("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()


def _first_line(*command: str) -> str:
    """Return the first line of a command's output; nothing where the command is missing or fails."""
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().partition("\n")[0]
