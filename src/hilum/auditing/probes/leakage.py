"""The experiment on a hundred other splits, and with patients kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri
from scipy.stats import t

from hilum.auditing import rules
from hilum.auditing.probe import Answer, Distribution, Example, Examples, Probe, Rating, Scale, cannot_tell
from hilum.auditing.repetition import Scores, Trial, repeat
from hilum.auditing.rules import remembered
from hilum.auditing.subject import Subject
from hilum.cohort.duplicates import CopyKind, find_copies
from hilum.metrics import Estimate, bootstrap, evaluate, wilson
from hilum.recipe.settings import SplitBy, SplitSettings

__all__ = ["PATIENTS", "PERMUTATIONS", "RANDOM_SPLITS", "SHUFFLED_LABELS", "SPLITS"]


_SAME_PATIENT = "same patient"
_SHOWN = 6
_ORDER = (CopyKind.NEAR_COPY, CopyKind.SAME_PIXELS, CopyKind.SAME_FILE, _SAME_PATIENT)
_MOSTLY_SINGLE = 0.8


@dataclass(frozen=True, eq=False)
class _Groups:
    """Which images belong together, each kind as a group's number a row of the table."""

    copies: dict[CopyKind, NDArray[np.intp]]
    patients: NDArray[np.intp]
    similarity: dict[tuple[int, int], float]

    def partners(self, tested: NDArray[np.intp], learned: NDArray[np.intp]) -> Iterator[tuple[int, int, str]]:
        """Yield tested rows, each with its plainest copy and one of its patient among those learned from."""
        kinds = [{int(groups[row]): int(row) for row in reversed(learned)} for groups in self.copies.values()]
        patients = {int(self.patients[row]): int(row) for row in reversed(learned)}
        for row in tested.tolist():
            for (kind, groups), known in zip(self.copies.items(), kinds, strict=True):
                if groups[row] in known:
                    yield row, known[groups[row]], kind
                    break
            if self.patients[row] in patients:
                yield row, patients[self.patients[row]], _SAME_PATIENT


def ask_patients(subject: Subject) -> Answer:
    """Count the test images that have their patient, or a copy, among those learned from."""
    groups = _patients_groups(subject)
    found = _found(subject, groups)
    test = subject.predictions.part("test").table.drop_duplicates("image")
    share = _share(test, set(found["image"]), subject)
    rating, reason = remembered(share)
    unknown = _patients_unknown(subject.table)
    contradicting = _contradicting(subject, groups)
    return Answer(
        rating=rating,
        claim=_patients_claim(share, found),
        meaning=_meaning(rating, len(contradicting), unknown=unknown > 0.5),
        reason=reason,
        measure="Share of test images known from training",
        figure=share,
        scale=Scale.SHARE,
        details={
            "counts": {
                str(kind): int(found.loc[found["kind"] == kind, "image"].nunique()) for kind in _ORDER
            },
            "patients_unknown": unknown,
            "pairs": found.to_dict("records"),
            "contradicting": contradicting,
        },
        pictures=_pictures(found),
    )


def _patients_groups(subject: Subject) -> _Groups:
    paths = [subject.images.root / name for name in subject.images.names]
    pairs = find_copies(paths, subject.features, progress=subject.progress).pairs
    kinds, copies = list(CopyKind), {}
    for place, kind in enumerate(kinds):
        linked = pairs[pairs["kind"].isin(kinds[: place + 1])]
        copies[kind] = _connected(linked, len(paths))
    rows = zip(pairs["image"].tolist(), pairs["other"].tolist(), strict=True)
    return _Groups(
        copies, pd.factorize(subject.patients)[0], dict(zip(rows, pairs["similarity"].tolist(), strict=True))
    )


def _connected(pairs: pd.DataFrame, n: int) -> NDArray[np.intp]:
    """Number the groups that pairs make: a copy of a copy is a copy."""
    ends = pairs["image"].to_numpy(), pairs["other"].to_numpy()
    graph = coo_array((np.ones(len(pairs)), ends), shape=(n, n))
    numbers: NDArray[np.intp] = connected_components(graph, directed=False)[1]
    return numbers


