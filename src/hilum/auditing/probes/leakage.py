"""Probes of the split: patients and duplicates in common, shuffled labels, random splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
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
from hilum.auditing.repetition import Scores, Trial, repeat, score
from hilum.auditing.rules import remembered
from hilum.auditing.subject import Subject
from hilum.cohort.duplicates import CopyKind, copies_among
from hilum.metrics import Estimate, bootstrap, evaluate, wilson
from hilum.recipe.settings import SplitBy, SplitSettings

__all__ = ["PATIENTS", "PERMUTATIONS", "RANDOM_SPLITS", "SHUFFLED_LABELS", "SPLITS"]


_SAME_PATIENT = "same patient"
_SHOWN = 6
_ORDER = (CopyKind.NEAR_COPY, CopyKind.SAME_PIXELS, CopyKind.SAME_FILE, _SAME_PATIENT)
_MOSTLY_SINGLE = 0.8  # patients per image above which Wilson's interval is used


@dataclass(frozen=True, eq=False)
class _Groups:
    """Groups of images that belong together; for each kind the group number of every row of the table."""

    copies: dict[CopyKind, NDArray[np.intp]]
    patients: NDArray[np.intp]
    similarity: dict[tuple[int, int], float]

    def partners(self, tested: NDArray[np.intp], trained: NDArray[np.intp]) -> Iterator[tuple[int, int, str]]:
        """Yield test rows that have a duplicate, or an image of their patient, among the training rows."""
        kinds = [{int(groups[row]): int(row) for row in reversed(trained)} for groups in self.copies.values()]
        patients = {int(self.patients[row]): int(row) for row in reversed(trained)}
        for row in tested.tolist():
            for (kind, groups), known in zip(self.copies.items(), kinds, strict=True):
                if groups[row] in known:
                    yield row, known[groups[row]], kind
                    break
            if self.patients[row] in patients:
                yield row, patients[self.patients[row]], _SAME_PATIENT


def _ask_patients(subject: Subject) -> Answer:
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
    fingerprints = subject.images.fingerprints()
    pairs = copies_among(fingerprints, subject.features, progress=subject.progress).pairs
    kinds, copies = list(CopyKind), {}
    for place, kind in enumerate(kinds):
        linked = pairs[pairs["kind"].isin(kinds[: place + 1])]
        copies[kind] = _connected(linked, len(subject.table))
    rows = zip(pairs["image"].tolist(), pairs["other"].tolist(), strict=True)
    return _Groups(
        copies, pd.factorize(subject.patients)[0], dict(zip(rows, pairs["similarity"].tolist(), strict=True))
    )


def _connected(pairs: pd.DataFrame, n: int) -> NDArray[np.intp]:
    """Number the connected groups of duplicate pairs."""
    ends = pairs["image"].to_numpy(), pairs["other"].to_numpy()
    graph = coo_array((np.ones(len(pairs)), ends), shape=(n, n))
    numbers: NDArray[np.intp] = connected_components(graph, directed=False)[1]
    return numbers


def _found(subject: Subject, groups: _Groups) -> pd.DataFrame:
    """One row for each test image, fold and kind: ``image, other, kind, similarity``."""
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
    """Similarity of a pair; NaN for images of one patient and for pairs that were not compared directly."""
    exact = 1.0 if kind in (CopyKind.SAME_FILE, CopyKind.SAME_PIXELS) else float("nan")
    first, second = sorted((row, other))
    return exact if kind != CopyKind.NEAR_COPY else groups.similarity.get((first, second), exact)


def _share(test: pd.DataFrame, known: set[str], subject: Subject) -> Estimate:
    """Share of the test images; Wilson's interval, or by resampled patients if they have several images."""
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
    """Share of the images whose patient is unknown, so that the file name stands for it."""
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
    """Groups of duplicates with different labels."""
    table = subject.table[["image", "label"]].assign(group=groups.copies[CopyKind.NEAR_COPY])
    several = table[table.groupby("group")["label"].transform("nunique") > 1]
    return [
        {"images": one["image"].tolist(), "labels": one["label"].tolist()}
        for _, one in several.groupby("group")
    ]


