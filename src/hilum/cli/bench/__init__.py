"""``hilum bench``: measurements that anyone can repeat, one file a command."""

from __future__ import annotations

import typer

from hilum.cli.bench import audit, gpu, growth, limit, prediction, tutorial

__all__ = ["commands"]


commands = typer.Typer(help="Measurements that anyone can repeat.", no_args_is_help=True)
commands.command("audit")(audit.audit)
commands.command("tutorial")(tutorial.tutorial)
commands.command("prediction")(prediction.prediction)
commands.command("limit")(limit.limit)
commands.command("growth")(growth.growth)
commands.command("gpu")(gpu.gpu)
