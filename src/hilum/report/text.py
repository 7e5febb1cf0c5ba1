"""What the report says in sentences: the design, what speaks against it, and the words it uses."""

from __future__ import annotations

import math

import pandas as pd

from hilum.auditing import Rating, Scale
from hilum.metrics import METRICS, Estimate
from hilum.recipe import Recipe
from hilum.recipe.settings import DenseHeadSettings, MapPooling, Normalisation, SplitBy, Validation
from hilum.report.content import Content

__all__ = [
    "MISSING",
    "THIN",
    "amount",
    "base_of",
    "count",
    "design",
    "duration",
    "estimate",
    "findings",
    "glossary",
    "independence",
    "interval",
    "plural",
    "scaled",
    "scaled_interval",
    "share",
    "summary_counts",
    "value",
]


MISSING = "–"
"""Stands where a figure is not defined."""

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
PROPORTIONS = frozenset({"accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv"})


def base_of(metric: str) -> str:
    """Name of a metric without the class that it is of.

    >>> base_of("roc_auc_covid_19"), base_of("accuracy")
    ('roc_auc', 'accuracy')
    """
    fitting = [name for name in METRICS if metric == name or metric.startswith(f"{name}_")]
    return max(fitting, key=len, default=metric)


def value(metric: str, number: float) -> str:
    """A metric's figure: a percentage with one decimal, or three decimals.

    >>> value("accuracy", 54 / 55), value("roc_auc", 1.0), value("loss", float("nan"))
    ('98.2\u202f%', '1.000', '–')
    """
    return scaled(_scale(metric), number)


def interval(metric: str, figure: Estimate) -> str:
    """Bounds of a figure's interval, the unit once.

    >>> interval("accuracy", Estimate(54 / 55, 0.90393, 0.99678, 55))
    '90.4–99.7\u202f%'
    """
    return scaled_interval(_scale(metric), figure)


def scaled(scale: Scale, number: float) -> str:
    """A figure of the audit, as its scale says.

    >>> scaled(Scale.SHARE, 0.8), scaled(Scale.AREA, -0.98765), scaled(Scale.NUMBER, 1204)
    ('80.0\u202f%', '−0.988', '1,204')
    """
    if not math.isfinite(number):
        return MISSING
    write = {Scale.SHARE: share, Scale.AREA: lambda area: _rounded(area, 3), Scale.NUMBER: amount}[scale]
    return write(number).replace("-", MINUS)


def scaled_interval(scale: Scale, figure: Estimate) -> str:
    """Bounds of its interval, the unit once.

    >>> scaled_interval(Scale.AREA, Estimate(-0.1, -0.2, 0.05, 55))
    '−0.200 to 0.050'
    """
    if not (math.isfinite(figure.low) and math.isfinite(figure.high)):
        return MISSING
    if scale is Scale.NUMBER:
        low, high, unit = amount(figure.low), amount(figure.high), ""
    else:
        factor, digits, unit = (100, 1, f"{THIN}%") if scale is Scale.SHARE else (1, 3, "")
        low, high = (_rounded(factor * bound, digits, full=factor) for bound in (figure.low, figure.high))
    if low == high and "<" in low:
        return f"{high}{unit}"
    between = "–" if figure.low >= 0 else " to "
    return f"{low}{between}{high}{unit}".replace("-", MINUS)


def estimate(metric: str, figure: Estimate) -> str:
    """A figure with its interval, on one line.

    >>> estimate("roc_auc", Estimate(0.99, 0.97, 1.0, 55))
    '0.990 (95\u202f% interval 0.970–1.000)'
    """
    bounds = interval(metric, figure)
    shown = value(metric, figure.value)
    return shown if bounds == MISSING else f"{shown} (95{THIN}% interval {bounds})"


def _scale(metric: str) -> Scale:
    return Scale.SHARE if base_of(metric) in PROPORTIONS else Scale.AREA


