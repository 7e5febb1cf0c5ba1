"""How often the audit finds what was planted, and how often it cries wolf.

``hilum bench audit`` makes the table; ``docs/audit.md`` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from joblib import Parallel, delayed

from hilum.auditing import Rating
from hilum.bench.design import FACTORS, Design
from hilum.bench.trial import Trial, audited
from hilum.errors import HilumError
from hilum.metrics import Estimate, wilson
from hilum.progress import SILENT, Progress

__all__ = ["Cell", "bench_audit", "cells", "grid"]


@dataclass(frozen=True)
class Cell:
    """The trials of one design.

    Parameters
    ----------
    design : Design
    explained : float
        Mean share of the result that the planted factor gives by itself.
    whole : float
        Mean AUC of the whole images.
    found : Estimate
        Share of cohorts that the verdict calls doubtful or broken.
    broken : Estimate
        Share that it calls broken.
    by : dict of str to int
        Probes that read doubtful or broken, and in how many cohorts.
    """

    design: Design
    explained: float
    whole: float
    found: Estimate
    broken: Estimate
    by: dict[str, int]


def grid(
    factors: Sequence[str] = FACTORS,
    strengths: Sequence[float] = (0.5, 1.0),
    signals: Sequence[float] = (0.0, 0.5, 1.0),
    images: int = 300,
) -> list[Design]:
    """Return the designs: every factor in every strength beside every true signal, and nothing planted."""
    designs = []
    for factor, signal in product(factors, signals):
        wanted = (0.0,) if factor == "none" else strengths
        designs += [Design(factor, strength, signal, images) for strength in wanted]
    return designs


def bench_audit(
    designs: Iterable[Design], cohorts: int, *, jobs: int = -1, progress: Progress = SILENT
) -> list[Trial]:
    """Audit so many cohorts of each design.

    Parameters
    ----------
    designs : iterable of Design
    cohorts : int
        Of each design; seeds count from 0, and differ between designs.
    jobs : int
        Processes; -1 for one a core.
    progress : Progress
    """
    work = [(design, 1000 * place + seed) for place, design in enumerate(designs) for seed in range(cohorts)]
    trials = Parallel(n_jobs=jobs, return_as="generator")(delayed(_tried)(*one) for one in work)
    done = progress.track(trials, what="Auditing cohorts", total=len(work))
    found = []
    for trial, (design, seed) in zip(done, work, strict=True):
        if isinstance(trial, Trial):
            found.append(trial)
        else:
            progress.say(f"Left out, cohort {seed} with {design.factor}: {trial}")
    return found


def _tried(design: Design, seed: int) -> Trial | str:
    """Audit one cohort; one that chance made unfit for it ends nothing."""
    try:
        return audited(design, seed)
    except HilumError as error:
        return error.cause


def cells(trials: Sequence[Trial]) -> list[Cell]:
    """Sum up the trials of each design, in order of appearance."""
    by_design: dict[Design, list[Trial]] = {}
    for trial in trials:
        by_design.setdefault(trial.design, []).append(trial)
    return [_cell(design, group) for design, group in by_design.items()]


def _cell(design: Design, trials: Sequence[Trial]) -> Cell:
    ratings = [trial.verdict for trial in trials]
    by: dict[str, int] = {}
    for trial in trials:
        for name, rating in trial.ratings.items():
            if rating.severity > Rating.SOUND.severity:
                by[name] = by.get(name, 0) + 1
    return Cell(
        design=design,
        explained=sum(trial.explained for trial in trials) / len(trials),
        whole=sum(trial.whole for trial in trials) / len(trials),
        found=_share([rating.severity > Rating.SOUND.severity for rating in ratings]),
        broken=_share([rating is Rating.BROKEN for rating in ratings]),
        by=dict(sorted(by.items(), key=lambda item: -item[1])),
    )


def _share(hits: Sequence[bool]) -> Estimate:
    share = sum(hits) / len(hits)
    return Estimate.around(share, wilson(sum(hits), len(hits)), len(hits))
