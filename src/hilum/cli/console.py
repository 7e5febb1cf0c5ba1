"""Where the commands write: results to standard output, all else to standard error."""

from __future__ import annotations

from rich.console import Console

__all__ = ["results", "status"]


def results() -> Console:
    """Return the console of results."""
    return Console(highlight=False)


def status() -> Console:
    """Return the console of progress and remarks."""
    return Console(stderr=True, highlight=False)
