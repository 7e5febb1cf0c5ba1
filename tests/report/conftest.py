from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import numpy as np
import pandas as pd
import pytest

from hilum.auditing import (
    Answer,
    Asked,
    Audit,
    Bar,
    Bars,
    Curves,
    Distribution,
    Example,
    Examples,
    Grid,
    Rating,
    Scale,
    Verdict,
    cannot_tell,
)
from hilum.metrics import Estimate, Predictions, clinical, confusion, metrics_of_parts, pr_curve, roc_curve
from hilum.recipe import Setting, dump, load
from hilum.report import BackboneFacts, Content, Environment
from hilum.report.style import style

RESAMPLES = 200
LONG = "Universitätsklinikum-Außenstelle-für-Lungenheilkunde-und-Thoraxradiologie-Süd"
NASTY = "<script>alert('x')</script> & 肺炎 $x_1$"


def film(rng: np.random.Generator, rows: int = 190, columns: int = 160) -> np.ndarray:
    """A grey blur with two dark ellipses: not a radiograph, but not flat either."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    image = 175 - 70 * np.hypot(x, y) + rng.normal(0, 7, (rows, columns))
    for side in (-0.45, 0.45):
        image -= 95 * np.exp(-(((x - side) / 0.28) ** 4) - ((y / 0.6) ** 4))
    return np.clip(image, 0, 255).astype(np.uint8)


def rows_of(labels, scores, classes, *, sources, splits, folds=0, per_patient=1) -> pd.DataFrame:
    """Predictions from labels (codes) and probabilities (n, k)."""
    n = len(labels)
    table = pd.DataFrame({
        "image": [f"{sources[code]}/images/{code}-{row:04d}.jpeg" for row, code in enumerate(labels)],
        "patient": [f"secret-patient-{code}-{row // per_patient}" for row, code in enumerate(labels)],
        "source": [sources[code] for code in labels],
        "split": splits,
        "fold": folds,
        "label": [classes[code] for code in labels],
        "predicted": [classes[code] for code in scores.argmax(axis=1)],
    })  # fmt: skip
    for place, name in enumerate(classes):
        table[f"probability_{name}"] = scores[:, place]
    assert len(table) == n
    return table


def scores_for(labels, k, rng, sharpness) -> np.ndarray:
    logits = rng.normal(0, 1, (len(labels), k))
    logits[np.arange(len(labels)), labels] += sharpness
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True)


def cohort_of(predictions: Predictions, rng: np.random.Generator) -> pd.DataFrame:
    table = predictions.table.drop_duplicates("image")[["image", "label", "patient", "source"]].copy()
    columns = rng.integers(300, 2400, len(table))
    rows = (columns * rng.uniform(0.7, 1.1, len(table))).astype(int)
    sized = table.assign(rows=rows, columns=columns, format="JPEG")
    return sized.astype({"rows": "Int64", "columns": "Int64"})


def history_of(epochs: int, rng: np.random.Generator, folds: int = 1) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    parts = []
    for fold in range(folds):
        loss = 0.65 * np.exp(-epoch / 9) + 0.02 + rng.normal(0, 0.008, epochs).clip(-0.015)
        val = loss * 1.25 + rng.normal(0, 0.02, epochs).clip(-0.02)
        parts.append(pd.DataFrame({
            "epoch": epoch, "loss": loss, "accuracy": (1 - loss / 2.4).clip(0, 1),
            "val_loss": val, "val_accuracy": (1 - val / 2.4).clip(0, 1), "learning_rate": 1e-3, "fold": fold,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def content_of(recipe, predictions: Predictions, rng, **changes) -> Content:
    test = predictions.part("test")
    seed = np.random.default_rng(1)
    films = [film(rng) for _ in range(55)]
    facts = {
        "recipe": recipe,
        "recipe_text": dump(recipe),
        "cohort": cohort_of(predictions, rng),
        "exclusions": pd.DataFrame(columns=["image", "source", "reason", "detail"]),
        "history": history_of(0, rng),
        "predictions": predictions,
        "metrics": metrics_of_parts(predictions, seed, RESAMPLES),
        "roc": roc_curve(test),
        "pr": pr_curve(test, np.random.default_rng(1), RESAMPLES),
        "confusion": confusion(test),
        "clinical": clinical(predictions, 0.5, np.random.default_rng(1)),
        "backbone": BackboneFacts("efficientnet_lite0", "ImageNet", "Apache-2.0", 1280, 3_374_976),
        "environment": Environment(
            "CPU, 2 cores, OpenVINO",
            {"hilum": "0.1.0", "Python": "3.11.2", "numpy": "2.4.0", "openvino": "2026.4"},
            {"Cohort": 1.94, "Features": 3.21, "Head": 0.84, "Evaluation": 2.02},
        ),
        "thumbnails": dict(zip(test.table["image"], cycle(films), strict=False)),
    }  # fmt: skip
    return Content(**(facts | changes))


EXCLUSIONS = pd.DataFrame(
    [(f"images/volume_{i}.nii.gz", "cohen", "CT", "") for i in range(84)]
    + [(f"images/lateral-{i}.jpg", "cohen", "lateral view", "view is L") for i in range(41)]
    + [("images/lost.png", "cohen", "missing file", "")]
    + [("images/cut.jpg", "cohen", "unreadable", "cut short after 8 rows")],
    columns=["image", "source", "reason", "detail"],
)  # fmt: skip


@pytest.fixture(scope="session")
def two_class() -> Content:
    """As the tutorial's Model 1: 275 images, 54 of 55 test images right."""
    rng = np.random.default_rng(0)
    recipe = load("tutorial-model-1", [Setting.parse("backbone.name=efficientnet_lite0")])
    labels = np.array([0] * 78 + [1] * 142 + [0] * 22 + [1] * 33)
    scores = scores_for(labels, 2, rng, 4.5)
    positive = scores[:, 1]
    positive[220:] = np.where(labels[220:] == 1, positive[220:].clip(0.52), positive[220:].clip(max=0.47))
    positive[-1] = 0.071
    scores = np.column_stack([1 - positive, positive])
    splits = ["train"] * 198 + ["validation"] * 22 + ["test"] * 55
    table = rows_of(
        labels, scores, recipe.cohort.classes, sources=("kermany", "cohen"), splits=splits, per_patient=3
    )
    predictions = Predictions(table, tuple(recipe.cohort.classes))
    return content_of(
        recipe, predictions, rng, exclusions=EXCLUSIONS, history=history_of(50, rng), threshold=0.5,
        threshold_choice="fixed at 0.5", splits_share_patients=23,
    )  # fmt: skip


