"""A finished run: the folder that training writes, and its parts read back on demand."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from hilum.auditing import Audit
from hilum.bundle import Bundle
from hilum.cohort import Cohort
from hilum.errors import RunError, RunExistsError
from hilum.files import write_json
from hilum.metrics import Estimate, Predictions
from hilum.recipe import Recipe, load

__all__ = [
    "AUDIT_FILE",
    "FINAL_FILE",
    "SCHEMA_VERSION",
    "Metrics",
    "Run",
    "Stopwatch",
    "environment",
    "staging",
    "versions",
    "write_metrics",
]

SCHEMA_VERSION = 1
"""Of ``metrics.json`` and ``predictions.csv``."""

FINAL_FILE = "metrics.json"
"""A folder that holds this file is a finished run."""

AUDIT_FILE = "audit.json"

Metrics = dict[str, dict[str, Estimate]]
"""By part (``train``, ``validation``, ``test``) and metric."""

_LOCK = ".lock"
_LIBRARIES = (
    "hilum",
    "numpy",
    "openvino",
    "pandas",
    "pillow",
    "pydicom",
    "scikit-learn",
    "scipy",
    "timm",
    "torch",
)


@dataclass(frozen=True)
class Run:
    """The folder of a finished run.

    Raises
    ------
    RunError
        When a part is read that is missing or damaged.

    Examples
    --------
    >>> run = Run.open("runs/tutorial-model-1")  # doctest: +SKIP
    >>> run.metrics["test"]["accuracy"].value  # doctest: +SKIP
    0.9818181818181818
    """

    path: Path

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open the run at `path`.

        Raises
        ------
        RunError
            If `path` is not a finished run.
        """
        run = cls(Path(path))
        run._file(FINAL_FILE)
        return run

    def holding(self, **parts: Any) -> Run:
        """Return the same run with some of its parts in memory, which are then not read from its files."""
        run = Run(self.path)
        run.__dict__.update({name: value for name, value in self.__dict__.items() if name != "path"} | parts)
        return run

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return load(self._file("recipe.yaml"))

    @cached_property
    def cohort(self) -> Cohort:
        """The images with their split, and the exclusions; its root is this folder."""
        return Cohort.read(self._file("cohort.parquet"), self.path)

    @cached_property
    def history(self) -> pd.DataFrame:
        """Loss and accuracy per epoch and fold; without rows for a head that is not trained in epochs."""
        path = self._file("history.csv")
        try:
            return pd.read_csv(path)
        except ValueError as error:  # includes pandas' parser errors and UnicodeDecodeError
            raise RunError("the file is damaged", path=path, found=str(error).splitlines()[0]) from error

    @cached_property
    def predictions(self) -> Predictions:
        """Of every image in every part."""
        return Predictions.read(self._file("predictions.csv"))

    @cached_property
    def metrics(self) -> Metrics:
        """Every metric of every part, with interval and n."""
        values = self._json(FINAL_FILE)
        version = values.pop("schema_version", None)
        if version != SCHEMA_VERSION:
            raise RunError(
                "metrics.json is of another version of hilum",
                path=self.path,
                expected=f"schema_version {SCHEMA_VERSION}",
                found=str(version),
            )
        return {
            part: {metric: Estimate(**_with_nan(figure)) for metric, figure in figures.items()}
            for part, figures in values.items()
        }

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device, and duration of each stage in s."""
        return self._json("environment.json")

    @cached_property
    def audit(self) -> Audit | None:
        """The audit; None if the run was not audited."""
        path = self.path / AUDIT_FILE
        return Audit.read(path) if path.is_file() else None

    @cached_property
    def model(self) -> Bundle:
        """The classifier."""
        return Bundle.load(self.path / "model")

    @property
    def data(self) -> Path | None:
        """Folder from which the run read its images, if recorded."""
        folder = self.environment.get("data")
        return Path(folder) if folder else None

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    def _file(self, name: str) -> Path:
        path = self.path / name
        if not path.is_file():
            raise RunError(
                "this is not a finished run" if name == FINAL_FILE else "the run lacks a file",
                path=path,
                remedy="`hilum train RECIPE --out RUN` makes a run.",
            )
        return path

    def _json(self, name: str) -> dict[str, Any]:
        path = self._file(name)
        try:
            values = json.loads(path.read_bytes())
        except ValueError as error:
            raise RunError("the file is damaged", path=path, found=str(error)) from error
        if not isinstance(values, dict):
            raise RunError(
                "the file is damaged", path=path, expected="a JSON object", found=type(values).__name__
            )
        return values


def _with_nan(figure: dict[str, Any]) -> dict[str, Any]:
    """Replace JSON's null, which stands for an undefined value, by NaN."""
    return {key: float("nan") if value is None else value for key, value in figure.items()}


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Write ``metrics.json``: the schema version, and value, low, high and n by part and metric."""
    parts = {
        part: {metric: asdict(estimate) for metric, estimate in figures.items()}
        for part, figures in metrics.items()
    }
    write_json(path, {"schema_version": SCHEMA_VERSION, **parts})


@dataclass(frozen=True)
class Stopwatch:
    """Wall-clock seconds of each stage, in order."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the duration of the block to stage `name`."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)


def versions() -> dict[str, str]:
    """Versions of Python, of hilum, and of the libraries on which results depend."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _LIBRARIES}}


def environment(
    *, data: Path, device: str, precision: str, cached: int, computed: int, watch: Stopwatch
) -> dict[str, Any]:
    """Content of ``environment.json``.

    Parameters
    ----------
    data : Path
        Folder of the images.
    device, precision : str
        Of the backbone's computation.
    cached, computed : int
        Number of images with features from the cache, and with newly computed features.
    watch : Stopwatch
    """
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "data": str(data.resolve()),
        "device": device,
        "precision": precision,
        "features": {"from_cache": cached, "computed": computed},
        "seconds": dict(watch.seconds),
    }


@contextmanager
def staging(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside `out` that replaces `out` when the block succeeds.

    A killed process leaves only a hidden folder, which the next call clears. Two processes never write the
    same run: the second one fails.

    Parameters
    ----------
    out : Path
    overwrite : bool
        Replace a finished run, which stays in place until the new one is complete.

    Raises
    ------
    RunExistsError
        If a finished run is at `out` and `overwrite` is false.
    RunError
        If something else is at `out`, the folder is not writable, or another process is writing this run.
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
    """Undo a replacement that was interrupted between its two renames."""
    if replaced.exists() and not out.exists():
        replaced.rename(out)
    shutil.rmtree(replaced, ignore_errors=True)


def _clear(partial: Path) -> None:
    for entry in partial.iterdir():
        if entry.name != _LOCK:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _check_free(out: Path, *, overwrite: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / FINAL_FILE).is_file():
        raise RunError(
            "this is not a run, so it is not overwritten",
            path=out,
            expected="a free path or a finished run",
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
