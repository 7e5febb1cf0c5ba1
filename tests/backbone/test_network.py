from __future__ import annotations

import numpy as np
import pytest
import torch

from hilum.backbone import Backbone, open_backbone
from hilum.backbone.openvino_runtime import compile_graph, convert
from hilum.errors import BackboneError
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation, WindowPooling

pytestmark = pytest.mark.filterwarnings("ignore:.*jit.*:FutureWarning", "ignore:.*jit.*:DeprecationWarning")

SMALL = {"name": "test_resnet", "weights": "random"}


def small(size: int | None = 64, seed: int = 1, **changes) -> Backbone:
    return open_backbone(BackboneSettings(**(SMALL | changes)), size, seed)


def test_it_is_normalisation_trunk_and_pooling_in_a_row():
    backbone = small()
    pixels = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        expected = backbone.module.extractor((pixels.repeat(1, 3, 1, 1) - 0.5) / 0.5).mean((2, 3))
        found = backbone.module(pixels)
    assert torch.allclose(found, expected, atol=1e-6)
    assert found.shape == (2, backbone.features)


def test_unit_normalisation_passes_pixels_on_as_they_are():
    backbone = small(normalisation=Normalisation.UNIT)
    pixels = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        expected = backbone.module.extractor(pixels.repeat(1, 3, 1, 1)).mean((2, 3))
        assert torch.equal(backbone.module(pixels), expected)


def test_the_size_is_the_networks_own_unless_another_is_asked_for():
    assert small(None).size == 160
    assert small(64).size == 64


def test_vgg16_at_237_px_gives_the_tutorials_features():
    """A map of 7 × 7 × 512 has nine windows of 2."""
    backbone = small(237, name="VGG16", pooling=WindowPooling(size=2))
    assert (backbone.name, backbone.module.extractor.side) == ("vgg16", 7)
    assert (backbone.features, backbone.parameters) == (4608, 14_714_688)


def test_the_key_sees_all_that_changes_features():
    settings = [
        {},
        {"seed": 2},
        {"size": 96},
        {"normalisation": Normalisation.UNIT},
        {"pooling": WindowPooling(size=1)},
        {"name": "test_efficientnet"},
    ]
    keys = [small(**change).key for change in settings]
    assert len(set(keys)) == len(keys)
    assert small().key == keys[0]
    assert small(pooling=MapPooling()).key == keys[0]


def test_too_small_an_input_for_the_pooling_is_refused():
    with pytest.raises(BackboneError, match="larger than the feature map"):
        small(64, pooling=WindowPooling(size=9))


@pytest.mark.parametrize("pooling", [MapPooling(), WindowPooling(size=2)])
def test_openvino_converts_it_and_agrees(pooling):
    backbone = small(96, pooling=pooling)
    graph = convert(backbone.module, example_input=torch.zeros(1, 1, 96, 96), input=[-1, 1, 96, 96])
    pixels = np.random.default_rng(0).random((3, 1, 96, 96), dtype=np.float32)
    found = compile_graph(graph)(pixels)[0]
    with torch.inference_mode():
        expected = backbone.module(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_openvino_agrees_on_the_embedded_network():
    backbone = open_backbone(BackboneSettings(), 96)
    graph = convert(backbone.module, example_input=torch.zeros(1, 1, 96, 96), input=[-1, 1, 96, 96])
    pixels = np.random.default_rng(0).random((2, 1, 96, 96), dtype=np.float32)
    with torch.inference_mode():
        expected = backbone.module(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(compile_graph(graph)(pixels)[0], expected, atol=1e-4)