def _rounded(number: float, digits: int, full: float = 1.0) -> str:
    """Round, but let nothing become 0, or `full`, that is not.

    >>> _rounded(0.98765, 3), _rounded(2e-5, 3), _rounded(99.98, 1, full=100), _rounded(0.0, 3)
    ('0.988', '<0.001', '>99.9', '0.000')
    """
    text, step = f"{number:.{digits}f}", 10.0**-digits
    if number > 0 and float(text) == 0:
        return f"<{step:.{digits}f}"
    if number < full and float(text) == full:
        return f">{full - step:.{digits}f}"
    return text


def count(number: float) -> str:
    """A whole number, its thousands apart.

    >>> count(1124), count(55)
    ('1,124', '55')
    """
    return f"{int(number):,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> plural(1, "image"), plural(1200, "image"), plural(2, "class", "classes")
    ('1 image', '1,200 images', '2 classes')
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def share(number: float) -> str:
    """A share as a percentage with one decimal.

    >>> share(0.6), share(0.99999), share(float("nan"))
    ('60.0\u202f%', '>99.9\u202f%', '–')
    """
    return f"{_rounded(100 * number, 1, full=100)}{THIN}%" if math.isfinite(number) else MISSING


def amount(number: float) -> str:
    """A number large or small, in three significant digits or as a count.

    >>> amount(0.001), amount(14_714_688), amount(0.4999)
    ('0.001', '14,714,688', '0.5')
    """
    return count(number) if abs(number) >= 1000 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """A time span in the unit that suits it.

    >>> duration(0.034), duration(12.34), duration(3725)
    ('34\u202fms', '12.3\u202fs', '1\u202fh 2\u202fmin')
    """
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f}{THIN}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}{THIN}s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}{THIN}min"
    return f"{minutes // 60}{THIN}h {minutes % 60}{THIN}min"


_SPLITS = {
    SplitBy.IMAGE: "By image: images of one patient may stand on both sides.",
    SplitBy.PATIENT: "By patient: all images with one patient key stand on the same side.",
    SplitBy.SOURCE: "By source: each source is tested with a classifier that never saw it.",
    SplitBy.COLUMN: "As the cohort's own column says.",
}
_FITS = {"stretch": "Stretched", "crop": "Cropped", "pad": "Padded"}
_NORMALISATIONS = {
    Normalisation.NETWORK: "brightness normalised as the network's weights expect",
    Normalisation.UNIT: "brightness between 0 and 1, not normalised further",
}


def design(content: Content) -> dict[str, str]:
    """Each stage of the experiment and what was done there, in the order of the data's path."""
    recipe = content.recipe
    facts = {
        "Recipe": recipe.name,
        "Design from": recipe.source,
        "Classes": _classes(content),
        "Split": _split(recipe),
        "Preprocessing": _preprocessing(recipe),
        "Backbone": _backbone(content),
        "Weights": f"{content.backbone.weights}. Licence: {content.backbone.licence or 'not stated'}.",
        "Head": _head(recipe),
        "Threshold": _threshold(content),
        "Seed": f"{recipe.seed} (the split's own: {recipe.split.seed}). The same seed gives the same run.",
    }
    return {term: text for term, text in facts.items() if text}


def _classes(content: Content) -> str:
    names = ", ".join(content.classes)
    positive = content.predictions.positive
    return names if positive is None else f"{names}. Positive, what the classifier looks for: {positive}."


def _split(recipe: Recipe) -> str:
    split = recipe.split
    sentences = [_SPLITS[split.by]]
    if split.folds:
        sentences.append(f"{split.folds} folds: each image tests once, on a classifier trained without it.")
    elif split.by in (SplitBy.IMAGE, SplitBy.PATIENT):
        sentences.append(f"{share(split.test)} of the images test.")
    chosen = (
        "the last in shuffled order" if split.validation_rows is Validation.LAST else "drawn like the test"
    )
    sentences.append(f"{share(split.validation)} of the training images validate, {chosen}.")
    return " ".join(sentences)


