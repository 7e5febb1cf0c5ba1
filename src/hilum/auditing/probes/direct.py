"""Probes that run the audited classifier itself, without retraining, on changed images."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hilum.auditing.ablation import ABLATIONS, Pixels, swap_regions
from hilum.auditing.comparison import CHANCE, BaselineComparison, compare_predictions
from hilum.auditing.probe import Answer, Bar, Bars, Example, Examples, Probe, Rating, Scale, cannot_tell
from hilum.auditing.rules import MIN_IMAGES, explained, followed
from hilum.auditing.subject import Subject
from hilum.classifier.classifier import predicted_classes
from hilum.metrics import Estimate, newcombe, wilson
from hilum.radiograph import Fit, Header, Preprocessing, Radiograph

__all__ = ["DIRECT_ABLATION", "REGION_SWAP"]

_MAX_IMAGES = 100  # of each class
_MAX_PAIRS = 100
_SHOWN = 4
_SIDE = 224  # of swapped images where the classifier states no side


def _sampled_test_rows(subject: Subject, rng: np.random.Generator) -> NDArray[np.intp]:
    """Choose rows of the table that are test images, a limited number of each class."""
    tested = subject.table["image"].isin(subject.predictions.part("test").images).to_numpy()
    rows = [
        rng.permutation(np.flatnonzero(tested & (subject.labels == code)))[:_MAX_IMAGES]
        for code in range(len(subject.classes))
    ]
    return np.sort(np.concatenate(rows))


# Ablation -------------------------------------------------------------------------------------------------


_NOT_NEEDED = "The labels are separated without the lungs, so the result does not show that they are used."
_NEEDED = (
    "The predictions depend on the lung region. A black region is also unlike any training image, which can"
    " lower the AUC by itself."
)


def _ask_direct_ablation(subject: Subject) -> Answer:
    classifier = subject.runnable()
    rows = _sampled_test_rows(subject, subject.rng("direct ablation"))
    images = list(subject.images.radiographs(rows, classifier.side))
    predicted = {
        name: subject.predicted(classifier.predict(_ablated(images, name)), rows)
        for name in ("", "lungs_removed", "border_removed")
    }
    lungs, border = (
        compare_predictions(predicted[name], predicted[""], subject.rng(f"direct {name}"))
        for name in ("lungs_removed", "border_removed")
    )
    rating, reason = explained(lungs)
    if rating is Rating.CANNOT_TELL:
        return cannot_tell(reason, "The comparison needs a classifier that works, and more test images.")
    return Answer(
        rating=rating,
        claim=f"The classifier itself reaches AUC {lungs.whole.value:.3f} on test images;"
        f" {lungs.part.value:.3f} after the lung region is blacked out, and {border.part.value:.3f} after the"
        " border is.",
        meaning=_NOT_NEEDED if rating is not Rating.SOUND else _NEEDED,
        reason=reason,
        measure="AUC of the classifier, lung region removed",
        figure=lungs.part,
        details={"lungs_removed": asdict(lungs), "border_removed": asdict(border)},
        pictures=(_ablation_bars(lungs, border),),
    )


def _ablated(images: Iterable[Radiograph], name: str) -> Iterable[Radiograph]:
    for image in images:
        yield Radiograph(ABLATIONS[name].apply(image.pixels), image.header, image.extent) if name else image


def _ablation_bars(lungs: BaselineComparison, border: BaselineComparison) -> Bars:
    bars = (
        Bar.of("whole image", lungs.whole),
        Bar.of("lung region removed", lungs.part),
        Bar.of("border removed", border.part),
    )
    return Bars("The classifier itself, without retraining", "AUC", bars, reference=CHANCE)


DIRECT_ABLATION = Probe(
    name="direct_ablation",
    title="Classifier without lungs",
    question="Does the classifier itself still separate the labels when the lungs are blacked out?",
    source="after Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53 (occlusion)",
    ask=_ask_direct_ablation,
    priority=3,
    core=True,
)


# Region swap ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Correct:
    """Test images that the classifier classifies correctly, stretched to a square.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Of the subject's table.
    labels : ndarray of int, shape (n,)
    patients : ndarray of str, shape (n,)
    images : ndarray of float32, shape (n, side, side)
    """

    rows: NDArray[np.intp]
    labels: NDArray[np.int64]
    patients: NDArray[np.object_]
    images: Pixels

    @classmethod
    def of(cls, subject: Subject, rng: np.random.Generator) -> _Correct:
        rows = _sampled_test_rows(subject, rng)
        side = subject.runnable().side or _SIDE
        stretch = Preprocessing(side, Fit.STRETCH)
        radiographs = subject.images.radiographs(rows, side)
        images = np.stack([stretch.apply(one.pixels, one.extent) for one in radiographs])
        correct = _predicted(subject, images) == subject.labels[rows]
        rows = rows[correct]
        return cls(rows, subject.labels[rows], subject.patients[rows], images[correct])


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs of positions in `_Correct`: whose lungs are put into whose surroundings."""

    lungs: NDArray[np.intp]
    surroundings: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.lungs)

    def predicted(self, subject: Subject, correct: _Correct) -> NDArray[np.int64]:
        """Return the class that the classifier predicts for each swapped image."""
        pairs = zip(self.lungs, self.surroundings, strict=True)
        return _predicted(subject, (swap_regions(correct.images[a], correct.images[b]) for a, b in pairs))

    def patients(self, correct: _Correct) -> int:
        """Count the patients that gave lungs or surroundings, whichever are fewer."""
        return min(len(set(correct.patients[side])) for side in (self.lungs, self.surroundings))


