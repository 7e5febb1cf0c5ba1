"""A network as an OpenVINO graph."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from hilum.backbone.openvino_runtime import convert, save_graph
from hilum.backbone.trim import trim

__all__ = ["write_graph"]


def write_graph(path: Path, module: nn.Module, size: int) -> None:
    """Write a module as OpenVINO IR in float32: an XML file and, beside it, its tensors.

    What its pooling does not see is left out; see `hilum.backbone.trim`.

    Parameters
    ----------
    path : Path
        Of the XML file.
    module : torch.nn.Module
        From float32 (n, 1, size, size), which the graph names ``pixels``, to float32 (n, features).
    size : int
        Side of its input in pixels.
    """
    example = torch.zeros(1, 1, size, size)
    with warnings.catch_warnings(), torch.inference_mode():
        # OpenVINO traces; PyTorch would rather export, which takes four times as long for the same graph.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = convert(traced, example_input=example, input=[-1, 1, size, size])
    trim(model)
    model.inputs[0].tensor.set_names({"pixels"})
    model.outputs[0].tensor.set_names({"features"})
    save_graph(model, path)
