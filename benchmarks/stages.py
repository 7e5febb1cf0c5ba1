"""Seconds and peak memory of the stages that read no pixels, for any number of rows.

``python -m benchmarks.stages --rows 1000 10000``. Every stage runs in a process of its own, on a synthetic
study; its peak memory includes the libraries (stage ``libraries``) and its inputs (stage ``inputs``, the
features).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.special import expit

from benchmarks.measuring import BenchmarkError, Results, arguments, measure, timed
from hilum.cohort import Cohort, Fold, build, check, split
from hilum.metrics import (
    Predictions,
    auc_interval,
    clinical,
    confusion,
    metrics_of_parts,
    pr_curve,
    roc_curve,
    subgroups,
)
from hilum.recipe import Recipe, Setting, dump, load
from hilum.report import BackboneFacts, Content, Environment, write
from hilum.run.learning import perform

FEATURES = 1280  # as of EfficientNet-Lite0
_IMAGES_PER_PATIENT = 2
_PREVALENCE = 0.3
_SOURCES = ("north", "south", "east", "west", "centre")
_FACTORS = 64  # directions in which features vary together
_BLOCK_ROWS = 4096
_SIDE_PX = 16
_ROWS_PER_FOLDER = 1000


def recipe_with(*settings: Setting) -> Recipe:
    """Return the demo's recipe for images in folders by class, with the patient in the file name."""
    select = [{"source": "folder", "options": {"path": "images", "patient": r"(p\d+)_"}}]
    return load("demo", [Setting(("cohort", "select"), select), *settings])


