"""One graph from prepared pixels to probabilities: the backbone's, with the head behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hilum.backbone.openvino_runtime import openvino, read_graph, save_graph
from hilum.bundle.parts import GRAPH_FILES
from hilum.classifier import Head, Layer, Output

__all__ = ["write_graph"]

_ops = openvino.opset13


def write_graph(folder: Path, backbone: Path, head: Head) -> None:
    """Write the graph as OpenVINO IR, in float32.

    Its input is ``pixels``, float32 (n, 1, size, size) in [0, 1]; its output ``probabilities``, float32
    (n, classes).

    Parameters
    ----------
    folder : Path
    backbone : Path
        Its graph, from that input to features.
    head : Head
    """
    model = read_graph(backbone)
    (values,) = model.outputs[0].node.input_values()
    for layer in head.layers[:-1]:
        values = _ops.relu(_dense(values, layer))
    values = _dense(values, head.layers[-1])
    whole = openvino.Model([_probabilities(values, head.output)], model.get_parameters())
    whole.outputs[0].tensor.set_names({"probabilities"})
    save_graph(whole, folder / GRAPH_FILES[0])


def _dense(values: Any, layer: Layer) -> Any:
    product = _ops.matmul(values, _ops.constant(layer.weight), transpose_a=False, transpose_b=True)
    return _ops.add(product, _ops.constant(layer.bias[None]))


def _probabilities(values: Any, output: Output) -> Any:
    if output is Output.SOFTMAX:
        return _ops.softmax(values, axis=1)
    positive = _ops.sigmoid(values)
    return _ops.concat([_ops.subtract(_ops.constant(np.float32(1)), positive), positive], axis=1)
