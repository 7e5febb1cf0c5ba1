"""``hilum bench audit``: what the audit finds of what is planted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.bench import Cell

__all__ = ["audit"]


def audit(
    cohorts: Annotated[int, typer.Option(min=1, help="Cohorts of each design.")] = 10,
    images: Annotated[int, typer.Option(min=60, help="Images a cohort.")] = 300,
    factor: Annotated[
        list[str] | None, typer.Option(help="What is planted; several times for several.  [default: all]")
    ] = None,
    strength: Annotated[list[float] | None, typer.Option(help="How strongly.  [default: 0.5 and 1]")] = None,
    signal: Annotated[
        list[float] | None, typer.Option(help="Share of the diseased who look it.  [default: 0, 0.5 and 1]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The table as a CSV file, too.")] = None,
) -> None:
    """Tell how often the audit finds a planted shortcut, and how often it cries wolf where there is none."""
    from hilum.bench import FACTORS, bench_audit, cells, grid
    from hilum.cli.console import TerminalProgress, status

    unknown = [name for name in factor or () if name not in FACTORS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(FACTORS)}")
    designs = grid(factor or FACTORS, strength or (0.5, 1.0), signal or (0.0, 0.5, 1.0), images)
    found = cells(bench_audit(designs, cohorts, progress=TerminalProgress(status())))
    _show(found)
    if out is not None:
        _write(found, out)


def _row(cell: Cell) -> dict[str, str]:
    design, most = cell.design, list(cell.by.items())[:4]
    explained = "–" if cell.explained != cell.explained else f"{cell.explained:.2f}"
    n = cell.found.n
    return {
        "Planted": design.factor,
        "Strength": f"{design.strength:g}",
        "Signal": f"{design.signal:g}",
        "AUC": f"{cell.whole:.2f}",
        "Explains": explained,
        "Found": f"{round(cell.found.value * n)}/{n}",
        "Broken": f"{round(cell.broken.value * n)}/{n}",
        "By": ", ".join(f"{name} {count}" for name, count in most),
    }


def _show(found: list[Cell]) -> None:
    from rich.table import Table

    from hilum.cli.console import results

    rows = [_row(cell) for cell in found]
    table = Table(*rows[0], box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*row.values())
    results().print(table)
    results().print(
        "\nExplains: share of the result beyond chance that what was planted gives by itself."
        " Found: cohorts whose verdict is doubtful or broken."
        " By: the probes that read so, and in how many cohorts.",
        style="dim",
    )


def _write(found: list[Cell], path: Path) -> None:
    import pandas as pd

    from hilum.files import write_text

    write_text(path, pd.DataFrame([_row(cell) for cell in found]).to_csv(index=False))
