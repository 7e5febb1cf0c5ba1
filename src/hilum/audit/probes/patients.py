"""Patients, and copies of images, on both sides of the split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hilum.audit.answer import Answer
from hilum.audit.picture import Example, Examples, Scale
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.rules import remembered
from hilum.audit.subject import Subject
from hilum.cohort.copies import CopyKind, find_copies
from hilum.evaluate import Estimate, bootstrap, wilson

__all__ = ["PROBE"]

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


def ask(subject: Subject) -> Answer:
    """Count the test images that have their patient, or a copy, among those learned from."""
    groups = _groups(subject)
    found = _found(subject, groups)
    test = subject.predictions.part("test").table.drop_duplicates("image")
    share = _share(test, set(found["image"]), subject)
    reading, reason = remembered(share)
    unknown = _patients_unknown(subject.table)
    contradicting = _contradicting(subject, groups)
    return Answer(
        reading=reading,
        claim=_claim(share, found),
        meaning=_meaning(reading, len(contradicting), unknown=unknown > 0.5),
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


def _groups(subject: Subject) -> _Groups:
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


def _claim(share: Estimate, found: pd.DataFrame) -> str:
    known = found["image"].nunique()
    if not known:
        return f"Of {share.n} test images none was found to be a copy, or of a patient, known from training."
    of_patient = found["kind"] == _SAME_PATIENT
    patients, copies = (found.loc[rows, "image"].nunique() for rows in (of_patient, ~of_patient))
    told = [f"{patients} by their patient"] * bool(patients) + [f"{copies} by a copy"] * bool(copies)
    return f"{known} of {share.n} test images ({share.value:.0%}) are known from training: {', '.join(told)}."


def _meaning(reading: Reading, contradicting: int, *, unknown: bool) -> str:
    sentences = [
        "The classifier may recognise a patient or an image instead of the disease; the result is too good."
        if reading is not Reading.SOUND
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


PROBE = Probe(
    name="patients",
    title="Patients across the split",
    question="Do patients, or copies of an image, stand on both sides of the split?",
    source="Roberts et al. 2021, doi:10.1038/s42256-021-00307-0",
    ask=ask,
)
