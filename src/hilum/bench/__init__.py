"""Benchmarks that anyone can repeat: ``hilum bench``.

Names are loaded when first used: processes that are measured import parts of this package too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.bench.audit import Cell, bench_audit, cells, grid
    from hilum.bench.design import FACTORS, Design
    from hilum.bench.growth import Growth, bench_growth
    from hilum.bench.limit import Limit, bench_limit
    from hilum.bench.machine import Machine, this_machine
    from hilum.bench.prediction import Prediction, Rate, bench_prediction
    from hilum.bench.spread import Spread
    from hilum.bench.trial import Trial, audited
    from hilum.bench.tutorial import Comparison, Tutorial, bench_tutorial

__all__ = [
    "FACTORS",
    "Cell",
    "Comparison",
    "Design",
    "Growth",
    "Limit",
    "Machine",
    "Prediction",
    "Rate",
    "Spread",
    "Trial",
    "Tutorial",
    "audited",
    "bench_audit",
    "bench_growth",
    "bench_limit",
    "bench_prediction",
    "bench_tutorial",
    "cells",
    "grid",
    "this_machine",
]


__getattr__, __dir__ = on_demand(
    __name__,
    {
        "FACTORS": "design",
        "Cell": "audit",
        "Comparison": "tutorial",
        "Design": "design",
        "Growth": "growth",
        "Limit": "limit",
        "Machine": "machine",
        "Prediction": "prediction",
        "Rate": "prediction",
        "Spread": "spread",
        "Trial": "trial",
        "Tutorial": "tutorial",
        "audited": "trial",
        "bench_audit": "audit",
        "bench_growth": "growth",
        "bench_limit": "limit",
        "bench_prediction": "prediction",
        "bench_tutorial": "tutorial",
        "cells": "audit",
        "grid": "audit",
        "this_machine": "machine",
    },
)
