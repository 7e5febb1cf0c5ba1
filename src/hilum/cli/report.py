"""``hilum report``: draw a run's report again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of its images; without it the gallery shows names only.")
    ] = None,
) -> None:
    """Draw the report of RUN again, from its own files."""
    from hilum.cli.console import results, status
    from hilum.cli.progress import TerminalProgress
    from hilum.run import Run, write_report

    opened = Run.open(run)
    write_report(opened, data, TerminalProgress(status()))
    results().print(str(opened.report), soft_wrap=True, markup=False)
