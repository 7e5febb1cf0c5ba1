"""hilum: chest X-ray classifiers you can believe.

>>> import hilum
>>> run = hilum.train("tutorial-model-1", data="xrays/")  # doctest: +SKIP
>>> [found.predicted for found in hilum.predict(run.model, ["chest.dcm"])]  # doctest: +SKIP
['COVID-19']
>>> hilum.audit(run).verdict.rating  # doctest: +SKIP
<Rating.BROKEN: 'broken'>

Each name is imported on first use (SPEC 1), so ``import hilum`` loads no heavy library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lazy_loader

from hilum.errors import extra_required

if TYPE_CHECKING:
    from hilum.bundle import Bundle as Bundle
    from hilum.classifier import Classifier as Classifier
    from hilum.classifier import FunctionClassifier as FunctionClassifier
    from hilum.classifier import OnnxClassifier as OnnxClassifier
    from hilum.cohort import Cohort as Cohort
    from hilum.errors import HilumError as HilumError
    from hilum.radiograph import Radiograph as Radiograph
    from hilum.radiograph import read as read
    from hilum.recipe import Recipe as Recipe
    from hilum.run.audit import audit as audit
    from hilum.run.compare import compare as compare
    from hilum.run.evaluate import evaluate as evaluate
    from hilum.run.predict import Prediction as Prediction
    from hilum.run.predict import predict as predict
    from hilum.run.run import Run as Run
    from hilum.run.train import train as train


__version__ = "0.1.0"

_load, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bundle": ["Bundle"],
        "classifier": ["Classifier", "FunctionClassifier", "OnnxClassifier"],
        "cohort": ["Cohort"],
        "errors": ["HilumError"],
        "radiograph": ["Radiograph", "read"],
        "recipe": ["Recipe"],
        "run.audit": ["audit"],
        "run.compare": ["compare"],
        "run.evaluate": ["evaluate"],
        "run.predict": ["Prediction", "predict"],
        "run.run": ["Run"],
        "run.train": ["train"],
    },
)


def __getattr__(name: str) -> Any:
    with extra_required():
        return _load(name)
