"""Random networks are made up to their map, by their seed alone."""

from __future__ import annotations

import pytest
import torch

from hilum.backbone.weights import FeatureExtractor, create, random_extractor
from hilum.errors import BackboneError

PIXELS = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def maps(extractor: FeatureExtractor) -> torch.Tensor:
    with torch.inference_mode():
        return extractor(PIXELS)


def test_a_seed_makes_a_network_and_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    first, again, other = (maps(random_extractor("test_resnet", 64, seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_only_what_leads_to_the_map_is_made():
    extractor = random_extractor("vgg16", 64, 0)
    assert extractor.dropped == ("pre_logits", "head")
    assert extractor.parameters_count == 14_714_688  # of 138 million
    assert (extractor.channels, extractor.side) == (512, 2)
    assert not any(each.is_meta for each in extractor.state_dict().values())


@pytest.mark.parametrize("name", ["vgg16", "efficientnet_lite0", "densenet121"])
def test_values_keep_their_spread_through_the_layers(name):
    """Weights too small or too large by a tenth a layer would vanish or grow beyond this."""
    found = maps(random_extractor(name, 64, 1))
    assert 1e-3 < float(found.abs().mean()) < 1e3


def test_a_network_of_other_layers_is_filled_by_timm():
    name = "test_convnext"  # it scales its branches by weights of their own
    expected = FeatureExtractor(create(name, seed=5), name, 64)
    assert torch.equal(maps(random_extractor(name, 64, 5)), maps(expected))


def test_a_size_that_the_network_does_not_take_is_refused():
    with pytest.raises(BackboneError, match="does not take images of 1 × 1 pixels"):
        random_extractor("vgg16", 1, 0)
