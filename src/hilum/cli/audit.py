"""``hilum audit``: whether a run's result can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["audit"]


def audit(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of its images.  [default: where it was trained from]")
    ] = None,
    external: Annotated[
        Path | None,
        typer.Option(metavar="COHORT", help="Another hospital's images: a table, or a folder per class."),
    ] = None,
    external_data: Annotated[
        Path | None, typer.Option(help="Folder that the external table's paths start from.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="audit.json on standard output.")] = False,
) -> None:
    """Ask whether RUN's result can be believed. Exits with 0 if it is sound, 2 doubtful, 3 broken."""
    from hilum.audit import Reading
    from hilum.cli.console import results, status
    from hilum.cli.progress import TerminalProgress
    from hilum.cli.summary import show_audit
    from hilum.run import Run
    from hilum.run import audit as audit_run

    opened = Run.open(run)
    found = audit_run(
        opened, data, external, external_data=external_data, progress=TerminalProgress(status())
    )
    if json_:
        print((opened.path / "audit.json").read_text())
    else:
        show_audit(found, results())
        results().print(f"\nReport  {opened.report}", soft_wrap=True, markup=False)
    codes = {Reading.SOUND: 0, Reading.DOUBTFUL: 2, Reading.BROKEN: 3}
    raise typer.Exit(codes[found.verdict.reading])