def _found(subject: Subject, groups: _Groups) -> pd.DataFrame:
    """One row a test image, fold and kind: ``image, other, kind, similarity``."""
    rows = {name: row for row, name in enumerate(subject.table["image"].tolist())}
    found = []
    for _, fold in subject.predictions.table.groupby("fold"):
        places = fold["image"].map(rows).to_numpy()
        tested = (fold["split"] == "test").to_numpy()
        found += list(groups.partners(places[tested], np.unique(places[~tested])))
    names = subject.table["image"].tolist()
    records = [
        (names[row], names[other], str(kind), _similarity(groups, row, other, kind))
        for row, other, kind in found
    ]
    return pd.DataFrame(records, columns=["image", "other", "kind", "similarity"]).drop_duplicates()


def _similarity(groups: _Groups, row: int, other: int, kind: str) -> float:
    """Of a pair; NaN for films of one patient, and for a copy of a copy that was not itself compared."""
    exact = 1.0 if kind in (CopyKind.SAME_FILE, CopyKind.SAME_PIXELS) else float("nan")
    first, second = sorted((row, other))
    return exact if kind != CopyKind.NEAR_COPY else groups.similarity.get((first, second), exact)


def _share(test: pd.DataFrame, known: set[str], subject: Subject) -> Estimate:
    """Share of the test images, with Wilson's interval; by resampled patients where these have several."""
    hit, patients = test["image"].isin(known).to_numpy(float), test["patient"].to_numpy()
    n, count = len(hit), float(hit.sum())
    interval = wilson(count, n)
    if 0 < count < n and len(set(patients)) < _MOSTLY_SINGLE * n:
        low, high = bootstrap(
            lambda weights: weights @ hit / weights.sum(axis=1), patients, subject.rng("patients")
        )
        interval = float(low), float(high)
    return Estimate.around(count / n, interval, n)


def _patients_unknown(table: pd.DataFrame) -> float:
    """Share of the images whose patient's key is the file's own name, for want of a better one."""
    pairs = zip(table["image"].tolist(), table["patient"].tolist(), strict=True)
    return float(np.mean([_is_own(*pair) for pair in pairs]))


def _is_own(image: str, patient: str) -> bool:
    key, path = patient.partition(":")[2] or patient, PurePosixPath(image)
    return (
        key in {path.name, path.stem}
        or image.endswith(f"/{key}")
        or key in {image, str(path.with_suffix(""))}
    )


def _contradicting(subject: Subject, groups: _Groups) -> list[dict[str, object]]:
    """Groups of copies that have several labels."""
    table = subject.table[["image", "label"]].assign(group=groups.copies[CopyKind.NEAR_COPY])
    several = table[table.groupby("group")["label"].transform("nunique") > 1]
    return [
        {"images": one["image"].tolist(), "labels": one["label"].tolist()}
        for _, one in several.groupby("group")
    ]


def _patients_claim(share: Estimate, found: pd.DataFrame) -> str:
    known = found["image"].nunique()
    if not known:
        return f"Of {share.n} test images none was found to be a copy, or of a patient, known from training."
    of_patient = found["kind"] == _SAME_PATIENT
    patients, copies = (found.loc[rows, "image"].nunique() for rows in (of_patient, ~of_patient))
    told = [f"{patients} by their patient"] * bool(patients) + [f"{copies} by a copy"] * bool(copies)
    return f"{known} of {share.n} test images ({share.value:.0%}) are known from training: {', '.join(told)}."


def _meaning(rating: Rating, contradicting: int, *, unknown: bool) -> str:
    sentences = [
        "The classifier may recognise a patient or an image instead of the disease; the result is too good."
        if rating is not Rating.SOUND
        else "The result does not come from recognising patients or images, as far as these are known."
    ]
    if unknown:
        sentences.append("The data do not say who the patients are, so only copies of images could be found.")
    if contradicting:
        images = "image has" if contradicting == 1 else "images have"
        sentences.append(f"{contradicting} copied {images} different labels, of which one must be wrong.")
    return " ".join(sentences)


def _pictures(found: pd.DataFrame) -> tuple[Examples, ...]:
    shown = _to_show(found)
    rows = tuple(
        (
            Example(str(row.image), f"test: {row.image}"),
            Example(str(row.other), f"{row.kind}, learned from: {row.other}"),
        )
        for row in shown.itertuples()
    )
    return (Examples("Test images known from training", rows),) if rows else ()