@pytest.fixture(scope="session")
def three_class() -> Content:
    """As DarkCovidNet's 5 folds: 1,124 images, each of which tests once."""
    rng = np.random.default_rng(2)
    recipe = load("darkcovidnet-3class")
    classes = tuple(recipe.cohort.classes)
    labels = rng.permutation(np.array([0] * 500 + [1] * 124 + [2] * 500))
    tables = []
    for fold in range(5):
        splits = np.where(np.arange(1124) % 5 == fold, "test", "train").astype(object)
        splits[(np.arange(1124) % 5 != fold) & (np.arange(1124) % 11 == 0)] = "validation"
        scores = scores_for(labels, 3, rng, 2.6)
        tables.append(
            rows_of(
                labels,
                scores,
                classes,
                sources=("nih", "cohen", "nih"),
                splits=splits,
                folds=fold,
                per_patient=2,
            )
        )
    predictions = Predictions(pd.concat(tables, ignore_index=True), classes)
    return content_of(
        recipe, predictions, rng, history=history_of(30, rng, folds=5), splits_share_patients=211
    )


@pytest.fixture(scope="session")
def degenerate() -> Content:
    """One class only among the test images, all wrong, with names made to break a page."""
    rng = np.random.default_rng(3)
    base = load("demo")
    classes = [LONG, NASTY]
    recipe = base.model_copy(update={
        "cohort": base.cohort.model_copy(update={"classes": classes}),
        "backbone": base.backbone.model_copy(update={"weights": "random"}),
        "title": f"{NASTY} or {LONG}",
        "caveats": [],
    })  # fmt: skip
    labels = np.array([0] * 6 + [1] * 9)
    scores = np.column_stack([np.full(15, 0.9), np.full(15, 0.1)])
    splits = ["train"] * 12 + ["test"] * 3
    table = rows_of(labels, scores, classes, sources=(f"{LONG}-1", NASTY), splits=splits)
    content = content_of(recipe, Predictions(table, tuple(classes)), rng, synthetic=True, threshold=0.5)
    return replace(
        content,
        thumbnails={},
        backbone=BackboneFacts("vgg16", "random (not trained)", "", 512, 14_714_688),
        exclusions=pd.DataFrame([("<b>.png", NASTY, "<i>unreadable</i>", "")], columns=EXCLUSIONS.columns),
    )


