from __future__ import annotations

import pytest
import torch

from hilum.backbone.weights import FeatureExtractor, create, find
from hilum.errors import BackboneError


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
    with pytest.raises(BackboneError, match="gives no feature map"):
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
