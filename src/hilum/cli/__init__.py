"""The command line: one file a command."""

from __future__ import annotations

from hilum.cli.app import main

__all__ = ["main"]