@pytest.fixture(scope="session", params=["two_class", "three_class", "degenerate", "audited", "foreign"])
def content(request) -> Content:
    """Each of them."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def drawing_style():
    """Figures are drawn within `style`, as `hilum.report.write` does."""
    with style():
        yield


@pytest.fixture(scope="session")
def foreign(two_class) -> Content:
    """A classifier of which only predictions and an audit are known."""
    table = two_class.predictions.part("test").table
    predictions = Predictions(table, two_class.classes)
    return Content(
        predictions=predictions,
        cohort=table[["image", "label", "patient", "source"]],
        metrics={"test": two_class.metrics["test"]},
        roc=two_class.roc,
        pr=two_class.pr,
        confusion=two_class.confusion,
        classifier="model.onnx",
        audit=audit_of(),
    )


def bars(part: str, estimate: Estimate) -> Bars:
    both = (Bar("Whole image", 0.994, 0.986, 0.999, 275), Bar.of(part, estimate))
    return Bars(f"{part}, against the whole image", "AUC", both, reference=0.5)


def examples_of(images: dict[str, str], ablation: str, left: str) -> Examples:
    rows = tuple(
        (Example(image, f"{label}, as it is"), Example(image, f"{label}, {left}", ablation))
        for label, image in images.items()
    )
    return Examples("Before and after ablation", rows)


def part_of(part: str, figure: Estimate, rating: Rating, claim: str, *pictures) -> Answer:
    """As an ablation probe answers."""
    reason = {
        Rating.BROKEN: "it explains at least half of the result, and the lower 95 % limit is above 0.60",
        Rating.DOUBTFUL: "it explains at least a quarter of it, and the lower 95 % limit is above 0.55",
        Rating.SOUND: "it explains less than a quarter of the result, or no more than chance would",
    }[rating]
    meaning = "A classifier can reach this result without the lungs, so the result says little about lungs."
    measure = f"AUC from {part}"
    return Answer(
        rating,
        claim,
        meaning,
        reason,
        measure,
        figure,
        pictures=(bars(part.capitalize(), figure), *pictures),
    )


def parts_taken(images: dict[str, str]) -> dict[str, Asked]:
    """The six probes of ablation, as on tutorial-model-1."""

    def asked(title: str, caption: str, question: str, source: str, *answer) -> Asked:
        return Asked(title, question, source, part_of(*answer), caption, "what is left", 1.2)

    broken, doubtful = Rating.BROKEN, Rating.DOUBTFUL
    table = Grid(
        "Images per label and source",
        ("Source", "COVID-19", "Normal"),
        (("cohen", "175", "0"), ("kermany", "0", "100")),
    )
    return {
        "source": asked(
            "Source only", "source only", "Can the label be predicted from the source, without the image?",
            "Maguolo and Nanni 2021", "the source", Estimate(1.0, 1.0, 1.0, 275), broken,
            "The source alone, without any image, gives AUC 1.000.", table,
        ),
        "header": asked(
            "Header only", "header only", "Can the label be predicted from the file headers?",
            "López-Cabrera et al. 2021", "the header", Estimate(0.998, 0.994, 1.0, 275), broken,
            "The files' sizes and formats alone, without one pixel, give AUC 0.998.",
        ),
        "border": asked(
            "Border only", "border only", "Can the label be predicted from the border?",
            "Maguolo and Nanni 2021", "the border", Estimate(0.968, 0.946, 0.986, 275), broken,
            "The border of the images gives AUC 0.968.", examples_of(images, "border", "border"),
        ),
        "lungs_removed": asked(
            "Lungs removed", "lung region removed", "Can the label be predicted without the lungs?",
            "Maguolo and Nanni 2021", "images without lungs",
            Estimate(0.987, 0.973, 0.997, 275), broken,
            "With the lung region blacked out, a probe model still reaches AUC 0.987.",
            examples_of(images, "lungs_removed", "without lungs"),
        ),
        "thumbnail": asked(
            "Thumbnail", "thumbnail", "Can the label be predicted from 8 × 8 pixels?",
            "hilum", "8 × 8 pixels", Estimate(0.951, 0.921, 0.977, 275), doubtful,
            "Thumbnails of 8 × 8 pixels give AUC 0.951.",
            examples_of(images, "thumbnail", "64 pixels"),
        ),
        "histogram": asked(
            "Histogram only", "histogram only", "Can the label be predicted from the histogram?",
            "hilum", "the histogram", Estimate(0.914, 0.874, 0.95, 275), doubtful,
            "The histogram gives AUC 0.914.",
        ),
    }  # fmt: skip


def shares(first: int, counts: list[int]) -> tuple[float, ...]:
    """So many times `first` of 55, one more of 55, and so on."""
    return tuple(np.arange(first, first + len(counts)).repeat(counts) / 55)


def other_probes(images: dict[str, str]) -> dict[str, Asked]:
    """One answer with each kind of picture, and some that could not tell."""
    first, second = images.values()
    swap = Answer(
        Rating.BROKEN,
        "With the lung region of one image in another, the classifier follows the surroundings in 80 %.",
        "It depends more on the surroundings than on the lungs.",
        "the lower 95 % limit is above one half",
        "Swaps that follow the surroundings",
        Estimate(0.8, 0.741, 0.849, 200),
        Scale.SHARE,
        pictures=(
            Examples(
                "Swapped",
                (
                    (
                        Example(first, "surroundings from COVID-19"),
                        Example(second, "lungs from Normal"),
                        Example(first, "both: called COVID-19", lungs_of=second),
                    ),
                ),
            ),
        ),
    )
    splits = Answer(
        Rating.SOUND, "On 200 other random splits the accuracy lies between 94.5 % and 100.0 %.",
        "The reported split is not a lucky one.", "the reported accuracy lies within the middle 95 %",
        "Mean accuracy on other splits", Estimate(0.981, 0.945, 1.0, 275), Scale.SHARE,
        pictures=(Distribution(
            "Accuracy on 200 random splits", "Accuracy on the test images",
            {
                "grouped by patient": shares(46, [1, 2, 4, 8, 12, 20, 28, 15, 8, 2]),
                "split by image": shares(48, [1, 2, 6, 12, 24, 30, 20, 5]),
            },
            {"this run": 54 / 55, "the tutorial": 54 / 55, "constant answer": 0.6},
        ),),
    )  # fmt: skip
    calibration = Answer(
        Rating.DOUBTFUL, "The probabilities are off by 6.1 percentage points on average.",
        "The probabilities are unreliable.", "the lower 95 % limit is above 0.05",
        "Expected calibration error", Estimate(0.061, 0.052, 0.083, 55), Scale.SHARE,
        pictures=(Curves(
            "Reliability", "predicted probability", "observed frequency",
            {
                "as it is": ((0.05, 0.02), (0.3, 0.1), (0.7, 0.9), (0.95, 1.0)),
                "recalibrated": ((0.1, 0.08), (0.9, 0.93)),
            },
            diagonal=True,
        ),),
    )  # fmt: skip
    patients = Answer(
        Rating.DOUBTFUL, "40 % of the test patients have images among the training images too.",
        "Part of the result may be recognition of patients.", "patients stand on both sides of the split",
        "Test patients who also trained", Estimate(0.4, 0.28, 0.53, 55), Scale.SHARE,
    )  # fmt: skip
    others = {
        "patients": ("Patients across the split", "Do patients stand on both sides of the split?", patients),
        "region_swap": ("Region swap", "Which region does the classifier follow?", swap),
        "left_out": (
            "Sources left out", "Does it hold for a source without training images?",
            cannot_tell("every source holds one label alone", "A source with both labels is needed."),
        ),
        "external": (
            "Another hospital", "Does it hold in another hospital?",
            cannot_tell("no other hospital's images were given", "`--external COHORT` names them."),
        ),
        "calibration": ("Calibration", "Do the probabilities mean what they say?", calibration),
        "splits": ("Random splits", "Does another split give another result?", splits),
    }  # fmt: skip
    return {
        name: Asked(title, question, "hilum", answer, seconds=0.5)
        for name, (title, question, answer) in others.items()
    }


IMAGES = {"COVID-19": "cohen/images/a.jpeg", "Normal": "kermany/images/b.jpeg"}


def audit_of(images: dict[str, str] = IMAGES) -> Audit:
    """As of tutorial-model-1: broken, with every kind of picture."""
    asked = parts_taken(images) | other_probes(images)
    claims = " ".join(asked[name].answer.claim for name in ("lungs_removed", "region_swap"))
    sentence = f"This result is not what it seems. {claims}"
    return Audit(Verdict(Rating.BROKEN, sentence, ("lungs_removed", "region_swap", "header")), asked)


def examples_in(audit: Audit) -> set[Example]:
    return {
        example
        for answer in audit.answers.values()
        for picture in answer.pictures
        if isinstance(picture, Examples)
        for row in picture.rows
        for example in row
    }


@pytest.fixture(scope="session")
def audited(two_class) -> Content:
    """The tutorial's Model 1 with its audit, and pixels for all but one of its examples."""
    audit = audit_of()
    shown = sorted(examples_in(audit), key=str)[1:]
    films = dict.fromkeys(shown, film(np.random.default_rng(5)))
    return replace(two_class, audit=audit, examples=films)
