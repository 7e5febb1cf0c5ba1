"""What no feature depends on is not computed, and the features stay the same."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from hilum.backbone import open_backbone
from hilum.backbone.network import MapMean, WindowMeans
from hilum.backbone.openvino_runtime import compile_graph, convert, read_graph, trim
from hilum.recipe.settings import BackboneSettings, WindowPooling


class Joined(nn.Module):
    """A block whose branches join again."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, maps):
        return maps + self.conv(maps)


def converted(*layers: nn.Module, side: int = 32):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), *layers).eval()
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # OpenVINO traces
        traced = torch.jit.trace(module, torch.zeros(1, 1, side, side))
        return convert(traced, example_input=torch.zeros(1, 1, side, side), input=[1, 1, side, side])


def cuts(model) -> list[list[int]]:
    """Return the side of every cut, in the order of the data."""
    return [
        [size.get_length() for size in list(node.output(0).get_partial_shape())[2:]]
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Slice"
    ]


def same_features(whole, trimmed, side: int = 32) -> bool:
    pixels = np.random.default_rng(0).random((1, 1, side, side), dtype=np.float32)
    return np.array_equal(compile_graph(whole)([pixels])[0], compile_graph(trimmed)([pixels])[0])


def test_the_cuts_are_those_worked_out_by_hand():
    """A window of 5 of 8 cells: 20 of 32 rows before two halvings, 21 and 22 before two layers of 3 × 3."""
    layers = (nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.MaxPool2d(2), nn.MaxPool2d(2), WindowMeans(5))
    whole, model = converted(*layers), converted(*layers)
    trim(model)
    assert cuts(model) == [[22, 22], [21, 21], [20, 20]]
    assert same_features(whole, model)


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(4, 4, 5, stride=2, padding=2), WindowMeans(5)),
        (nn.Conv2d(4, 4, 3, dilation=3), nn.ReLU(), WindowMeans(15)),
        (nn.Conv2d(4, 4, 3, groups=4, padding=1), nn.BatchNorm2d(4), WindowMeans(10)),
        (nn.AvgPool2d(3, 2, padding=1), nn.Conv2d(4, 4, (1, 3)), WindowMeans(5)),
        (nn.MaxPool2d(3, 2, ceil_mode=True), WindowMeans(5)),
        (Joined(), nn.Conv2d(4, 4, 3, padding=1), WindowMeans(9)),
        (nn.Conv2d(4, 4, 3, padding=1), nn.InstanceNorm2d(4), WindowMeans(9)),
    ],
)
def test_features_stay_the_same_whatever_the_layers(layers):
    whole, model = converted(*layers), converted(*layers)
    trim(model)
    assert cuts(model)
    assert model.outputs[0].get_shape() == whole.outputs[0].get_shape()
    assert same_features(whole, model)


def test_what_every_cell_needs_is_not_cut():
    for layers in [(nn.Conv2d(4, 4, 3, padding=1), MapMean()), (nn.MaxPool2d(2), WindowMeans(4))]:
        model = converted(*layers)
        trim(model)
        assert not cuts(model)


def test_branches_that_join_are_left_as_they_are():
    model = converted(Joined(), WindowMeans(9))
    trim(model)
    assert cuts(model) == [[27, 27]]  # behind them; three windows of 9


def test_the_tutorial_s_network_is_cut_and_a_whole_map_is_not():
    tutorial = BackboneSettings(name="vgg16", weights="random", pooling=WindowPooling(size=4))
    assert cuts(read_graph(open_backbone(tutorial, 237).graph))[0] == [218, 218]
    whole = BackboneSettings(name="test_resnet", weights="random")
    assert not cuts(read_graph(open_backbone(whole, 64).graph))
