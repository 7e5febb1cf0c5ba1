"""The options that name a classifier or its predictions, which several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    import pandas as pd

    from hilum.classifier import Classifier
    from hilum.metrics import PredictionsTable

__all__ = [
    "ClassesOption",
    "FunctionOption",
    "ModelOption",
    "PredictionsOption",
    "PreprocessingOption",
    "ThresholdOption",
    "class_names",
    "open_classifier",
    "open_table",
]

ModelOption: TypeAlias = Annotated[
    Path | None, typer.Option("--model", metavar="FILE", help="An ONNX file, with --preprocessing.")
]
PreprocessingOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--preprocessing", metavar="FILE", help="YAML: what --model expects and returns."),
]
FunctionOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--function", metavar="MODULE:FUNCTION", help="A Python function, with --classes."),
]
PredictionsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--predictions", metavar="TABLE", help="Predictions made elsewhere: CSV or Parquet."),
]
ClassesOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--classes", metavar="A,B", help="Of --function or --predictions; the positive one last."),
]
ThresholdOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--threshold", min=0, max=1, help="Of --function or --predictions.  [default: 0.5]"),
]


def class_names(classes: str | None) -> tuple[str, ...] | None:
    """Return the names that ``--classes`` lists, or None without it."""
    return None if classes is None else tuple(name.strip() for name in classes.split(","))


def open_classifier(
    run: Path | None = None,
    model: Path | None = None,
    preprocessing: Path | None = None,
    function: str | None = None,
    classes: str | None = None,
    threshold: float | None = None,
) -> Classifier:
    """Open the one classifier that a command's options name.

    Raises
    ------
    typer.BadParameter
        If none or several are named, or an option is missing that another one needs.
    HilumError
        If it cannot be opened.
    """
    if sum(each is not None for each in (run, model, function)) != 1:
        raise typer.BadParameter("name one classifier: RUN, --model or --function")
    if (model is None) != (preprocessing is None):
        raise typer.BadParameter("--model and --preprocessing go together")
    if function is None and (classes is not None or threshold is not None):
        raise typer.BadParameter("--classes and --threshold go with --function or --predictions")
    if run is not None:
        from hilum.bundle import Bundle

        return Bundle.load(run)
    if function is not None:
        from hilum.classifier import FunctionClassifier, Threshold

        names = class_names(classes)
        if names is None:
            raise typer.BadParameter("--function needs --classes, the positive one last")
        stated = None if threshold is None else Threshold(threshold, f"stated as {threshold:g}")
        return FunctionClassifier.load(function, names, stated)
    from hilum.classifier import OnnxClassifier

    assert model is not None and preprocessing is not None  # noqa: S101, PT018  as checked above
    return OnnxClassifier.open(model, preprocessing)


def open_table(
    predictions: Path, classes: str | None, threshold: float | None, facts: pd.DataFrame | None = None
) -> PredictionsTable:
    """Read the table that ``--predictions`` names; `facts` are a cohort's, for the columns that it lacks."""
    from hilum.metrics import read_predictions

    return read_predictions(predictions, classes=class_names(classes), threshold=threshold, facts=facts)
