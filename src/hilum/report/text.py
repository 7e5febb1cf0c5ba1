"""Numbers as text, and the sentences of the report: design, limitations, glossary."""

from __future__ import annotations

import math

import pandas as pd

from hilum.auditing import Rating, Scale
from hilum.metrics import METRICS, Estimate
from hilum.recipe import Recipe
from hilum.recipe.settings import DenseHeadSettings, MapPooling, Normalisation, SplitBy, Validation
from hilum.report.content import BackboneFacts, Content

__all__ = [
    "MISSING",
    "THIN",
    "amount",
    "base_of",
    "capital",
    "count",
    "design",
    "duration",
    "estimate",
    "findings",
    "glossary",
    "independence",
    "interval",
    "interval_of",
    "omissions",
    "plural",
    "scaled",
    "scaled_interval",
    "share",
    "summary_counts",
    "threshold_rule",
    "value",
]

MISSING = "–"
"""Shown for an undefined value."""

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
PROPORTIONS = frozenset({"accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv"})


def base_of(metric: str) -> str:
    """Name of a metric without its class.

    >>> base_of("roc_auc_covid_19"), base_of("accuracy")
    ('roc_auc', 'accuracy')
    """
    fitting = [name for name in METRICS if metric == name or metric.startswith(f"{name}_")]
    return max(fitting, key=len, default=metric)


def value(metric: str, number: float) -> str:
    """Value of a metric: a percentage with one decimal, or a number with three decimals.

    >>> value("accuracy", 54 / 55), value("roc_auc", 1.0), value("loss", float("nan"))
    ('98.2\u202f%', '1.000', '–')
    """
    return scaled(_scale(metric), number)


def interval(metric: str, figure: Estimate) -> str:
    """Bounds of a metric's interval.

    >>> interval("accuracy", Estimate(54 / 55, 0.90393, 0.99678, 55))
    '90.4–99.7\u202f%'
    """
    return scaled_interval(_scale(metric), figure)


def scaled(scale: Scale, number: float) -> str:
    """Value of a probe, by its scale.

    >>> scaled(Scale.SHARE, 0.8), scaled(Scale.AREA, -0.98765), scaled(Scale.NUMBER, 1204)
    ('80.0\u202f%', '−0.988', '1,204')
    """
    if not math.isfinite(number):
        return MISSING
    write = {Scale.SHARE: share, Scale.AREA: lambda area: _rounded(area, 3), Scale.NUMBER: amount}[scale]
    return write(number).replace("-", MINUS)


def scaled_interval(scale: Scale, figure: Estimate) -> str:
    """Bounds of an interval, with the unit once.

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
    """A metric with its interval, on one line.

    >>> estimate("roc_auc", Estimate(0.99, 0.97, 1.0, 55))
    '0.990 (95\u202f% CI 0.970–1.000)'
    """
    bounds = interval(metric, figure)
    shown = value(metric, figure.value)
    return shown if bounds == MISSING else f"{shown} (95{THIN}% CI {bounds})"


def interval_of(figure: Estimate, digits: int, factor: float = 1) -> str:
    """A confidence interval in brackets, after a space; empty if undefined.

    >>> interval_of(Estimate(0.061, 0.052, 0.083, 55), digits=1, factor=100)
    ' (95\u202f% CI 5.2 to 8.3)'
    """
    if math.isnan(figure.low):
        return ""
    return f" (95{THIN}% CI {factor * figure.low:.{digits}f} to {factor * figure.high:.{digits}f})"


def _scale(metric: str) -> Scale:
    return Scale.SHARE if base_of(metric) in PROPORTIONS else Scale.AREA


def _rounded(number: float, digits: int, full: float = 1.0) -> str:
    """Round without turning other values into 0 or `full`.

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
    """A whole number with thousands separators.

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


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def share(number: float) -> str:
    """A proportion as a percentage with one decimal.

    >>> share(0.6), share(0.99999), share(float("nan"))
    ('60.0\u202f%', '>99.9\u202f%', '–')
    """
    return f"{_rounded(100 * number, 1, full=100)}{THIN}%" if math.isfinite(number) else MISSING


def amount(number: float) -> str:
    """A number with three significant digits; from 1,000 on without decimals.

    >>> amount(0.001), amount(14_714_688), amount(0.4999)
    ('0.001', '14,714,688', '0.5')
    """
    return count(number) if abs(number) >= 1000 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """A duration in a suitable unit.

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
    SplitBy.IMAGE: "By image: images of one patient may be in both the training and the test part.",
    SplitBy.PATIENT: "By patient: all images of a patient are in the same part.",
    SplitBy.SOURCE: "By source: each source is tested with a classifier trained on the other sources.",
    SplitBy.COLUMN: "As given in the cohort's table.",
}
_FITS = {"stretch": "Stretched", "crop": "Cropped", "pad": "Padded"}
_NORMALISATIONS = {
    Normalisation.NETWORK: "intensities normalised as in the pretraining of the backbone",
    Normalisation.UNIT: "intensities scaled to [0, 1], without further normalisation",
}