def _to_show(found: pd.DataFrame) -> pd.DataFrame:
    """Pairs to look at, near copies first; a patient's where there is one."""
    order = found["kind"].map({str(kind): place for place, kind in enumerate(_ORDER)})
    once = found.iloc[np.argsort(order.to_numpy(), kind="stable")].drop_duplicates("image")
    patients = once[once["kind"] == _SAME_PATIENT].head(1)
    copies = once[once["kind"] != _SAME_PATIENT].head(_SHOWN - len(patients))
    others = once[once["kind"] == _SAME_PATIENT].head(_SHOWN - len(copies))
    return pd.concat([copies, others])


PATIENTS = Probe(
    name="patients",
    title="Patients across the split",
    question="Do patients, or copies of an image, stand on both sides of the split?",
    source="Roberts et al. 2021, doi:10.1038/s42256-021-00307-0",
    ask=ask_patients,
)


PERMUTATIONS = 20
_PERMUTED_MEANINGS = {
    Rating.SOUND: "The way in which the images are split, fitted and tested gives nothing away by itself.",
    Rating.DOUBTFUL: "Part of the result may come from images of one patient on both sides of the split.",
    Rating.BROKEN: "The procedure recognises patients or copies that it has seen in training,"
    " and would score with any labels.",
}


def ask_permuted(subject: Subject) -> Answer:
    """See `PROBE`."""
    rng = subject.rng("permuted")
    groups = _permuted_groups(subject.patients[subject.rows], subject.features[subject.rows])
    trials = [_trial(subject, groups, rng) for _ in range(PERMUTATIONS)]
    scores = repeat(subject, trials, "Shuffled labels")
    known = scores.auc[~np.isnan(scores.auc)]
    figure = _mean(known)
    rating, reason = rules.leaking(figure)
    if rating is Rating.CANNOT_TELL:
        return cannot_tell(reason, "Whether the procedure has a leak of its own stays open.")
    return Answer(
        rating=rating,
        claim=f"Trained and tested on shuffled labels, which mean nothing, it reaches AUC {figure.value:.2f}"
        " on average (0.5 is guessing).",
        meaning=_PERMUTED_MEANINGS[rating],
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
        pictures=(_permuted_picture(subject, known),),
    )


def _permuted_groups(patients: NDArray[np.object_], features: NDArray[np.float32]) -> NDArray[np.intp]:
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


def _permuted_picture(subject: Subject, aucs: NDArray[np.float64]) -> Distribution:
    run = evaluate(subject.predictions.part("test"), subject.rng("permuted"), resamples=2)["roc_auc"].value
    return Distribution(
        f"AUC of {len(aucs)} experiments with shuffled labels",
        "AUC on the test images",
        {"shuffled labels": tuple(aucs.tolist())},
        {"guessing": 0.5, "this run": run},
        Scale.AREA,
    )


SHUFFLED_LABELS = Probe(
    name="permuted",
    title="Shuffled labels",
    question="Does the procedure still score when the labels are shuffled?",
    source="Ojala and Garriga, Permutation Tests for Studying Classifier Performance, JMLR 11 (2010)",
    ask=ask_permuted,
)


SPLITS = 100
_RANGE = (2.5, 97.5)
_SPLITS_MEANINGS = {
    Rating.SOUND: "The reported accuracy does not rest on a lucky split.",
    Rating.DOUBTFUL: "Another split, or patients kept apart, would have given a lower figure.",
    Rating.BROKEN: "The reported accuracy rests on patients whom the classifier has seen in training.",
}


def ask_splits(subject: Subject) -> Answer:
    """See `PROBE`."""
    rule = _single(subject)
    own = _splits(subject, rule, "Other splits")
    apart = own
    if rule.by is not SplitBy.PATIENT:
        apart = _splits(subject, rule.model_copy(update={"by": SplitBy.PATIENT}), "Patients apart")
    reported = _reported(subject)
    cost = _difference(own.accuracy, apart.accuracy)
    rating, reason = rules.lucky(reported, own.accuracy, apart.accuracy, cost)
    low, high = np.percentile(own.accuracy, _RANGE)
    return Answer(
        rating=rating,
        claim=_splits_claim(reported, own, cost),
        meaning=_SPLITS_MEANINGS[rating],
        reason=reason,
        measure=f"Mean accuracy of {len(own)} random splits, and the range that holds 95 % of them",
        figure=Estimate.around(float(own.accuracy.mean()), (float(low), float(high)), len(own)),
        scale=Scale.SHARE,
        details=_details(subject, rule, own, apart, cost),
        pictures=(_splits_picture(subject, own, apart),),
    )


