"""A run folder that is there whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hilum.errors import RunError, RunExistsError

__all__ = ["FINAL_FILE", "staging"]

FINAL_FILE = "metrics.json"
"""A folder that holds this is a finished run."""

_LOCK = ".lock"


@contextmanager
def staging(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder beside `out` that becomes `out` when the block ends well.

    A killed process leaves only a hidden folder, which the next call clears. Two processes never write one
    run: the second is refused.

    Parameters
    ----------
    out : Path
        Where the run shall be.
    overwrite : bool
        Replace a finished run; it stays in place until the new one is whole.

    Raises
    ------
    RunExistsError
        If a finished run is at `out` and `overwrite` is false.
    RunError
        If something else is at `out`, nothing can be written there, or another process is writing this run.
    """
    out = out.absolute()
    partial, replaced = (out.parent / f".{out.name}.{state}" for state in ("partial", "replaced"))
    lock = FileLock(partial / _LOCK)
    try:
        partial.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(
            "another process is writing this run", path=out, remedy="Wait for it, or choose another --out."
        ) from error
    except OSError as error:
        raise RunError(
            "no run can be written here", path=out, found=error.strerror, remedy="Choose another --out."
        ) from error
    try:
        _restore(out, replaced)
        _clear(partial)
        _check_free(out, overwrite=overwrite)
        yield partial
        _publish(partial, out, replaced)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        lock.release()


def _restore(out: Path, replaced: Path) -> None:
    """Undo a replacement that was killed between its two renames."""
    if replaced.exists() and not out.exists():
        replaced.rename(out)
    shutil.rmtree(replaced, ignore_errors=True)


def _clear(partial: Path) -> None:
    for entry in partial.iterdir():
        if entry.name == _LOCK:
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _check_free(out: Path, *, overwrite: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / FINAL_FILE).is_file():
        raise RunError(
            "this is not a run, so it is left alone",
            path=out,
            expected="a free name or a finished run",
            remedy="Choose another --out.",
        )
    if not overwrite:
        raise RunExistsError(
            "a finished run is already here",
            path=out,
            remedy="Choose another --out, or replace it with --overwrite.",
        )


def _publish(partial: Path, out: Path, replaced: Path) -> None:
    if out.exists():
        out.rename(replaced)
    partial.rename(out)
    (out / _LOCK).unlink(missing_ok=True)
    shutil.rmtree(replaced, ignore_errors=True)
