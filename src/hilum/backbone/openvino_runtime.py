"""OpenVINO without its telemetry, in a pinned precision.

OpenVINO's Python package reports its use to a statistics service when it finds no refusal on file. hilum
runs where patients' images are, so the reporting package is kept from loading; OpenVINO then uses its
own silent stand-in.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None makes its import fail

import openvino.opset13  # noqa: E402  after the line above, or it has already reported

from hilum.artifact import replacing  # noqa: E402

__all__ = ["Haste", "compile_float32", "openvino", "read_graph", "save_graph"]


class Haste(StrEnum):
    """What a compiled model is to be fast at, by OpenVINO's names."""

    LATENCY = "LATENCY"
    """One image, on all cores."""
    THROUGHPUT = "THROUGHPUT"
    """Many images, a few at a time."""


@cache
def _core() -> Any:
    return openvino.Core()


def compile_float32(model: Any, haste: Haste = Haste.LATENCY) -> Any:
    """Compile a model, or the path of its XML file, for the CPU in float32.

    Where the processor has bfloat16 OpenVINO would take it unasked; figures would then differ from machine to
    machine.

    Parameters
    ----------
    model : openvino.Model or str
    haste : Haste

    Returns
    -------
    openvino.CompiledModel
    """
    hints = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": haste.value}
    return _core().compile_model(model, "CPU", hints)


def read_graph(path: Path) -> Any:
    """Read OpenVINO IR as a model that can be added to."""
    return _core().read_model(path)


def save_graph(model: Any, path: Path) -> None:
    """Write a model as OpenVINO IR in float32: `path`, and its tensors beside it as ``.bin``.

    The same model gives the same bytes: nodes are numbered, since OpenVINO names them by what the process
    did before.
    """
    model.set_friendly_name("hilum")
    for number, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{number}")
    with replacing(path) as temporary:
        openvino.save_model(model, temporary, compress_to_fp16=False)
        temporary.with_suffix(".bin").replace(path.with_suffix(".bin"))
