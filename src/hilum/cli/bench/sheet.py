"""What all benchmarks show: a table, how it was measured, and the machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hilum.bench.machine import Machine
    from hilum.bench.spread import Spread

__all__ = ["Row", "figure", "gigabytes", "machine_line", "megabytes", "show", "times", "write"]


Row = Mapping[str, str]
_WIDE = 240


def show(title: str, rows: Sequence[Row], remarks: Sequence[str], machine: Machine) -> None:
    """Print a table, and below it what it needs to be read."""
    from rich.table import Table

    from hilum.cli.console import results

    console = results()
    if not console.is_terminal:  # a file has room
        console.width = _WIDE
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in rows[0]:
        figures = any(row[name][:1].isdigit() for row in rows)
        table.add_column(name, justify="right" if figures else "left", overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    console.print()
    for line in (*remarks, machine_line(machine)):
        console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)


def machine_line(machine: Machine) -> str:
    """Return the machine's facts in one line."""
    facts = [
        f"{machine.processor}, {machine.cores} {'core' if machine.cores == 1 else 'cores'}",
        f"{gigabytes(machine.memory_bytes)} memory" if machine.memory_bytes else "",
        machine.gpu or "no GPU",
        f"computes in {', '.join(machine.precisions)}",
        machine.system,
    ]
    libraries = " ".join(f"{name} {version}" for name, version in machine.versions.items())
    return f"Machine: {'; '.join(filter(None, facts))}. Versions: {libraries}."


def write(path: Path | None, benchmark: str, values: Any, machine: Machine) -> None:
    """Write everything as JSON, where a file was asked for."""
    if path is None:
        return
    from hilum.files import write_json

    write_json(path, {"benchmark": benchmark, "machine": asdict(machine), "values": _plain(values)})


def figure(spread: Spread, digits: int = 1) -> str:
    """Return a median with the range of the turns.

    >>> from hilum.bench.spread import Spread
    >>> figure(Spread(2.04, 1.9, 2.1, 3)), figure(Spread(2.04, 2.04, 2.04, 1))
    ('2.0 (1.9–2.1)', '2.0')
    """
    middle = f"{spread.median:,.{digits}f}"
    return middle if spread.n == 1 else f"{middle} ({spread.low:,.{digits}f}–{spread.high:,.{digits}f})"


def times(spread: Spread) -> str:
    """Return a ratio with its range."""
    digits = 0 if spread.median >= 20 else 1 if spread.median >= 2 else 2
    return f"{figure(spread, digits)} ×"


def megabytes(spread: Spread) -> str:
    """Return a number of bytes."""
    return f"{spread.median / 1e6:,.0f} MB"


def gigabytes(count: int) -> str:
    """Return a number of bytes."""
    return f"{count / 1e9:.0f} GB"


def _plain(values: Any) -> Any:
    """Turn dataclasses within dataclasses, and records, into what JSON holds."""
    return json.loads(json.dumps(values, default=_part))


def _part(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return vars(value) if hasattr(value, "__dict__") else str(value)
