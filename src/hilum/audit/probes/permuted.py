"""The whole procedure on labels that mean nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import t

from hilum.audit import rules
from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.picture import Distribution, Scale
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.repetition import Trial, repeat
from hilum.audit.subject import Subject
from hilum.evaluate import Estimate, evaluate

__all__ = ["PERMUTATIONS", "PROBE"]

PERMUTATIONS = 20
_MEANINGS = {
    Reading.SOUND: "The way in which the images are split, fitted and tested gives nothing away by itself.",
    Reading.DOUBTFUL: "Part of the result may come from images of one patient on both sides of the split.",
    Reading.BROKEN: "The procedure recognises patients or copies that it has seen in training,"
    " and would score with any labels.",
}


def ask(subject: Subject) -> Answer:
    """See `PROBE`."""
    rng = subject.rng("permuted")
    groups = _groups(subject.patients[subject.rows], subject.features[subject.rows])
    trials = [_trial(subject, groups, rng) for _ in range(PERMUTATIONS)]
    scores = repeat(subject, trials, "Shuffled labels")
    known = scores.auc[~np.isnan(scores.auc)]
    figure = _mean(known)
    reading, reason = rules.leaking(figure)
    if reading is Reading.CANNOT_TELL:
        return cannot_tell(reason, "Whether the procedure has a leak of its own stays open.")
    return Answer(
        reading=reading,
        claim=f"Trained and tested on shuffled labels, which mean nothing, it reaches AUC {figure.value:.2f}"
        " on average (0.5 is guessing).",
        meaning=_MEANINGS[reading],
        reason=reason,
        measure=f"Mean AUC of {len(known)} experiments with shuffled labels",
        figure=figure,
        details={
            "auc": known.tolist(),
            "accuracy": scores.accuracy.tolist(),
            "failed": scores.failed + len(scores) - len(known),
            "groups": int(groups.max()) + 1,
            "images": len(groups),
        },
        pictures=(_picture(subject, known),),
    )


def _groups(patients: NDArray[np.object_], features: NDArray[np.float32]) -> NDArray[np.intp]:
    """Number the rows whose labels stay together: those of a patient, and those with the very same features.

    Without the second, a copy under another name would get another label, and so hide what it gives away.
    """
    _, patient = np.unique(patients, return_inverse=True)
    _, content = np.unique(features, axis=0, return_inverse=True)
    ends = patient, content + patient.max() + 1
    size = int(ends[1].max()) + 1
    graph = coo_array((np.ones(len(patient), bool), ends), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    return np.unique(group[patient], return_inverse=True)[1]


def _trial(subject: Subject, groups: NDArray[np.intp], rng: np.random.Generator) -> Trial:
    seed = int(rng.integers(2**31))
    labels = _permuted(subject.labels[subject.rows], groups, rng)
    return Trial(subject.recipe.split.model_copy(update={"seed": seed}), labels, seed)


def _permuted(
    labels: NDArray[np.int64], groups: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Give each group one label, by lot; every label keeps its number of rows, but for one group's size."""
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    middles = np.cumsum(sizes[order]) - sizes[order] / 2
    of_group = np.empty(len(sizes), np.int64)
    of_group[order] = np.searchsorted(np.cumsum(np.bincount(labels)), middles, side="right")
    return of_group[groups]


def _mean(values: NDArray[np.float64]) -> Estimate:
    """Mean, with Student's interval."""
    mean = float(values.mean()) if len(values) else float("nan")
    if len(values) < 2:
        return Estimate(mean, float("nan"), float("nan"), len(values))
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, mean - half, mean + half, len(values))


def _picture(subject: Subject, aucs: NDArray[np.float64]) -> Distribution:
    run = evaluate(subject.predictions.part("test"), subject.rng("permuted"), resamples=2)["roc_auc"].value
    return Distribution(
        f"AUC of {len(aucs)} experiments with shuffled labels",
        "AUC on the test images",
        {"shuffled labels": tuple(aucs.tolist())},
        {"guessing": 0.5, "this run": run},
        Scale.AREA,
    )


PROBE = Probe(
    name="permuted",
    title="Shuffled labels",
    question="Does the procedure still score when the labels are shuffled?",
    source="Ojala and Garriga, Permutation Tests for Studying Classifier Performance, JMLR 11 (2010)",
    ask=ask,
)
