"""A finished run: the folder that a recipe leaves, read back part by part."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hilum.artifact import write_json
from hilum.audit import Audit
from hilum.bundle import Bundle
from hilum.cohort import Cohort
from hilum.errors import RunError
from hilum.evaluate import Estimate, Predictions
from hilum.recipe import Recipe, load

__all__ = ["AUDIT_FILE", "SCHEMA_VERSION", "Metrics", "Run", "write_metrics"]

SCHEMA_VERSION = 1
"""Of ``metrics.json`` and ``predictions.csv``."""

AUDIT_FILE = "audit.json"

Metrics = dict[str, dict[str, Estimate]]
"""Part (``train``, ``validation``, ``test``), metric, figure."""


@dataclass(frozen=True)
class Run:
    """The folder of a finished run.

    Parameters
    ----------
    path : Path

    Raises
    ------
    RunError
        If a part that is asked for is missing or damaged.

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
            If no finished run is there.
        """
        run = cls(Path(path))
        run._file("metrics.json")
        return run

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return load(self._file("recipe.yaml"))

    @cached_property
    def cohort(self) -> Cohort:
        """The table, with each row's split and the rows left out; its root is this folder."""
        return Cohort.read(self._file("cohort.parquet"), self.path)

    @cached_property
    def history(self) -> pd.DataFrame:
        """Loss and accuracy per epoch and fold; without rows for a head that has no epochs."""
        path = self._file("history.csv")
        try:
            return pd.read_csv(path)
        except ValueError as error:  # pandas' parser errors and UnicodeDecodeError are ValueErrors
            raise RunError("the file is damaged", path=path, found=str(error).splitlines()[0]) from error

    @cached_property
    def predictions(self) -> Predictions:
        """Of every row in every part."""
        return Predictions.read(self._file("predictions.csv"))

    @cached_property
    def metrics(self) -> Metrics:
        """Every figure with its interval and n."""
        values = self._json("metrics.json")
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
        """Versions, device, and seconds of each stage."""
        return self._json("environment.json")

    @cached_property
    def audit(self) -> Audit | None:
        """What the audit found; None where the run was not audited."""
        path = self.path / AUDIT_FILE
        return Audit.read(path) if path.is_file() else None

    @property
    def data(self) -> Path | None:
        """Folder where the run found its images; None if the run does not say."""
        folder = self.environment.get("data")
        return Path(folder) if folder else None

    @cached_property
    def model(self) -> Bundle:
        """The saved classifier."""
        return Bundle.load(self.path / "model")

    @property
    def report(self) -> Path:
        """The page to read."""
        return self.path / "report.html"

    def _file(self, name: str) -> Path:
        path = self.path / name
        if not path.is_file():
            raise RunError(
                "no finished run is here" if name == "metrics.json" else "the run lacks a file",
                path=path,
                remedy="`hilum train RECIPE --out RUN` makes one.",
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
                "the file is damaged", path=path, expected="keys and values", found=type(values).__name__
            )
        return values


def _with_nan(figure: dict[str, Any]) -> dict[str, Any]:
    """Undo JSON's null for an undefined figure."""
    return {key: float("nan") if value is None else value for key, value in figure.items()}


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Write ``metrics.json``: schema version, then part, metric, and its value, low, high and n."""
    parts = {
        part: {metric: asdict(estimate) for metric, estimate in figures.items()}
        for part, figures in metrics.items()
    }
    write_json(path, {"schema_version": SCHEMA_VERSION, **parts})