@dataclass(frozen=True)
class Study:
    """A synthetic study, made anew in every process; its features and files stay in `folder`."""

    rows: int
    folder: Path

    @cached_property
    def recipe(self) -> Recipe:
        """The demo's."""
        return recipe_with()

    @cached_property
    def cohort(self) -> Cohort:
        """Two images per patient on average, five sources, ages, sexes and sizes."""
        rng = np.random.default_rng(0)
        patient = np.sort(rng.integers(max(1, self.rows // _IMAGES_PER_PATIENT), size=self.rows))
        patients = int(patient.max()) + 1
        positive = rng.random(patients) < _PREVALENCE
        places = rng.integers(len(_SOURCES), size=patients)
        ages = rng.normal(50 + 8 * positive, 15).clip(1, 99).round()
        women = rng.random(patients) < 0.5
        label = np.asarray(self.recipe.cohort.classes, object)[positive.astype(int)][patient]
        source = np.asarray(_SOURCES, object)[places][patient]
        keys = [f"p{one:06d}" for one in patient]
        table = pd.DataFrame(
            {
                "image": [
                    f"images/{label[row]}/{row // _ROWS_PER_FOLDER:03d}/{key}_{row:06d}.png"
                    for row, key in enumerate(keys)
                ],
                "label": label,
                "patient": [f"{place}:{key}" for place, key in zip(source, keys, strict=True)],
                "source": source,
                "age": ages[patient],
                "sex": np.where(women, "F", "M")[patient],
                "view": np.where(rng.random(self.rows) < 0.6, "PA", "AP"),
                "rows": rng.integers(900, 3000, self.rows),
                "columns": rng.integers(900, 3000, self.rows),
                "format": "PNG",
                "sha256": [f"{row:064x}" for row in range(self.rows)],
            }
        )
        return Cohort.of(table, Path("images"))

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Whether each row has the second class."""
        found: NDArray[np.bool_] = (self.cohort.table["label"] == self.recipe.cohort.classes[1]).to_numpy()
        return found

    @cached_property
    def data(self) -> Path:
        """The folder, with a different tiny image for every row."""
        if not (self.folder / "images").exists():
            noise = np.random.default_rng(1).integers(0, 256, (_SIDE_PX, _SIDE_PX), np.uint8)
            for row, name in enumerate(self.cohort.table["image"]):
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                noise[0, :4] = np.frombuffer(row.to_bytes(4, "little"), np.uint8)
                Image.fromarray(noise).save(path, "PNG", compress_level=0)
        return self.folder

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """float32 (rows, FEATURES), 0 or more; correlated, and predictive with an AUC near 0.9."""
        path = self.folder / "features.npy"
        if not path.exists():
            np.save(path, self._draw_features())
        found: NDArray[np.float32] = np.load(path)
        return found

    def _draw_features(self) -> NDArray[np.float32]:
        rng = np.random.default_rng(2)
        scales = (np.arange(1, _FACTORS + 1) ** -0.5).astype(np.float32)
        directions = rng.standard_normal((_FACTORS, FEATURES), np.float32) * scales[:, None]
        found = np.empty((self.rows, FEATURES), np.float32)
        for start in range(0, self.rows, _BLOCK_ROWS):
            block = found[start : start + _BLOCK_ROWS]
            factors = rng.standard_normal((len(block), _FACTORS), np.float32)
            factors[self.positive[start : start + _BLOCK_ROWS], 4:20] += 0.45
            np.matmul(factors, directions, out=block)
            block += rng.standard_normal(block.shape, np.float32)
            np.maximum(block, 0, out=block)
        return found

    @cached_property
    def fold(self) -> Fold:
        """Six of ten rows train, as the recipe says."""
        return split(self.cohort.table, self.recipe.split)[0]

    @cached_property
    def predictions(self) -> Predictions:
        """Calibrated predictions of every row, with an AUC near 0.9, drawn without a head."""
        table, classes = self.cohort.table, self.recipe.cohort.classes
        scores = np.random.default_rng(3).normal(1.8 * self.positive - 1.7, 1.3)
        probability = expit(scores).astype(np.float32).astype(np.float64)
        part = np.empty(self.rows, object)
        for name in ("train", "validation", "test"):
            part[getattr(self.fold, name)] = name
        facts = {name: table[name].to_numpy() for name in ("image", "patient", "source", "label")}
        columns = {f"probability_{classes[0]}": 1 - probability, f"probability_{classes[1]}": probability}
        predicted = np.asarray(classes, object)[(probability >= 0.5).astype(int)]
        values = pd.DataFrame({**facts, **columns, "split": part, "fold": 0, "predicted": predicted})
        return Predictions(values, tuple(classes))

    @cached_property
    def test(self) -> Predictions:
        """Those of the test rows."""
        return self.predictions.part("test")

    @property
    def rng(self) -> np.random.Generator:
        """A new generator, always the same."""
        return np.random.default_rng(0)

    def content(self) -> Content:
        """What the report shows; every test image has the same thumbnail."""
        ramp = np.linspace(20, 220, 192, dtype=np.uint8)
        return Content(
            recipe=self.recipe,
            recipe_text=dump(self.recipe),
            cohort=self.cohort.table,
            exclusions=self.cohort.exclusions,
            history=pd.DataFrame(columns=["epoch", "fold"]),
            predictions=self.predictions,
            metrics=metrics_of_parts(self.predictions, self.rng, resamples=10),
            roc=roc_curve(self.test),
            pr=pr_curve(self.test, self.rng, resamples=10),
            confusion=confusion(self.test),
            clinical=clinical(self.predictions, 0.5, self.rng),
            threshold=0.5,
            threshold_choice="fixed at 0.5",
            backbone=BackboneFacts("efficientnet_lite0", "ImageNet", "Apache-2.0", FEATURES, 3_374_976),
            environment=Environment("CPU"),
            thumbnails=dict.fromkeys(self.test.images, np.minimum.outer(ramp, ramp[::-1])),
            synthetic=True,
        )


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


def _head(study: Study, **head: Any) -> Work:
    inputs = study.cohort.table, study.features, (study.fold,), recipe_with(Setting(("head",), head))
    return lambda: perform(*inputs)


def _metrics(study: Study) -> Work:
    predictions = study.predictions
    return lambda: metrics_of_parts(predictions, study.rng)


def _auc(study: Study) -> Work:
    positive, score = study.test.labels == 1, study.test.probabilities[:, 1]
    return lambda: auc_interval(positive, score, study.test.patients)


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
    "inputs": lambda study: lambda: study.features,
    "cohort build": _build,
    "cohort check": _check,
    "cohort write": _write_cohort,
    "cohort read": _read_cohort,
    "split": _split,
    "split in 5 folds": lambda study: _split(study, folds=5),
    "linear head": lambda study: _head(study, kind="linear"),
    "dense head, 1 epoch": lambda study: _head(study, kind="dense", epochs=1),
    "metrics": _metrics,
    "AUC": _auc,
    "clinical": _clinical,
    "curves": _curves,
    "subgroups": _subgroups,
    "predictions write": _write_predictions,
    "predictions read": _read_predictions,
    "report": _report,
}
"""From a study, prepared first, to the work that is timed."""


def measure_stages(
    rows: int, results: Results, stages: Iterable[str] = tuple(STAGES)
) -> list[dict[str, str]]:
    """Time stages on a study of `rows` images; print each at once, and return the rows of a table."""
    found = []
    with tempfile.TemporaryDirectory(prefix="hilum-stages-") as folder:
        log = Path(folder) / "log.txt"
        for stage in stages:
            command = [sys.executable, "-m", "benchmarks.stages", "--one", stage, str(rows), folder]
            try:
                usage = measure(command, log)
            except BenchmarkError as error:
                results.add(f"{stage}, {rows:,} rows: not measured, {error}", stage=stage, rows=rows)
                continue
            seconds = float(log.read_text().splitlines()[-1])
            peak = usage.peak_bytes
            line = f"{stage}, {rows:,} rows: {seconds:.2f} s, {peak / 1e6:,.0f} MB"
            results.add(line, stage=stage, rows=rows, seconds=seconds, peak_bytes=peak)
            row = {"Stage": stage, "Rows": f"{rows:,}", "Seconds": f"{seconds:.2f}"}
            found.append({**row, "Peak MB": f"{peak / 1e6:,.0f}"})
    return found


def main() -> None:
    """Measure all stages, or do one and print its seconds."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000], help="[1000 10000]")
    parser.add_argument("--one", nargs=3, metavar=("STAGE", "ROWS", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        stage, rows, folder = options.one
        print(timed(STAGES[stage](Study(int(rows), Path(folder)))))
        return
    results = Results("stages", options.out)
    found = [row for rows in options.rows for row in measure_stages(rows, results)]
    results.table("Stages without pixels", found)


if __name__ == "__main__":
    main()
