"""Benchmarks that anyone can repeat: ``hilum bench``."""

from __future__ import annotations

from hilum.bench.audit import Cell, bench_audit, cells, grid
from hilum.bench.design import FACTORS, Design
from hilum.bench.trial import Trial, audited

__all__ = ["FACTORS", "Cell", "Design", "Trial", "audited", "bench_audit", "cells", "grid"]