def design(content: Content) -> dict[str, str]:
    """Description of each stage of the experiment, as far as it is known."""
    recipe, backbone = content.recipe, content.backbone
    facts = {"Classes": _classes(content), "Threshold": threshold_rule(content)}
    if recipe is not None:
        facts = {
            "Recipe": recipe.name,
            "Design from": recipe.source,
            "Classes": facts["Classes"],
            "Split": _split(recipe),
            "Preprocessing": _preprocessing(recipe),
            "Backbone": _backbone(backbone, recipe) if backbone else "",
            "Weights": f"{backbone.weights}. Licence: {backbone.licence or 'not stated'}."
            if backbone
            else "",
            "Head": _head(recipe),
            "Threshold": facts["Threshold"],
            "Seed": f"{recipe.seed} (split: {recipe.split.seed}). The same seed reproduces the run.",
        }
    return {term: text for term, text in facts.items() if text}


def _classes(content: Content) -> str:
    positive = content.predictions.positive
    names = ", ".join(content.classes)
    return names if positive is None else f"{names}. Positive class: {positive}."


def _split(recipe: Recipe) -> str:
    split = recipe.split
    sentences = [_SPLITS[split.by]]
    if split.folds:
        sentences.append(
            f"{split.folds}-fold cross-validation: each image is tested once, by a model trained without it."
        )
    elif split.by in (SplitBy.IMAGE, SplitBy.PATIENT):
        sentences.append(f"Test part: {share(split.test)} of the images.")
    last = split.validation_rows is Validation.LAST
    chosen = "the last ones in shuffled order" if last else "drawn at random like the test part"
    sentences.append(f"Validation part: {share(split.validation)} of the training images, {chosen}.")
    return " ".join(sentences)


def _preprocessing(recipe: Recipe) -> str:
    size = recipe.preprocessing.size
    shape = f"{size} × {size} pixels" if size else "the input size of the backbone"
    return f"{_FITS[recipe.preprocessing.fit]} to {shape}; {_NORMALISATIONS[recipe.backbone.normalisation]}."


def _backbone(facts: BackboneFacts, recipe: Recipe) -> str:
    pooling = recipe.backbone.pooling
    pooled = (
        "global average pooling"
        if isinstance(pooling, MapPooling)
        else f"average pooling over windows of {pooling.size} × {pooling.size}"
    )
    numbers = f"{plural(facts.parameters, 'parameter')}, {plural(facts.features, 'feature')} per image"
    return f"{facts.name}, frozen: {numbers} ({pooled})."


def _head(recipe: Recipe) -> str:
    head = recipe.head
    if not isinstance(head, DenseHeadSettings):
        return (
            "Logistic regression on standardised features; C is chosen by log loss in"
            f" {head.folds}-fold cross-validation on the training images."
        )
    plateau = " It is reduced when the validation loss stops improving." if head.plateau else ""
    end = (
        f" (stopped when the training loss reaches {amount(head.early_stop_loss)})"
        if head.early_stop_loss
        else ""
    )
    return (
        f"Dense layer of {plural(head.units, 'unit')}, ReLU, dropout {amount(head.dropout)}, dense output;"
        f" Adam, {plural(head.epochs, 'epoch')}{end}, batch size {head.batch},"
        f" learning rate {amount(head.learning_rate)}.{plateau}"
    )


def threshold_rule(content: Content) -> str:
    """When the positive class is predicted, and how the threshold was chosen."""
    if content.threshold is None:
        return "No threshold: the most probable class is predicted."
    choice = f" ({content.threshold_choice})" if content.threshold_choice else ""
    return f"{content.classes[-1]} is predicted when its probability ≥ {amount(content.threshold)}{choice}."


_OMISSIBLE = {
    "recipe": "the design and the published results",
    "history": "the training curves",
    "backbone": "the backbone",
    "environment": "the computing environment",
}


def omissions(content: Content) -> str:
    """Sentence that names what the report lacks because it is not known of the classifier; may be empty."""
    missing = [words for name, words in _OMISSIBLE.items() if getattr(content, name) is None]
    if not missing:
        return ""
    return f"Not recorded for this classifier, and therefore not reported: {', '.join(missing)}."


def findings(content: Content) -> list[str]:
    """Weaknesses that the tables of the cohort and the split reveal, in sentences."""
    found = []
    if content.splits_share_patients:
        patients = plural(content.splits_share_patients, "patient has", "patients have")
        found.append(
            f"{patients} images in both the training and the test part. The classifier may recognise the"
            " patient instead of the disease, so the performance is overestimated."
        )
    if content.cohort["patient"].is_unique:
        found.append(
            "Every image has a patient of its own. If the data do not identify patients, images of one"
            " patient may be in both the training and the test part without being noticed."
        )
    separate = _labels_with_own_sources(content.cohort)
    if separate:
        every = len(separate) == content.cohort["label"].nunique()
        subject = "Each label comes" if every else f"{' and '.join(separate)} comes"
        found.append(
            f"{subject} from sources that hold no other label. Anything that identifies the source (device,"
            " image size, age of the patients) predicts the label without the lungs."
        )
    if _same_sources(content) and not _tested_externally(content):
        found.append(
            "The test images come from the same sources as the training images. Performance on images of"
            " another hospital was not measured."
        )
    return found