def _predicted(subject: Subject, images: Iterable[Pixels]) -> NDArray[np.int64]:
    """Predict square images as the classifier would predict files."""
    classifier = subject.runnable()
    radiographs = (Radiograph(image.clip(0, 1).astype(np.float32), _header(image)) for image in images)
    tracked = subject.progress.track(radiographs, what="Classifying changed images")
    return predicted_classes(classifier.predict(tracked), classifier.threshold).astype(np.int64)


def _header(image: Pixels) -> Header:
    rows, columns = image.shape
    return Header(format="array", rows=rows, columns=columns, mode="L", bits=32, bytes=image.nbytes)


def _paired(correct: _Correct, classes: int, rng: np.random.Generator, *, crossed: bool) -> _Pairs:
    """Choose pairs of images of different patients, each image about equally often.

    `crossed` pairs have different labels, the others the same label.
    """
    combinations = [pair for pair in product(range(classes), repeat=2) if (pair[0] != pair[1]) == crossed]
    found = []
    for lungs, surroundings in combinations:
        inner, outer = (
            rng.permutation(np.flatnonzero(correct.labels == label)) for label in (lungs, surroundings)
        )
        found.append(_matched(inner, outer, correct.patients)[: max(1, _MAX_PAIRS // len(combinations))])
    both = np.concatenate(found)
    return _Pairs(both[:, 0], both[:, 1])


def _matched(
    lungs: NDArray[np.intp], surroundings: NDArray[np.intp], patients: NDArray[np.object_]
) -> NDArray[np.intp]:
    """Return all pairs of different patients, (n, 2), in an order that alternates both sides."""
    number = np.arange(len(lungs) * len(surroundings))
    if not len(number):
        return np.empty((0, 2), np.intp)
    rounds = number // math.lcm(len(lungs), len(surroundings))  # each round pairs an image with others
    both = np.stack([lungs[number % len(lungs)], surroundings[(number + rounds) % len(surroundings)]], axis=1)
    different: NDArray[np.bool_] = patients[both[:, 0]] != patients[both[:, 1]]
    return both[different]


_MEANINGS = {
    Rating.SOUND: "No evidence was found that the classifier follows the surroundings of the lungs. Exposure,"
    " sharpness and age are visible in the lung region too; this probe does not test for them.",
    Rating.DOUBTFUL: "The surroundings of the lungs influence the classifier more than the seam does.",
    Rating.BROKEN: "The classifier follows the surroundings of the lungs: for the lungs of one patient in the"
    " surroundings of another, it mostly predicts the label of the surroundings.",
    Rating.CANNOT_TELL: "Inconclusive: more correctly classified test images are needed.",
}


def _ask_region_swap(subject: Subject) -> Answer:
    rng = subject.rng("swap")
    correct = _Correct.of(subject, rng)
    classes = len(subject.classes)
    rarest = int(np.bincount(correct.labels, minlength=classes).min())
    crossed, within = (_paired(correct, classes, rng, crossed=crossed) for crossed in (True, False))
    if rarest < MIN_IMAGES or not len(crossed) or not len(within):
        return cannot_tell(
            f"{rarest} test images of the rarest label are classified correctly, and {MIN_IMAGES} are needed",
            _MEANINGS[Rating.CANNOT_TELL],
        )
    predicted = crossed.predicted(subject, correct)
    surroundings = _share(predicted == correct.labels[crossed.surroundings], crossed.patients(correct))
    lungs = _share(predicted == correct.labels[crossed.lungs], crossed.patients(correct))
    changed = within.predicted(subject, correct) != correct.labels[within.surroundings]
    flipped = _share(changed, within.patients(correct))
    more = newcombe(surroundings, flipped)
    rating, reason = followed(surroundings, flipped, more)
    return Answer(
        rating=rating,
        claim=f"With the lung region of one image in the surroundings of an image of another label, the"
        f" classifier predicts the label of the lungs in {lungs.value:.0%} and that of the surroundings in"
        f" {surroundings.value:.0%}; with both of the same label it changes its prediction in"
        f" {flipped.value:.0%}.",
        meaning=_MEANINGS[rating],
        reason=reason,
        measure="Share of swapped images with the prediction of their surroundings",
        figure=surroundings,
        scale=Scale.SHARE,
        details={
            "follow_surroundings": surroundings.value,
            "follow_lungs": lungs.value,
            "other": float(1 - surroundings.value - lungs.value),
            "kept_within": 1 - flipped.value,
            "n_within": flipped.n,
            "more_than_within": more.value,
            "more_than_within_low": more.low,
            "patients": crossed.patients(correct),
        },
        pictures=(
            _swap_bars(surroundings, lungs, flipped),
            _swap_examples(subject, correct, crossed, predicted),
        ),
    )


def _share(hits: NDArray[np.bool_], patients: int) -> Estimate:
    """Return a share of pairs, with Wilson's interval for as many trials as there are patients.

    A patient is in several pairs. Their correlation is unknown, so the interval assumes the largest.
    """
    share = float(hits.mean())
    trials = min(patients, len(hits))
    return Estimate.around(share, wilson(share * trials, trials), len(hits))


def _swap_bars(surroundings: Estimate, lungs: Estimate, flipped: Estimate) -> Bars:
    bars = (
        Bar.of("prediction of the surroundings", surroundings),
        Bar.of("prediction of the lungs", lungs),
        Bar.of("prediction changed, same label", flipped),
    )
    return Bars("Lungs of one image in the surroundings of another", "share", bars, scale=Scale.SHARE)


def _swap_examples(
    subject: Subject, correct: _Correct, crossed: _Pairs, predicted: NDArray[np.int64]
) -> Examples:
    names, images = subject.classes, subject.table["image"].to_numpy(object)[correct.rows]
    chosen = subject.rng("swap examples").choice(len(crossed), min(_SHOWN, len(crossed)), replace=False)
    rows = []
    for pair in chosen:
        lungs, around = crossed.lungs[pair], crossed.surroundings[pair]
        rows.append(
            (
                Example(images[lungs], f"lungs of: {names[correct.labels[lungs]]}"),
                Example(images[around], f"surroundings of: {names[correct.labels[around]]}"),
                Example(images[around], f"predicted: {names[predicted[pair]]}", lungs_of=images[lungs]),
            )
        )
    return Examples("Swapped images and their predictions", tuple(rows))


REGION_SWAP = Probe(
    name="region_swap",
    title="Regions swapped",
    question="When lungs and surroundings come from images of different labels, which does the classifier"
    " follow?",
    source="Background challenge: Xiao et al. 2021, arXiv:2006.09994",
    ask=_ask_region_swap,
    priority=2,
    core=True,
)
