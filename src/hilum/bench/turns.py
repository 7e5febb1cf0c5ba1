"""Commands measured in turn on one machine: A B A B."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hilum.bench.process import Usage, measure
from hilum.progress import SILENT, Progress

__all__ = ["Side", "take_turns"]


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Side:
    """One of the commands that are compared.

    Parameters
    ----------
    name : str
    command : tuple of str
    environment : mapping of str to str
        Variables besides those of this process.
    before : callable
        What to do before each of its turns, unmeasured.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] = _nothing


def take_turns(
    sides: Sequence[Side],
    turns: int,
    logs: Path,
    progress: Progress = SILENT,
    *,
    after: Callable[[Side], None] = lambda _: None,
) -> dict[str, list[Usage]]:
    """Run every side once a turn, so that what else the machine does falls on all of them.

    Parameters
    ----------
    sides : sequence of Side
        Their names differ.
    turns : int
    logs : Path
        Folder for what they print.
    progress : Progress
    after : callable
        What to do after each of a side's turns, unmeasured.

    Returns
    -------
    dict of str to list of Usage
        By side, one for each turn.

    Raises
    ------
    BenchError
        If a side fails.
    """
    if turns < 1 or len({side.name for side in sides}) < len(sides):
        msg = "expected one turn or more, of sides with names of their own"
        raise ValueError(msg)
    found: dict[str, list[Usage]] = {side.name: [] for side in sides}
    work = [side for _ in range(turns) for side in sides]
    for side in progress.track(work, what="Measuring"):
        side.before()
        used = measure(side.command, logs / f"{side.name}.log", side.environment)
        after(side)
        found[side.name].append(used)
        progress.say(f"{side.name}: {used.seconds:.1f} s, {used.peak_bytes / 1e6:,.0f} MB")
    return found
