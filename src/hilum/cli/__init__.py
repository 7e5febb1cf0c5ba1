"""The command line: a file per group of commands."""

from __future__ import annotations

from hilum.cli.app import main

__all__ = ["main"]