def _single(subject: Subject) -> SplitSettings:
    """The recipe's own rule, with one test part of the share that it tests at a time."""
    rule = subject.recipe.split
    if rule.folds is None and rule.by in {SplitBy.IMAGE, SplitBy.PATIENT}:
        return rule
    tested = subject.predictions.part("test").table
    share = len(tested) / tested["fold"].nunique() / len(subject.table)
    by = rule.by if rule.folds is not None else SplitBy.PATIENT
    return rule.model_copy(update={"by": by, "folds": None, "test": float(np.clip(share, 0.05, 0.5))})


def _splits(subject: Subject, rule: SplitSettings, what: str) -> Scores:
    seeds = subject.rng("splits").integers(2**31, size=SPLITS).tolist()
    labels = subject.labels[subject.rows]
    trials = [Trial(rule.model_copy(update={"seed": seed}), labels, seed) for seed in seeds]
    return repeat(subject, trials, what)


def _reported(subject: Subject) -> float:
    """Accuracy of the run; NaN if only a sample of its images is split anew, which is another task."""
    if len(subject.rows) < len(subject.table):
        return float("nan")
    test = subject.predictions.part("test")
    return float(np.mean(test.labels == test.predicted))


def _difference(own: NDArray[np.float64], apart: NDArray[np.float64]) -> Estimate:
    """What keeping patients apart costs, with a normal interval over the splits."""
    value = float(own.mean() - apart.mean())
    if own is apart:
        return Estimate(value, value, value, len(own))
    half = float(ndtri(0.975) * np.sqrt(own.var(ddof=1) / len(own) + apart.var(ddof=1) / len(apart)))
    return Estimate(value, value - half, value + half, len(own))


def _at_or_below(value: float, scores: NDArray[np.float64]) -> float:
    return float("nan") if np.isnan(value) else float(np.mean(scores <= value + rules.SAME))


def _splits_claim(reported: float, own: Scores, cost: Estimate) -> str:
    low, high = np.percentile(own.accuracy, _RANGE)
    text = (
        f"Over {len(own)} random splits the accuracy is {own.accuracy.mean():.1%} on average,"
        f" and 95 % of them lie between {low:.1%} and {high:.1%}"
    )
    if not np.isnan(reported):
        reach = np.mean(own.accuracy >= reported - rules.SAME)
        text += f"; {reach:.0%} reach the reported {reported:.1%}"
    if cost.low > 0:
        text += f". With patients kept apart it is {cost.value * 100:.1f} points lower"
    return text + "."


def _details(
    subject: Subject, rule: SplitSettings, own: Scores, apart: Scores, cost: Estimate
) -> dict[str, Any]:
    reported = _reported(subject)
    return {
        "split_by": str(rule.by),
        "test_share": rule.test,
        "images": len(subject.rows),
        "splits": _summary(own),
        "patients_apart": _summary(apart),
        "patients_apart_cost": {"value": cost.value, "low": cost.low, "high": cost.high},
        "reported_accuracy": reported,
        "reported_percentile": _at_or_below(reported, own.accuracy),
        "published": [
            {
                "accuracy": one.value,
                "n": one.n,
                "backbone": one.backbone,
                "percentile": _at_or_below(one.value, own.accuracy),
            }
            for one in subject.recipe.published
            if one.metric == "accuracy"
        ],
    }


def _summary(scores: Scores) -> dict[str, Any]:
    return {
        "n": len(scores),
        "failed": scores.failed,
        "accuracy": _spread(scores.accuracy),
        "auc": _spread(scores.auc),
    }


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.percentile(values, _RANGE)
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def _splits_picture(subject: Subject, own: Scores, apart: Scores) -> Distribution:
    values = {"random splits": tuple(own.accuracy.tolist())}
    if apart is not own:
        values["patients apart"] = tuple(apart.accuracy.tolist())
    reported = _reported(subject)
    marks = {} if np.isnan(reported) else {"this run": reported}
    for one in subject.recipe.published:
        if one.metric == "accuracy":
            marks[f"published, {one.backbone}" if one.backbone else "published"] = one.value
    return Distribution(
        f"Accuracy over {len(own)} random splits", "accuracy on the test images", values, marks
    )


RANDOM_SPLITS = Probe(
    name="splits",
    title="One lucky split",
    question="Was the reported split a lucky one?",
    source="Bouckaert and Frank, Evaluating the Replicability of Significance Tests (PAKDD 2004);"
    " patients apart: Saeb et al., GigaScience 6 (2017)",
    ask=ask_splits,
)
