"""One graph from prepared pixels to probabilities."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hilum.artifact import replacing
from hilum.backbone.openvino_runtime import openvino
from hilum.classifier import Head, Output

__all__ = ["GRAPH_FILES", "write_graph"]

GRAPH_FILES = ("graph.xml", "graph.bin")


class _Graph(nn.Module):
    """Backbone and head in a row."""

    def __init__(self, backbone: nn.Module, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.layers = nn.ModuleList(_linear(layer.weight, layer.bias) for layer in head.layers)
        self.output = head.output

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        values = self.backbone(pixels)
        for layer in self.layers[:-1]:
            values = torch.relu(layer(values))
        values = self.layers[-1](values)
        if self.output is Output.SOFTMAX:
            return torch.softmax(values, dim=1)
        positive = torch.sigmoid(values)
        return torch.cat([1 - positive, positive], dim=1)


def _name(model: Any) -> None:
    """Number the nodes, since OpenVINO names them by what the process did before."""
    model.set_friendly_name("hilum")
    for number, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{number}")


def _linear(weight: object, bias: object) -> nn.Linear:
    tensors = [torch.as_tensor(value).clone() for value in (weight, bias)]
    layer = nn.Linear(tensors[0].shape[1], tensors[0].shape[0])
    layer.weight, layer.bias = (nn.Parameter(tensor, requires_grad=False) for tensor in tensors)
    return layer


def write_graph(folder: Path, backbone: nn.Module, head: Head, size: int) -> None:
    """Write the graph as OpenVINO IR, in float32.

    Its input is ``pixels``, float32 (n, 1, size, size) in [0, 1]; its output ``probabilities``, float32
    (n, classes).

    Parameters
    ----------
    folder : Path
    backbone : torch.nn.Module
        From that input to features.
    head : Head
    size : int
        Side of the input in pixels.
    """
    graph = _Graph(backbone, head).eval()
    example = torch.zeros(1, 1, size, size)
    with warnings.catch_warnings(), torch.inference_mode():
        # OpenVINO traces; PyTorch would rather export, which takes four times as long for the same graph.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(graph, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, example_input=example, input=[-1, 1, size, size])
    _name(model)
    model.inputs[0].tensor.set_names({"pixels"})
    model.outputs[0].tensor.set_names({"probabilities"})
    with replacing(folder / GRAPH_FILES[0]) as temporary:
        openvino.save_model(model, temporary, compress_to_fp16=False)
        temporary.with_suffix(".bin").replace(folder / GRAPH_FILES[1])
