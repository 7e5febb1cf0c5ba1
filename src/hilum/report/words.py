"""What the report says in sentences: the design, what speaks against it, and the words it uses."""

from __future__ import annotations

import pandas as pd

from hilum.audit import Reading
from hilum.evaluate import METRICS
from hilum.recipe import Recipe
from hilum.recipe.settings import (
    DenseHeadSettings,
    MapPooling,
    Normalisation,
    SplitBy,
    Validation,
)
from hilum.report.content import Content
from hilum.report.format import THIN, amount, count, plural, share

__all__ = ["design", "findings", "glossary", "independence", "summary_counts"]

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
        "Preparation": _preparation(recipe),
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


def _preparation(recipe: Recipe) -> str:
    size = recipe.preparation.size
    square = f"a square of {size} × {size} pixels" if size else "the network's own input size"
    return f"{_FITS[recipe.preparation.fit]} to {square}; {_NORMALISATIONS[recipe.backbone.normalisation]}."


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
    end = f", or fewer once the training loss is {amount(head.enough_loss)}" if head.enough_loss else ""
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
    return elsewhere is not None and elsewhere.reading is not Reading.CANNOT_TELL


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
