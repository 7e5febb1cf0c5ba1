"""How often the audit detects a planted shortcut or leak, and how often it raises a false alarm.

Each design is a kind of synthetic cohort with one thing planted, or none. Seeded cohorts of each are fitted
and audited in parallel; the table in ``docs/audit.md`` was made by this script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from benchmarks.measuring import Results, arguments
from hilum.auditing import Rating, Subject, examine, probes
from hilum.backbone import Engine, choose_engine, extract, open_backbone
from hilum.classifier import Head, Threshold
from hilum.cohort import build, split
from hilum.errors import HilumError
from hilum.metrics import auc_estimates
from hilum.phantom import PhantomCohort, Shortcut, ShortcutKind, write
from hilum.radiograph import Fit, Preprocessing, Radiograph
from hilum.recipe import Recipe, Setting, load
from hilum.run.audit import probe_images
from hilum.run.learning import perform, with_headers

LEAKS = ("patients", "duplicates")
FACTORS = ("none", *(kind.value for kind in ShortcutKind), *LEAKS)
"""Nothing; a factor that follows the label; patients, or copies of images, on both sides of the split."""
_SIDE_PX = 256
_INPUT_PX = 128  # takes a third of the time of 224, and still shows what is planted


@dataclass(frozen=True)
class Design:
    """Synthetic cohorts with one thing planted.

    Parameters
    ----------
    factor : str
        One of `FACTORS`.
    strength : float
        0 to 1. Of a shortcut: how often it follows the label. Of duplicates: twice the share of patients
        who are entered again. Of patients: a third of the images that a patient has besides the first.
    signal : float
        0 to 1: share of diseased cases with visible findings.
    images : int
        Per cohort.
    """

    factor: str
    strength: float
    signal: float
    images: int = 300

    @property
    def leaks(self) -> bool:
        """Whether what is planted crosses the split, rather than being in the images."""
        return self.factor in LEAKS

    def cohort(self, seed: int) -> PhantomCohort:
        """Return the synthetic cohort of a seed."""
        kinds = [ShortcutKind(self.factor)] if self.factor in list(ShortcutKind) else []
        return PhantomCohort(
            images=self.images,
            signal=self.signal,
            shortcuts=tuple(Shortcut(kind, self.strength) for kind in kinds),
            images_per_patient=1 + 3 * self.strength if self.factor == "patients" else 1.5,
            duplicates=self.strength / 2 if self.factor == "duplicates" else 0.0,
            size=(_SIDE_PX, _SIDE_PX),
            seed=seed,
        )

    def recipe(self, seed: int) -> Recipe:
        """Return the demo's recipe, split by image if something leaks across the split."""
        values = {("seed",): seed, ("split", "seed"): seed, ("preprocessing", "size"): _INPUT_PX}
        leaking = {("split", "by"): "image", ("cohort", "duplicates"): "keep"} if self.leaks else {}
        return load("demo", [Setting(*item) for item in (values | leaking).items()])


def grid(
    factors: Sequence[str], strengths: Sequence[float], signals: Sequence[float], images: int
) -> list[Design]:
    """Return every factor at every strength and signal; nothing planted has strength 0 only."""
    return [
        Design(factor, strength, signal, images)
        for factor, signal in product(factors, signals)
        for strength in ((0.0,) if factor == "none" else strengths)
    ]


@dataclass(frozen=True)
class FrozenClassifier:
    """The fitted classifier, as the audit runs it; see `hilum.classifier.Classifier`."""

    head: Head
    preprocessing: Preprocessing
    engine: Engine
    threshold: Threshold

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the outputs."""
        return self.head.classes

    @property
    def side(self) -> int:
        """Side of the network's input in pixels."""
        return self.preprocessing.size

    def predict(self, radiographs: Iterable[Radiograph]) -> NDArray[np.float32]:
        """Compute probabilities, float32 (n, classes)."""
        inputs = (self.preprocessing.apply(one.pixels, one.extent) for one in radiographs)
        return self.head.probabilities(np.stack(list(self.engine.run(inputs))))


@dataclass(frozen=True)
class Trial:
    """The audit of one cohort.

    Parameters
    ----------
    verdict : Rating
    ratings : mapping of str to Rating
        By probe.
    auc : float
        Out-of-fold AUC of the whole images, folds grouped by patient.
    """

    verdict: Rating
    ratings: Mapping[str, Rating]
    auc: float


def audited(design: Design, seed: int) -> Trial | str:
    """Draw a cohort, fit a classifier and audit it; or return why that is impossible."""
    try:
        with TemporaryDirectory() as folder:
            write(design.cohort(seed), Path(folder) / "phantom")
            subject = _subject(design, seed, Path(folder))
            audit = examine(subject, [probe for name, probe in probes().items() if _is_asked(name, design)])
            whole = subject.predicted(subject.reference)
    except HilumError as error:
        return error.cause
    ratings = {name: answer.rating for name, answer in audit.answers.items()}
    return Trial(audit.verdict.rating, ratings, next(iter(auc_estimates(whole).values())).value)


