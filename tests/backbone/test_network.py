"""From gray pixels to features in PyTorch: what a network keeps, how it pools, and that OpenVINO agrees."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hilum.backbone import Backbone, TorchEngine, open_backbone
from hilum.backbone.network import FeatureExtractor, WindowMeans, pooling
from hilum.backbone.openvino_runtime import compile_graph, convert
from hilum.backbone.weights import create, find
from hilum.errors import BackboneError
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation, WindowPooling

pytestmark = pytest.mark.filterwarnings("ignore:.*jit.*:FutureWarning", "ignore:.*jit.*:DeprecationWarning")

SMALL = {"name": "test_resnet", "weights": "random"}


def small(size: int | None = 64, seed: int = 1, **changes) -> Backbone:
    return open_backbone(BackboneSettings(**(SMALL | changes)), size, seed)


def test_it_is_normalisation_extractor_and_pooling_in_a_row():
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


def test_a_typing_error_is_answered_with_names_like_it():
    with pytest.raises(BackboneError, match=r"no network 'resnet5'.*Did you mean resnet50"):
        find("resnet5")


def test_an_unknown_tag_is_answered_with_the_tags_that_there_are():
    with pytest.raises(BackboneError, match=r"no weights 'tv'.*vgg16\.tv_in1k"):
        find("vgg16.tv")


def test_a_tag_chooses_its_own_weights():
    assert find("resnet18.tv_in1k").hub == "timm/resnet18.tv_in1k"


def test_the_map_is_timms_own():
    network = create("test_resnet", seed=3)
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network.eval().forward_features(pixels)
        extractor = FeatureExtractor(network, "test_resnet", 64)
        found = extractor(pixels)
    assert torch.equal(found, expected)
    assert found.shape[1:] == (extractor.channels, extractor.side, extractor.side)


def test_the_classifier_is_cut_off_and_nothing_learns():
    extractor = FeatureExtractor(create("test_resnet"), "test_resnet", 64)
    assert "fc" in extractor.dropped
    assert not any(name.startswith("fc") for name in extractor.network.state_dict())
    assert not any(each.requires_grad for each in extractor.parameters())
    assert not extractor.network.training


def test_a_map_with_channels_last_is_turned():
    extractor = FeatureExtractor(create("test_mambaout"), "test_mambaout", 160)
    assert extractor.network.num_features == extractor.channels


@pytest.mark.parametrize("name", ["test_vit", "coat_tiny"])
def test_a_network_without_a_map_is_refused(name):
    network = create(name)
    with pytest.raises(BackboneError, match="has no feature map"):
        FeatureExtractor(network, name, find(name).size)


def test_a_size_that_a_network_does_not_take_is_refused():
    name = "swin_tiny_patch4_window7_224"
    with pytest.raises(BackboneError, match="does not take images of 96 × 96"):
        FeatureExtractor(create(name), name, 96)


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    create("test_resnet", seed=9)
    assert torch.equal(torch.rand(1), expected)


def test_windows_of_four_on_a_map_of_seven_see_rows_and_columns_0_to_3_only():
    cells = torch.rand(2, 3, 7, 7)
    found = WindowMeans(4)(cells)
    assert torch.allclose(found, cells[:, :, :4, :4].mean(dim=(2, 3)))
    cells[:, :, 4:, :] = 9
    cells[:, :, :, 4:] = 9
    assert torch.equal(WindowMeans(4)(cells), found)


def test_windows_of_two_on_a_map_of_seven_are_three_by_three_channel_by_channel():
    cells = torch.zeros(1, 2, 7, 7)
    cells[0, 1, 2:4, 4:6] = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    found = WindowMeans(2)(cells)
    assert found.shape == (1, 18)
    assert found[0, 9 + 1 * 3 + 2] == 3  # channel 1, window row 1, window column 2
    assert found.count_nonzero() == 1


def test_map_pooling_is_the_mean_of_all_cells():
    cells = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert pooling(MapPooling(), 2)(cells).tolist() == [[1.5, 5.5]]


def test_a_window_larger_than_the_map_is_refused():
    with pytest.raises(BackboneError, match="expected at most 7, found 8"):
        pooling(WindowPooling(size=8), 7)


def test_every_pass_has_the_same_number_of_images(small_backbone):
    seen = []

    def note(_module, inputs):
        seen.append(inputs[0].shape[0])

    pixels = np.random.default_rng(0).random((7, 64, 64), dtype=np.float32)
    hook = small_backbone.module.register_forward_pre_hook(note)
    found = list(TorchEngine(small_backbone, "cpu", batch=3).run(pixels))
    hook.remove()
    assert seen == [3, 3, 3]
    assert np.shape(found) == (7, small_backbone.features)
