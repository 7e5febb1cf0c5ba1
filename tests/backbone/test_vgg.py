"""The graph written from tensors is the converted network's, to the last bit, and needs no torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hilum.backbone import Backbone, OpenVinoEngine, backbone, open_backbone
from hilum.backbone.network import build_network, write_graph
from hilum.backbone.openvino_runtime import read_graph, save_graph
from hilum.backbone.vgg import build_vgg
from hilum.backbone.weights import random_extractor
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation, WindowPooling


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return a file of VGG16 with biases other than zero, and without a classifier."""
    state = random_extractor("vgg16", 64, seed=3).network.state_dict()
    generator = torch.Generator().manual_seed(4)
    for name, each in state.items():
        if name.endswith("bias"):
            each.normal_(std=0.1, generator=generator)
    path = tmp_path_factory.mktemp("weights") / "vgg.safetensors"
    save_file(state, path)
    return path


@pytest.mark.parametrize(
    ("name", "size", "pooling", "normalisation"),
    [
        ("vgg16", 237, WindowPooling(size=4), Normalisation.UNIT),
        ("vgg16", 64, MapPooling(), Normalisation.NETWORK),
        ("vgg19", 96, WindowPooling(size=2), Normalisation.NETWORK),
    ],
)
@pytest.mark.parametrize("choice", ["random", "file"])
def test_features_and_facts_are_those_of_the_converted_network(
    name, size, pooling, normalisation, choice, file, tmp_path
):
    if (name, choice) == ("vgg19", "file"):
        pytest.skip("the file is VGG16's")
    weights = str(file) if choice == "file" else "random"
    settings = BackboneSettings(name=name, weights=weights, pooling=pooling, normalisation=normalisation)
    model, facts = build_vgg(settings, size, 40)
    network, expected = build_network(settings, size, 40)
    assert facts == expected
    save_graph(model, tmp_path / "written.xml")
    write_graph(tmp_path / "converted.xml", network, size)
    assert str(read_graph(tmp_path / "written.xml").inputs[0].get_names()) == "{'pixels'}"
    pixels = np.random.default_rng(0).random((2, size, size), dtype=np.float32)
    found = [
        np.stack(list(OpenVinoEngine(Backbone(**vars(facts), graph=path, build=None)).run(pixels)))
        for path in (tmp_path / "written.xml", tmp_path / "converted.xml")
    ]
    assert found[0].shape == (2, facts.features)
    assert np.array_equal(*found)


def test_a_file_is_opened_without_torch(file, tmp_path, monkeypatch):
    code = (
        "import sys\nfrom hilum.backbone import open_backbone\n"
        "from hilum.recipe.settings import BackboneSettings\n"
        f"open_backbone(BackboneSettings(name='vgg16', weights={str(file)!r}), 64)\n"
        "print('torch' in sys.modules)"
    )
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
    monkeypatch.setattr(backbone, "_start", None)
    settings = BackboneSettings(name="vgg16", weights=str(file))
    assert open_backbone(settings, 64).module.extractor.channels == 512


def spoiled(state, how):
    if how == "missing":
        del state["features.0.bias"]
    elif how == "shape":
        state["features.0.bias"] = torch.zeros(3)
    elif how == "not finite":
        state["features.0.bias"][0] = torch.nan
    else:
        state["features.1.bias"] = torch.zeros(64)
    return state


@pytest.mark.parametrize("how", ["missing", "shape", "not finite", "unexpected"])
def test_what_does_not_fit_is_left_to_the_general_way(file, tmp_path, how):
    path = tmp_path / "w.safetensors"
    save_file(spoiled(load_file(file), how), path)
    assert build_vgg(BackboneSettings(name="vgg16", weights=str(path)), 64, 0) is None


@pytest.mark.parametrize(("name", "size"), [("resnet18", 64), ("vgg16", 16), ("vgg16.tv_in1k", 64)])
def test_another_network_or_too_small_an_input_is_left_to_the_general_way(name, size):
    assert build_vgg(BackboneSettings(name=name, weights="random"), size, 0) is None
