"""One synthetic cohort through the whole procedure and its audit, without a run's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hilum.auditing import Images, Probe, Rating, Subject, examine, probes
from hilum.backbone import choose_engine, extract, open_backbone
from hilum.bench.design import Design
from hilum.classifier.fit import fixed
from hilum.cohort import build, split
from hilum.metrics.auc import areas
from hilum.phantom import write
from hilum.radiograph import Fit, Preprocessing
from hilum.run.experiment import perform
from hilum.run.train import with_headers

__all__ = ["Trial", "audited"]


@dataclass(frozen=True)
class Trial:
    """What the audit made of one cohort.

    Parameters
    ----------
    design : Design
    seed : int
    verdict : Rating
    ratings : mapping of str to Rating
        By probe.
    whole : float
        Out-of-fold AUC of the whole images, patients apart.
    """

    design: Design
    seed: int
    verdict: Rating
    ratings: Mapping[str, Rating]
    whole: float

    @property
    def explained(self) -> float:
        """Share of the result beyond chance that the planted factor gives by itself; NaN for a leak.

        A factor that follows the label with strength s tells it with an AUC of (1 + s) / 2.
        """
        if self.design.leaks or not self.whole > 0.5:
            return float("nan")
        return float(self.design.strength / 2 / (self.whole - 0.5))


def audited(design: Design, seed: int) -> Trial:
    """Draw a cohort, fit and audit a classifier.

    Parameters
    ----------
    design : Design
    seed : int
        Of the cohort, the split and the fit.
    """
    with TemporaryDirectory() as folder:
        write(design.cohort(seed), Path(folder) / "phantom")
        subject = _subject(design, seed, Path(folder))
        audit = examine(subject, _asked(design))
        whole = subject.predicted(subject.reference)
    return Trial(
        design=design,
        seed=seed,
        verdict=audit.verdict.rating,
        ratings={name: answer.rating for name, answer in audit.answers.items()},
        whole=next(iter(areas(whole).values())).value,
    )


def _asked(design: Design) -> list[Probe]:
    """All probes; the search for copies, which takes as long as all else, only where something leaks."""
    return [probe for name, probe in probes().items() if design.leaks or name != "patients"]


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
        recipe=recipe,
        head=fixed(recipe.head, experiment.details),
        table=cohort.table,
        features=values,
        predictions=experiment.predictions,
        images=Images(data, tuple(cohort.table["image"]), preprocessing, backbone, engine),
        classify=lambda squares: experiment.head.probabilities(np.stack(list(engine.run(squares)))),
        threshold=experiment.threshold.value,
    )
