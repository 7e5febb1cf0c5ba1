"""hilum: chest X-ray classifiers you can believe.

>>> import hilum
>>> run = hilum.train("tutorial-model-1", data="xrays/")  # doctest: +SKIP
>>> [found.predicted for found in hilum.predict(run.model, ["chest.dcm"])]  # doctest: +SKIP
['COVID-19']
>>> hilum.audit(run).verdict.rating  # doctest: +SKIP
<Rating.BROKEN: 'broken'>

Names are loaded when they are first used, so that ``import hilum`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.bundle import Bundle
    from hilum.classifier import Classifier, FunctionClassifier, OnnxClassifier
    from hilum.cohort import Cohort
    from hilum.errors import HilumError
    from hilum.radiograph import Radiograph, read
    from hilum.recipe import Recipe
    from hilum.run.audit import audit
    from hilum.run.compare import compare
    from hilum.run.evaluate import evaluate
    from hilum.run.predict import Prediction, predict
    from hilum.run.run import Run
    from hilum.run.train import train

__all__ = [
    "Bundle",
    "Classifier",
    "Cohort",
    "FunctionClassifier",
    "HilumError",
    "OnnxClassifier",
    "Prediction",
    "Radiograph",
    "Recipe",
    "Run",
    "audit",
    "compare",
    "evaluate",
    "predict",
    "read",
    "train",
]


__version__ = "0.1.0"

__getattr__, __dir__ = on_demand(
    __name__,
    {
        "Bundle": "bundle",
        "Classifier": "classifier",
        "Cohort": "cohort",
        "FunctionClassifier": "classifier",
        "HilumError": "errors",
        "OnnxClassifier": "classifier",
        "Prediction": "run.predict",
        "Radiograph": "radiograph",
        "Recipe": "recipe",
        "Run": "run.run",
        "audit": "run.audit",
        "compare": "run.compare",
        "evaluate": "run.evaluate",
        "predict": "run.predict",
        "read": "radiograph",
        "train": "run.train",
    },
)
