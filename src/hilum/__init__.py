"""hilum: chest X-ray classifiers you can believe.

>>> import hilum
>>> run = hilum.train("tutorial-model-1", data="xrays/")  # doctest: +SKIP
>>> run.model.predict("chest.dcm").predicted  # doctest: +SKIP
'COVID-19'
>>> hilum.audit(run).verdict.reading  # doctest: +SKIP
<Reading.BROKEN: 'broken'>

Names are loaded when they are first used, so that ``import hilum`` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.bundle import Bundle, Prediction
    from hilum.cohort import Cohort
    from hilum.errors import HilumError
    from hilum.radiograph import Radiograph, read
    from hilum.recipe import Recipe
    from hilum.run import Run, audit, train

__all__ = [
    "Bundle",
    "Cohort",
    "HilumError",
    "Prediction",
    "Radiograph",
    "Recipe",
    "Run",
    "audit",
    "read",
    "train",
]

__version__ = "0.1.0"

__getattr__, __dir__ = on_demand(
    __name__,
    {
        "Bundle": "bundle",
        "Cohort": "cohort",
        "HilumError": "errors",
        "Prediction": "bundle",
        "Radiograph": "radiograph",
        "Recipe": "recipe",
        "Run": "run",
        "read": "radiograph",
        "train": "run",
    },
)


class _Front(ModuleType):
    """The package; its ``audit`` is the function, also after the stage of that name was imported."""

    @property
    def audit(self) -> Any:
        return import_module("hilum.run").audit

    @audit.setter
    def audit(self, stage: ModuleType) -> None:
        """Python would put the subpackage here; ``from hilum.audit import …`` finds it all the same."""


sys.modules[__name__].__class__ = _Front