def _patients_claim(share: Estimate, found: pd.DataFrame) -> str:
    known = found["image"].nunique()
    if not known:
        return f"None of {share.n} test images has a duplicate or its patient among the training images."
    of_patient = found["kind"] == _SAME_PATIENT
    patients, copies = (found.loc[rows, "image"].nunique() for rows in (of_patient, ~of_patient))
    parts = [f"{patients} by patient"] * bool(patients) + [f"{copies} by a duplicate"] * bool(copies)
    return (
        f"{known} of {share.n} test images ({share.value:.0%}) are known from training: {', '.join(parts)}."
    )


def _meaning(rating: Rating, contradicting: int, *, unknown: bool) -> str:
    sentences = [
        "The classifier may recognise a patient or an image instead of the disease, so the result is"
        " optimistic."
        if rating is not Rating.SOUND
        else "The result does not depend on recognising patients or images, as far as these are known."
    ]
    if unknown:
        sentences.append("The data do not name the patients, so only duplicates could be found.")
    if contradicting:
        groups = "group" if contradicting == 1 else "groups"
        sentences.append(
            f"{contradicting} {groups} of duplicates with different labels: at least one is wrong."
        )
    return " ".join(sentences)


def _pictures(found: pd.DataFrame) -> tuple[Examples, ...]:
    shown = _to_show(found)
    rows = tuple(
        (
            Example(str(row.image), f"test: {row.image}"),
            Example(str(row.other), f"{row.kind}, training: {row.other}"),
        )
        for row in shown.itertuples()
    )
    return (Examples("Test images known from training", rows),) if rows else ()


def _to_show(found: pd.DataFrame) -> pd.DataFrame:
    """Pairs to show, near duplicates first; one pair of the same patient if there is any."""
    order = found["kind"].map({str(kind): place for place, kind in enumerate(_ORDER)})
    once = found.iloc[np.argsort(order.to_numpy(), kind="stable")].drop_duplicates("image")
    patients = once[once["kind"] == _SAME_PATIENT].head(1)
    copies = once[once["kind"] != _SAME_PATIENT].head(_SHOWN - len(patients))
    others = once[once["kind"] == _SAME_PATIENT].head(_SHOWN - len(copies))
    return pd.concat([copies, others])


PATIENTS = Probe(
    name="patients",
    title="Patients across the split",
    question="Are patients, or duplicates of an image, in both the training and the test images?",
    source="Roberts et al. 2021, doi:10.1038/s42256-021-00307-0",
    ask=_ask_patients,
    priority=8,
)


PERMUTATIONS = 20
_PERMUTED_MEANINGS = {
    Rating.SOUND: "The split and the fit give no advantage by themselves.",
    Rating.DOUBTFUL: "Part of the result may come from patients in both the training and the test images.",
    Rating.BROKEN: "A model recognises patients or duplicates from training, and scores with any labels.",
}


