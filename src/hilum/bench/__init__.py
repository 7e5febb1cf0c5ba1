"""Benchmarks that anyone can repeat: ``hilum bench``.

Names are loaded when first used: processes that are measured import parts of this package too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from hilum.bench.audit import Cell as Cell
    from hilum.bench.audit import bench_audit as bench_audit
    from hilum.bench.audit import cells as cells
    from hilum.bench.audit import grid as grid
    from hilum.bench.design import FACTORS as FACTORS
    from hilum.bench.design import Design as Design
    from hilum.bench.growth import Growth as Growth
    from hilum.bench.growth import bench_growth as bench_growth
    from hilum.bench.limit import Limit as Limit
    from hilum.bench.limit import bench_limit as bench_limit
    from hilum.bench.machine import Machine as Machine
    from hilum.bench.machine import this_machine as this_machine
    from hilum.bench.prediction import Prediction as Prediction
    from hilum.bench.prediction import Rate as Rate
    from hilum.bench.prediction import bench_prediction as bench_prediction
    from hilum.bench.spread import Spread as Spread
    from hilum.bench.trial import Trial as Trial
    from hilum.bench.trial import audited as audited
    from hilum.bench.tutorial import Comparison as Comparison
    from hilum.bench.tutorial import Tutorial as Tutorial
    from hilum.bench.tutorial import bench_tutorial as bench_tutorial

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "audit": ["Cell", "bench_audit", "cells", "grid"],
        "design": ["FACTORS", "Design"],
        "growth": ["Growth", "bench_growth"],
        "limit": ["Limit", "bench_limit"],
        "machine": ["Machine", "this_machine"],
        "prediction": ["Prediction", "Rate", "bench_prediction"],
        "spread": ["Spread"],
        "trial": ["Trial", "audited"],
        "tutorial": ["Comparison", "Tutorial", "bench_tutorial"],
    },
)
