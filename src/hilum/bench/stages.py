"""How the stages that look at no pixels grow with the number of rows: seconds and peak memory of each.

Every stage runs in a process of its own, so that its peak is its own too; it holds the libraries and what the
stage was given. The stage ``libraries`` stands for the first, ``inputs`` for the largest of the second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.bench.process import measure
from hilum.bench.study import Study
from hilum.bench.synthetic import recipe_of
from hilum.cohort import Cohort, build, check, split
from hilum.metrics import (
    Predictions,
    auc_interval,
    clinical,
    metrics_of_parts,
    pr_curve,
    roc_curve,
    subgroups,
)
from hilum.progress import SILENT, Progress
from hilum.recipe import Setting
from hilum.report import write
from hilum.run.experiment import perform

__all__ = ["STAGES", "StageTime", "measure_stages"]


@dataclass(frozen=True)
class StageTime:
    """What one stage took.

    Parameters
    ----------
    stage : str
        One of `STAGES`.
    rows : int
    seconds : float
        Of the work alone, without the making of what it works on.
    peak_bytes : int
        The largest resident memory of the process.
    """

    stage: str
    rows: int
    seconds: float
    peak_bytes: int


def measure_stages(
    rows: int, progress: Progress = SILENT, stages: Iterable[str] | None = None
) -> list[StageTime]:
    """Time every stage on a made-up study, each in a process of its own.

    Parameters
    ----------
    rows : int
        Images of the study; 100 or more.
    progress : Progress
    stages : iterable of str, optional
        Some of `STAGES`; all otherwise.

    Returns
    -------
    list of StageTime
        In the order of `STAGES`.

    Raises
    ------
    BenchError
        If a stage fails, or this system does not tell a process's memory.
    ValueError
        If a stage is unknown, or there are too few rows.
    """
    wanted = list(STAGES) if stages is None else list(stages)
    unknown = [name for name in wanted if name not in STAGES]
    if unknown or rows < _FEWEST:
        msg = f"expected stages among {', '.join(STAGES)} and {_FEWEST} rows, found {unknown} and {rows}"
        raise ValueError(msg)
    with tempfile.TemporaryDirectory(prefix="hilum-stages-") as folder:
        named = progress.track(wanted, what=f"Timing {rows:,} rows", total=len(wanted))
        return [_measured(name, rows, Path(folder)) for name in named]


_FEWEST = 100


def _measured(name: str, rows: int, folder: Path) -> StageTime:
    log = folder / "log.txt"
    usage = measure([sys.executable, "-m", "hilum.bench.stages", name, str(rows), str(folder)], log)
    return StageTime(name, rows, float(log.read_text().splitlines()[-1]), usage.peak_bytes)


Work = Callable[[], Any]


def _build(study: Study) -> Work:
    data = study.data
    return lambda: build(study.recipe.cohort, data)


def _check(study: Study) -> Work:
    cohort = Cohort(study.cohort.table, study.cohort.exclusions, study.data)
    return lambda: check(cohort)


def _write_cohort(study: Study) -> Work:
    cohort = study.cohort
    return lambda: cohort.write(study.folder / "cohort.parquet")


def _read_cohort(study: Study) -> Work:
    _write_cohort(study)()
    return lambda: Cohort.read(study.folder / "cohort.parquet", study.folder)


def _split(study: Study, **settings: Any) -> Work:
    table, wanted = study.cohort.table, study.recipe.split.model_copy(update=settings)
    return lambda: split(table, wanted)


def _inputs(study: Study) -> Work:
    return lambda: study.features


def _head(study: Study, **head: Any) -> Work:
    recipe = recipe_of(Setting(("head",), head))
    inputs = study.cohort.table, study.features, (study.fold,), recipe
    return lambda: perform(*inputs)


def _metrics(study: Study) -> Work:
    predictions = study.predictions
    return lambda: metrics_of_parts(predictions, study.rng)


def _area(study: Study) -> Work:
    ill, score = study.test.labels == 1, study.test.probabilities[:, 1]
    return lambda: auc_interval(ill, score, study.test.patients)


def _clinical(study: Study) -> Work:
    predictions = study.predictions
    return lambda: clinical(predictions, 0.5, study.rng)


def _curves(study: Study) -> Work:
    test = study.test
    return lambda: (roc_curve(test), pr_curve(test, study.rng))


def _subgroups(study: Study) -> Work:
    facts = study.cohort.table.set_index("image")[["source", "view", "sex", "age"]]
    test = study.test
    return lambda: subgroups(test, facts, study.rng)


def _write_predictions(study: Study) -> Work:
    predictions = study.predictions
    return lambda: predictions.write(study.folder / "predictions.csv")


def _read_predictions(study: Study) -> Work:
    _write_predictions(study)()
    return lambda: Predictions.read(study.folder / "predictions.csv")


def _report(study: Study) -> Work:
    content = study.content()
    return lambda: write(content, study.folder / "report")


STAGES: dict[str, Callable[[Study], Work]] = {
    "libraries": lambda _: lambda: None,
    "inputs": _inputs,
    "cohort build": _build,
    "cohort check": _check,
    "cohort write": _write_cohort,
    "cohort read": _read_cohort,
    "split": _split,
    "split in 5 folds": lambda study: _split(study, folds=5),
    "linear head": lambda study: _head(study, kind="linear"),
    "dense head, 1 epoch": lambda study: _head(study, kind="dense", epochs=1),
    "metrics": _metrics,
    "area": _area,
    "clinical": _clinical,
    "curves": _curves,
    "subgroups": _subgroups,
    "predictions write": _write_predictions,
    "predictions read": _read_predictions,
    "report": _report,
}
"""All stages: from a study, made first, to the work that is timed."""


def _main(name: str, rows: str, folder: str) -> None:
    """Do one stage, and print its seconds."""
    work = STAGES[name](Study(int(rows), Path(folder)))
    start = time.perf_counter()
    work()
    sys.stdout.write(f"{time.perf_counter() - start}\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