def _preprocessing(recipe: Recipe) -> str:
    size = recipe.preprocessing.size
    square = f"a square of {size} × {size} pixels" if size else "the network's own input size"
    return f"{_FITS[recipe.preprocessing.fit]} to {square}; {_NORMALISATIONS[recipe.backbone.normalisation]}."


def _backbone(content: Content) -> str:
    facts, pooling = content.backbone, content.recipe.backbone.pooling
    pooled = (
        "the mean over the whole map"
        if isinstance(pooling, MapPooling)
        else f"means over windows of {pooling.size} × {pooling.size} cells"
    )
    numbers = f"{plural(facts.parameters, 'parameter')}, {plural(facts.features, 'feature')} an image"
    return f"{facts.name}, frozen: {numbers} ({pooled})."


def _head(recipe: Recipe) -> str:
    head = recipe.head
    if not isinstance(head, DenseHeadSettings):
        return (
            "Logistic regression on standardised features; its regularisation is chosen by log loss"
            f" on {head.folds} folds of the training images."
        )
    plateau = " It falls when the validation loss stands still." if head.plateau else ""
    end = (
        f", or fewer once the training loss is {amount(head.early_stop_loss)}" if head.early_stop_loss else ""
    )
    return (
        f"Dense layer of {plural(head.units, 'unit')}, ReLU, dropout {amount(head.dropout)}, dense output;"
        f" {plural(head.epochs, 'epoch')} of Adam{end}, {head.batch} images a step,"
        f" learning rate {amount(head.learning_rate)}.{plateau}"
    )


def _threshold(content: Content) -> str:
    if content.threshold is None:
        return "Not used: the most probable class is predicted."
    choice = f": {content.threshold_choice}" if content.threshold_choice else ""
    return f"{content.classes[-1]} is predicted from a probability of {share(content.threshold)} on{choice}."


def findings(content: Content) -> list[str]:
    """What these very data say against the result, in sentences; empty if nothing."""
    found = []
    if content.splits_share_patients:
        patients = plural(content.splits_share_patients, "patient has", "patients have")
        found.append(
            f"{patients} images on both sides of the split. The classifier may know the patient"
            " instead of the disease, so the result is too good."
        )
    if content.cohort["patient"].is_unique:
        found.append(
            "Every image counts as a patient of its own. If the data do not tell patients apart, images of"
            " one patient may stand on both sides of the split unseen."
        )
    apart = _labels_apart(content.cohort)
    if apart:
        names = "Each label" if len(apart) == content.cohort["label"].nunique() else " and ".join(apart)
        found.append(
            f"{names} comes from sources that hold no other label. Whoever can tell the sources apart, by"
            " the camera, the image size or the age of the patients, can tell this without seeing a lung."
        )
    if _sources_shared(content) and not _tried_elsewhere(content):
        found.append(
            "Test images come from the same sources as the training images. What the classifier does"
            " on images of another hospital was not measured here."
        )
    return found


def _labels_apart(cohort: pd.DataFrame) -> list[str]:
    """Labels that share no source with another."""
    labels = cohort.groupby("source")["label"].transform("nunique")
    mixed = set(cohort.loc[labels > 1, "label"].unique())
    names = list(cohort["label"].unique())
    return [name for name in names if name not in mixed] if len(names) > 1 else []


def _sources_shared(content: Content) -> bool:
    if content.recipe.split.by is SplitBy.SOURCE:
        return False
    sources = [set(content.predictions.part(part).table["source"].unique()) for part in ("train", "test")]
    return bool(sources[0] & sources[1])


def _tried_elsewhere(content: Content) -> bool:
    """Whether the audit had another hospital's images."""
    elsewhere = None if content.audit is None else content.audit.answers.get("external")
    return elsewhere is not None and elsewhere.rating is not Rating.CANNOT_TELL


