"""``hilum bench``: measurements that anyone can repeat, one file a command."""

from __future__ import annotations

import typer

from hilum.cli.bench import audit

__all__ = ["commands"]

commands = typer.Typer(help="Measurements that anyone can repeat.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Measurements that anyone can repeat."""


commands.command("audit")(audit.audit)