def _labels_with_own_sources(cohort: pd.DataFrame) -> list[str]:
    """Labels that share no source with another label."""
    labels = cohort.groupby("source")["label"].transform("nunique")
    mixed = set(cohort.loc[labels > 1, "label"].unique())
    names = list(cohort["label"].unique())
    return [name for name in names if name not in mixed] if len(names) > 1 else []


def _same_sources(content: Content) -> bool:
    if content.recipe is not None and content.recipe.split.by is SplitBy.SOURCE:
        return False
    train = content.predictions.part("train").table["source"]
    return bool(set(train) & set(content.test.table["source"]))


def _tested_externally(content: Content) -> bool:
    external = None if content.audit is None else content.audit.answers.get("external")
    return external is not None and external.rating is not Rating.CANNOT_TELL


def independence(content: Content) -> str:
    """Whether the test images are as independent as Wilson intervals assume."""
    sentence = "Wilson intervals of proportions assume independent images"
    mean = content.test.table.groupby("patient")["image"].nunique().mean()
    if not mean > 1:
        return f"{sentence}; each patient has one test image."
    return (
        f"{sentence}. A patient has {mean:.{2 if mean < 1.1 else 1}f} test images on average, so these"
        " intervals are somewhat too narrow."
    )


def glossary(content: Content) -> dict[str, str]:
    """Definitions of the terms that the report uses, in alphabetical order."""
    words = _WORDS | {
        metric.title: metric.description
        for name, metric in METRICS.items()
        if name in content.metrics["test"]
    }
    unused: list[str] = []
    if content.recipe is None or content.recipe.split.folds is None:
        unused += ["Fold"]
    if content.backbone is None:
        unused += ["Backbone", "Features", "Head"]
    if len(content.classes) == 2:
        unused += ["Macro average"]
    if not content.has_epochs:
        unused += ["Epoch"]
    if not content.clinical.prevalence.points:
        unused += ["Net benefit"]
    if not content.clinical.calibration:
        unused += ["Calibration", "Calibration slope", "Expected calibration error"]
    kept = [word for word in words if word not in unused]
    return {word: words[word] for word in sorted(kept, key=str.casefold)}


_WORDS = {
    f"95{THIN}% CI": (
        "95 % confidence interval: in 95 of 100 repetitions of the study it contains the true value."
    ),
    "AUC": "Area under the ROC curve: 1 is perfect, 0.5 is chance level.",
    "Backbone": "A pretrained network that turns an image into features and is not trained further.",
    "Calibration": "Agreement of predicted probabilities with observed frequencies.",
    "Calibration slope": "Below 1 the probabilities are too extreme, above 1 not extreme enough.",
    "Cohort": "All images of the study, with their labels.",
    "Epoch": "One pass of training over all training images.",
    "Features": "The values that the backbone computes for an image.",
    "Fold": "One of several equal parts of the cohort; each is the test part once.",
    "Head": "The small model that is trained on the features and predicts the class.",
    "Expected calibration error": (
        "Mean absolute difference between predicted probabilities and observed frequencies."
    ),
    "Label": "The class that the data assign to an image.",
    "Macro average": "Mean of a metric over the classes, each against all others, with equal weights.",
    "n": "Number of images from which a value is computed.",
    "Net benefit": (
        "True positives per image minus false positives per image, weighted by the odds of the threshold"
        " probability; 0 if no one is treated."
    ),
    "Precision": "Positive predictive value (PPV).",
    "Prevalence": "Proportion of images that belong to a class.",
    "Recall": "Sensitivity.",
    "ROC": "Receiver operating characteristic: sensitivity against false positive rate, for all thresholds.",
    "Source": "Origin of images: a collection, a hospital, a scanner.",
    "Test": "Images that were not used for training; only they measure performance.",
    "Threshold": "The positive class is predicted when its probability is at least this value.",
    "Training": "Images on which the classifier was trained.",
    "Validation": "Images used for choices during training, such as the threshold, and not for testing.",
}


def summary_counts(cohort: pd.DataFrame, excluded: int) -> str:
    """Size of the cohort in one sentence.

    >>> table = pd.DataFrame({"patient": ["a", "a", "b"], "source": "x", "label": ["1", "2", "2"]})
    >>> summary_counts(table, 1)
    '3 images of 2 patients from 1 source; 1 excluded.'
    """
    images, patients = plural(len(cohort), "image"), plural(cohort["patient"].nunique(), "patient")
    sources = plural(cohort["source"].nunique(), "source")
    return f"{images} of {patients} from {sources}; {count(excluded)} excluded."