def independence(content: Content) -> str:
    """What the intervals take for granted, and how far the test images keep to it."""
    sentence = "The intervals of shares (Wilson) treat images as independent"
    patients = content.predictions.part("test").table.groupby("patient")["image"].nunique()
    mean = patients.mean()
    if not mean > 1:
        return f"{sentence}, as they are here: no patient has several test images."
    return (
        f"{sentence}. Here a patient has {mean:.{2 if mean < 1.1 else 1}f} test images on average,"
        " so they are somewhat too narrow."
    )


def glossary(content: Content) -> dict[str, str]:
    """The words of the report, each explained in a sentence, in alphabetical order."""
    shown = {
        METRICS[name].title: METRICS[name].description for name in METRICS if name in content.metrics["test"]
    }
    words = _WORDS | shown
    if content.recipe.split.folds is None:
        words.pop("Fold", None)
    if len(content.classes) == 2:
        words.pop("Macro average", None)
    if len(content.history) == 0:
        words.pop("Epoch", None)
    if not content.clinical.prevalence.points:
        words.pop("Net benefit", None)
    if not content.clinical.calibration:
        for word in ("Calibration", "Calibration slope", "Expected calibration error"):
            words.pop(word, None)
    return dict(sorted(words.items(), key=lambda word: word[0].casefold()))


_WORDS = {
    f"95{THIN}% interval": (
        "Range that holds the true figure in 95 of 100 such experiments; wide where images are few."
    ),
    "AUC": "Area under a curve, here of the ROC curve: 1 is perfect, 0.5 is chance.",
    "Backbone": "A network used unchanged, as it came, to turn an image into features.",
    "Calibration": "Whether probabilities keep their word: of images given 80 %, 80 % should be so.",
    "Calibration slope": (
        "How far probabilities lie from the middle as they should: below 1 they are too extreme, above 1 too"
        " cautious."
    ),
    "Cohort": "All images of the study, with their labels.",
    "Epoch": "One pass of training over all training images.",
    "Features": "The numbers that a backbone gives for an image.",
    "Fold": "One of several equal parts of the cohort; each tests once while the others train.",
    "Head": "The small model that is trained here, from features to classes.",
    "Expected calibration error": (
        "Mean distance between the probabilities and the shares that come true; 0 is calibrated."
    ),
    "Label": "What the data say an image shows.",
    "Macro average": "Mean of a figure over the classes, each taken against all others and counted alike.",
    "n": "Number of images that a figure is about.",
    "Net benefit": (
        "Patients found, less false alarms weighed by how sure one must be to act, per image; treating no one"
        " has 0."
    ),
    "Precision": "Another word for positive predictive value (PPV).",
    "Prevalence": "Share of images that truly belong to a class.",
    "Recall": "Another word for sensitivity.",
    "ROC": "Receiver operating characteristic: sensitivity against false alarms, over all thresholds.",
    "Source": "Where images come from: a collection, a hospital, a scanner.",
    "Test": "The images kept aside; only they say how good the classifier is.",
    "Threshold": "The probability from which on the positive class is predicted.",
    "Training": "The images that the head learned from.",
    "Validation": "Images that steer training choices; they neither train nor test.",
}


def summary_counts(cohort: pd.DataFrame, excluded: int) -> str:
    """Say in a line how many images of how many patients came in, and how many were left out.

    >>> table = pd.DataFrame({"patient": ["a", "a", "b"], "source": "x", "label": ["1", "2", "2"]})
    >>> summary_counts(table, 1)
    '3 images of 2 patients from 1 source; 1 left out.'
    """
    images, patients = plural(len(cohort), "image"), plural(cohort["patient"].nunique(), "patient")
    sources = plural(cohort["source"].nunique(), "source")
    return f"{images} of {patients} from {sources}; {count(excluded)} left out."
