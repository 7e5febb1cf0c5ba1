"""Runs: a recipe carried out, from cohort to report, and the folder that it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.run.auditing import audit
    from hilum.run.evaluation import evaluate_on, predict_cohort
    from hilum.run.reporting import write_report
    from hilum.run.run import Run
    from hilum.run.training import train

__all__ = ["Run", "audit", "evaluate_on", "predict_cohort", "train", "write_report"]

__getattr__, __dir__ = on_demand(
    __name__,
    {
        "Run": "run",
        "audit": "auditing",
        "evaluate_on": "evaluation",
        "predict_cohort": "evaluation",
        "train": "training",
        "write_report": "reporting",
    },
)