def _ask_permuted(subject: Subject) -> Answer:
    rule = subject.splitting
    rng = subject.rng("permuted")
    groups = _permuted_groups(subject.patients[subject.rows], subject.features[subject.rows])
    trials = [_trial(subject, rule, groups, rng) for _ in range(PERMUTATIONS)]
    scores = repeat(subject, trials, "Shuffled labels")
    known = scores.auc[~np.isnan(scores.auc)]
    figure = _mean(known)
    rating, reason = rules.leaking(figure)
    if rating is Rating.CANNOT_TELL:
        return cannot_tell(reason, "Inconclusive: leakage of the procedure itself could not be tested.")
    return Answer(
        rating=rating,
        claim=f"Trained and tested on shuffled labels, the probe model reaches AUC {figure.value:.2f} on"
        " average"
        " (chance is 0.5).",
        meaning=_PERMUTED_MEANINGS[rating],
        reason=reason,
        measure=f"Mean AUC over {len(known)} permutations of the labels",
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
    """Number the groups of rows that get one label: those of a patient, and those with identical features.

    Otherwise a duplicate under another name could get another label, which would hide leakage.
    """
    _, patient = np.unique(patients, return_inverse=True)
    _, content = np.unique(features, axis=0, return_inverse=True)
    ends = patient, content + patient.max() + 1
    size = int(ends[1].max()) + 1
    graph = coo_array((np.ones(len(patient), bool), ends), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    return np.unique(group[patient], return_inverse=True)[1]


def _trial(
    subject: Subject, rule: SplitSettings, groups: NDArray[np.intp], rng: np.random.Generator
) -> Trial:
    seed = int(rng.integers(2**31))
    labels = _permuted(subject.labels[subject.rows], groups, rng)
    return Trial(rule.model_copy(update={"seed": seed}), labels)


def _permuted(
    labels: NDArray[np.int64], groups: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Give each group one random label; every label keeps its number of rows up to the size of one group."""
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    centres = np.cumsum(sizes[order]) - sizes[order] / 2
    of_group = np.empty(len(sizes), np.int64)
    of_group[order] = np.searchsorted(np.cumsum(np.bincount(labels)), centres, side="right")
    return of_group[groups]


def _mean(values: NDArray[np.float64]) -> Estimate:
    """Mean with Student's 95 % interval."""
    mean = float(values.mean()) if len(values) else float("nan")
    if len(values) < 2:
        return Estimate(mean, float("nan"), float("nan"), len(values))
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, mean - half, mean + half, len(values))


def _permuted_picture(subject: Subject, aucs: NDArray[np.float64]) -> Distribution:
    run = evaluate(subject.predictions.part("test"), subject.rng("permuted"), resamples=2)["roc_auc"].value
    return Distribution(
        f"AUC over {len(aucs)} permutations of the labels",
        "AUC on the test images",
        {"shuffled labels": tuple(aucs.tolist())},
        {"chance": 0.5, "the classifier": run},
        Scale.AREA,
    )


SHUFFLED_LABELS = Probe(
    name="permuted",
    title="Shuffled labels",
    question="Does the procedure score above chance when the labels are shuffled?",
    source="Ojala and Garriga, Permutation Tests for Studying Classifier Performance, JMLR 11 (2010)",
    ask=_ask_permuted,
    priority=9,
)


SPLITS = 100
_RANGE = (2.5, 97.5)
_SPLITS_MEANINGS = {
    Rating.SOUND: "The given split is not an easy one.",
    Rating.DOUBTFUL: "Another split, or a split grouped by patient, gives a lower accuracy.",
    Rating.BROKEN: "The accuracy depends on patients that are in the training and the test images.",
}


def _ask_splits(subject: Subject) -> Answer:
    rule = subject.splitting
    random = _random_splits(subject, rule, "Random splits")
    grouped = random
    if rule.by is not SplitBy.PATIENT:
        grouped = _random_splits(subject, rule.model_copy(update={"by": SplitBy.PATIENT}), "Grouped splits")
    given = _given(subject)
    cost = _difference(random.accuracy, grouped.accuracy)
    rating, reason = rules.lucky(given, random.accuracy, grouped.accuracy, cost)
    low, high = np.percentile(random.accuracy, _RANGE)
    return Answer(
        rating=rating,
        claim=_splits_claim(given, random, cost),
        meaning=_SPLITS_MEANINGS[rating],
        reason=reason,
        measure=f"Mean accuracy of the probe model over {len(random)} random splits, and their central 95 %",
        figure=Estimate.around(float(random.accuracy.mean()), (float(low), float(high)), len(random)),
        scale=Scale.SHARE,
        details=_splits_details(subject, rule, random, grouped, cost)
        | {
            "given_accuracy": given,
            "given_percentile": _percentile(given, random.accuracy),
        },
        pictures=(_splits_picture(subject, given, random, grouped),),
    )


def _random_splits(subject: Subject, rule: SplitSettings, what: str) -> Scores:
    seeds = subject.rng("splits").integers(2**31, size=SPLITS).tolist()
    labels = subject.labels[subject.rows]
    return repeat(subject, [Trial(rule.model_copy(update={"seed": seed}), labels) for seed in seeds], what)


def _given(subject: Subject) -> float:
    """The probe model's accuracy on the given split; the mean over its folds."""
    position = {image: at for at, image in enumerate(subject.table["image"].iloc[subject.rows])}
    labels = subject.labels[subject.rows]
    accuracies = []
    for _, fold in subject.predictions.table.groupby("fold"):
        known = fold[fold["image"].isin(position.keys())]
        places, tested = known["image"].map(position).to_numpy(), (known["split"] == "test").to_numpy()
        accuracies.append(score(subject, np.unique(places[~tested]), places[tested], labels).accuracy)
    return float(np.mean(accuracies))


def _difference(random: NDArray[np.float64], grouped: NDArray[np.float64]) -> Estimate:
    """The cost of grouping by patient, with a normal interval over the splits."""
    value = float(random.mean() - grouped.mean())
    if random is grouped:
        return Estimate(value, value, value, len(random))
    variance = random.var(ddof=1) / len(random) + grouped.var(ddof=1) / len(grouped)
    half = float(ndtri(0.975) * np.sqrt(variance))
    return Estimate(value, value - half, value + half, len(random))


def _percentile(value: float, scores: NDArray[np.float64]) -> float:
    """Share of scores that are at most `value`."""
    return float(np.mean(scores <= value + rules.SAME))


def _splits_claim(given: float, random: Scores, cost: Estimate) -> str:
    low, high = np.percentile(random.accuracy, _RANGE)
    reach = np.mean(random.accuracy >= given - rules.SAME)
    text = (
        f"Over {len(random)} random splits the probe model's accuracy is {random.accuracy.mean():.1%} on"
        " average"
        f" (95 % of splits: {low:.1%} to {high:.1%}); on the given split it is {given:.1%}, which {reach:.0%}"
        " of"
        " the random splits reach"
    )
    if cost.low > 0:
        text += f". Grouped by patient it is {cost.value * 100:.1f} points lower"
    return text + "."


def _splits_details(
    subject: Subject, rule: SplitSettings, random: Scores, grouped: Scores, cost: Estimate
) -> dict[str, Any]:
    test = subject.predictions.part("test")
    return {
        "split_by": str(rule.by),
        "test_share": rule.test,
        "images": len(subject.rows),
        "splits": _summary(random),
        "grouped": _summary(grouped),
        "grouping_cost": asdict(cost),
        "reported_accuracy": float(np.mean(test.labels == test.predicted)),
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


def _splits_picture(subject: Subject, given: float, random: Scores, grouped: Scores) -> Distribution:
    values = {"random splits": tuple(random.accuracy.tolist())}
    if grouped is not random:
        values["grouped by patient"] = tuple(grouped.accuracy.tolist())
    test = subject.predictions.part("test")
    marks = {"given split": given, "the classifier": float(np.mean(test.labels == test.predicted))}
    for one in subject.published:
        if one.metric == "accuracy":
            marks[f"published, {one.backbone}" if one.backbone else "published"] = one.value
    title = f"Accuracy of the probe model over {len(random)} random splits"
    return Distribution(title, "accuracy on the test images", values, marks)


RANDOM_SPLITS = Probe(
    name="splits",
    title="Random splits",
    question="Is the given split easier than random splits?",
    source="Bouckaert and Frank, Evaluating the Replicability of Significance Tests (PAKDD 2004);"
    " grouping by patient: Saeb et al., GigaScience 6 (2017)",
    ask=_ask_splits,
    priority=11,
)
