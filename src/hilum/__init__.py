"""hilum: chest X-ray classifiers you can believe.

>>> import hilum
>>> run = hilum.train("tutorial-model-1", data="xrays/")  # doctest: +SKIP
>>> run.model.predict("chest.dcm").predicted  # doctest: +SKIP
'COVID-19'
>>> hilum.audit(run).verdict.rating  # doctest: +SKIP
<Rating.BROKEN: 'broken'>

Names are loaded when they are first used, so that ``import hilum`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.bundle import Bundle, Prediction
    from hilum.cohort import Cohort
    from hilum.errors import HilumError
    from hilum.radiograph import Radiograph, read
    from hilum.recipe import Recipe
    from hilum.run.audit import audit
    from hilum.run.run import Run
    from hilum.run.train import train

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
        "Run": "run.run",
        "audit": "run.audit",
        "read": "radiograph",
        "train": "run.train",
    },
)
