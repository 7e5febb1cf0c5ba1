"""The command line: one file a command."""

from __future__ import annotations

from hilum.cli.app import app

__all__ = ["app"]
