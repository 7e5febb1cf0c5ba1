"""A bundle's graph, as it is run.

Any OpenVINO runtime can run it whole. hilum runs the backbone in the precision that the bundle states, and
the head in float32: it costs nothing, and decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hilum.backbone.openvino_runtime import openvino, read_graph

__all__ = ["GRAPH_FILES", "read_parts"]

GRAPH_FILES = ("graph.xml", "graph.bin")

_FEATURES = "features"  # as `hilum.backbone.graph` names its output


def read_parts(folder: Path) -> tuple[Any, Any]:
    """Read the graph in its two parts.

    Returns
    -------
    backbone : openvino.Model
        From float32 (1, 1, size, size) to float32 (1, features).
    head : openvino.Model
        From float32 (n, features) to float32 (n, classes).
    """
    backbone, head = (read_graph(folder / GRAPH_FILES[0]) for _ in range(2))
    backbone = openvino.Model([_features(backbone)], backbone.get_parameters())
    _, *shape = backbone.inputs[0].partial_shape
    backbone.reshape([1, *shape])
    found = _features(head)
    given = openvino.opset13.parameter(found.partial_shape, np.float32)
    for place in found.get_target_inputs():
        place.replace_source_output(given.output(0))
    return backbone, openvino.Model(head.outputs, [given])


def _features(model: Any) -> Any:
    return next(
        output
        for node in model.get_ordered_ops()
        for output in node.outputs()
        if _FEATURES in output.get_names()
    )