def _is_asked(probe: str, design: Design) -> bool:
    """Leave out the search for copies, which takes as long as all other probes, if nothing leaks."""
    return design.leaks or probe != "patients"


def _subject(design: Design, seed: int, data: Path) -> Subject:
    recipe = design.recipe(seed)
    cohort = build(recipe.cohort, data)
    backbone = open_backbone(recipe.backbone, recipe.preprocessing.size, recipe.seed)
    preprocessing = Preprocessing(backbone.size, Fit(recipe.preprocessing.fit))
    engine = choose_engine(backbone)
    features = extract(cohort.paths, preprocessing, backbone, engine=engine)
    cohort, values = with_headers(cohort, features)
    experiment = perform(cohort.table, values, split(cohort.table, recipe.split), recipe)
    return Subject(
        table=cohort.table,
        predictions=experiment.predictions,
        images=probe_images(cohort.paths),
        classifier=FrozenClassifier(experiment.head, preprocessing, engine, experiment.threshold),
        seed=recipe.seed,
    )


def trials_of(
    designs: Sequence[Design], cohorts: int, jobs: int, results: Results
) -> Iterator[tuple[Design, list[Trial]]]:
    """Audit `cohorts` of each design in processes; yield each design when it is done."""
    work = [(design, 1000 * place + seed) for place, design in enumerate(designs) for seed in range(cohorts)]
    outcomes = Parallel(n_jobs=jobs, return_as="generator")(delayed(audited)(*one) for one in work)
    done: list[Trial] = []
    for number, ((design, seed), outcome) in enumerate(zip(work, outcomes, strict=True), start=1):
        what = {**asdict(design), "seed": seed}
        name = f"{design.factor} {design.strength:g}, signal {design.signal:g}, seed {seed}"
        if isinstance(outcome, Trial):
            results.add(f"{name}: {outcome.verdict}, AUC {outcome.auc:.2f}", **what, **asdict(outcome))
            done.append(outcome)
        else:
            results.add(f"{name}: not audited, {outcome}", **what, error=outcome)
        if number % cohorts == 0:
            yield design, done
            done = []


def explained(design: Design, auc: float) -> float:
    """Return the share of the performance above chance that the planted shortcut explains; NaN for a leak.

    A shortcut that follows the label with strength s predicts it with an AUC of (1 + s) / 2.
    """
    return design.strength / 2 / (auc - 0.5) if auc > 0.5 and not design.leaks else float("nan")


def row(design: Design, trials: Sequence[Trial]) -> dict[str, str]:
    """Return a design's row of the table."""
    n = len(trials)
    detected = sum(trial.verdict.severity > Rating.SOUND.severity for trial in trials)
    by: dict[str, int] = {}
    for trial in trials:
        for name, rating in trial.ratings.items():
            by[name] = by.get(name, 0) + (rating.severity > Rating.SOUND.severity)
    most = sorted((item for item in by.items() if item[1]), key=lambda item: -item[1])[:4]
    share = sum(explained(design, trial.auc) for trial in trials) / n if n else float("nan")
    return {
        "Planted": design.factor,
        "Strength": f"{design.strength:g}",
        "Signal": f"{design.signal:g}",
        "AUC": f"{sum(trial.auc for trial in trials) / n:.2f}" if n else "–",
        "Explains": "–" if share != share else f"{share:.2f}",  # noqa: PLR0124  NaN
        "Detected": f"{detected}/{n}",
        "Broken": f"{sum(trial.verdict is Rating.BROKEN for trial in trials)}/{n}",
        "By": ", ".join(f"{name} {count}" for name, count in most),
    }


def main() -> None:
    """Audit the cohorts, and print the table."""
    parser = arguments(__doc__)
    parser.add_argument("--cohorts", type=int, default=10, help="cohorts of each design [10]")
    parser.add_argument("--images", type=int, default=300, help="images per cohort [300]")
    parser.add_argument(
        "--factor", nargs="+", choices=FACTORS, default=FACTORS, metavar="FACTOR", help="[all]"
    )
    parser.add_argument("--strength", type=float, nargs="+", default=[0.5, 1.0], help="[0.5 1]")
    parser.add_argument("--signal", type=float, nargs="+", default=[0.0, 0.5, 1.0], help="[0 0.5 1]")
    parser.add_argument("--jobs", type=int, default=-1, help="processes [one per core]")
    options = parser.parse_args()
    results = Results("audit", options.out)
    designs = grid(options.factor, options.strength, options.signal, options.images)
    found = trials_of(designs, options.cohorts, options.jobs, results)
    remarks = [
        "Signal: share of diseased cases with visible findings. Explains: share of the AUC above 0.5 that the"
        " planted shortcut gives by itself. Detected: verdict doubtful or broken. By: the probes rated so."
    ]
    results.table("Planted and detected", [row(*one) for one in found], remarks)


if __name__ == "__main__":
    main()
