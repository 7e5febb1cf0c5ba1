"""OpenVINO without its telemetry, in a pinned precision.

OpenVINO's Python package reports its use to a statistics service when it finds no refusal on file. hilum
runs where patients' images are, so the reporting package is kept from loading; OpenVINO then uses its
own silent stand-in.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None makes its import fail

import openvino  # noqa: E402  after the line above, or it has already reported

__all__ = ["compile_float32", "openvino"]


@cache
def _core() -> Any:
    return openvino.Core()


def compile_float32(model: Any) -> Any:
    """Compile a model, or the path of its XML file, for the CPU in float32.

    Where the processor has bfloat16 OpenVINO would take it unasked; figures would then differ from machine to
    machine.

    Parameters
    ----------
    model : openvino.Model or str

    Returns
    -------
    openvino.CompiledModel
    """
    hints = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    return _core().compile_model(model, "CPU", hints)
