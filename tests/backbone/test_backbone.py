"""A network is built once, where need be in a subprocess; afterwards it is read from the cache."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hilum.backbone import OpenVinoEngine, backbone, open_backbone, prepare_backbone
from hilum.backbone.openvino_runtime import compile_graph
from hilum.backbone.weights import create
from hilum.recipe.settings import BackboneSettings, Normalisation, WindowPooling

SMALL = "test_resnet"
RANDOM = BackboneSettings(name=SMALL, weights="random")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def builds(monkeypatch):
    """Return the list of networks that were built."""
    from hilum.backbone import network

    seen = []

    def counting(settings, size, seed):
        seen.append(settings.name)
        return network_build(settings, size, seed)

    network_build = network.build_network
    monkeypatch.setattr(network, "build_network", counting)
    return seen


def pixels(size=64):
    return np.random.default_rng(0).random((2, 1, size, size), dtype=np.float32)


def test_a_network_is_built_once_and_gives_the_same_facts(builds):
    first = open_backbone(RANDOM, 64)
    second = open_backbone(RANDOM, 64)
    assert builds == [SMALL]
    assert second.key == first.key
    assert (second.features, second.parameters, second.weights) == (
        first.features,
        first.parameters,
        first.weights,
    )
    with torch.inference_mode():
        values = first.module(torch.from_numpy(pixels())).numpy()
        assert np.array_equal(second.module(torch.from_numpy(pixels())).numpy(), values)


@pytest.mark.parametrize(
    "settings",
    [RANDOM, RANDOM.model_copy(update={"pooling": WindowPooling(size=1)}), BackboneSettings()],
    ids=["map", "windows", "embedded"],
)
def test_the_graph_gives_what_the_module_gives(settings):
    backbone = open_backbone(settings, 64)
    found = compile_graph(str(backbone.graph))(pixels())[0]
    with torch.inference_mode():
        expected = backbone.module(torch.from_numpy(pixels())).numpy()
    assert found.shape == (2, backbone.features)
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-4)


def test_what_decides_the_network_decides_its_place():
    places = {
        backbone._folder(settings, size, seed)
        for settings, size, seed in [
            (RANDOM, 64, 0),
            (RANDOM, 64, 1),
            (RANDOM, 96, 0),
            (RANDOM, None, 0),
            (RANDOM.model_copy(update={"pooling": WindowPooling(size=2)}), 64, 0),
            (RANDOM.model_copy(update={"normalisation": Normalisation.UNIT}), 64, 0),
            (BackboneSettings(), 64, 0),
        ]
    }
    assert len(places) == 7
    assert None not in places


def test_an_alias_is_the_same_network():
    one, other = (BackboneSettings(name=name, weights="random") for name in ("xception", "legacy_xception"))
    assert backbone._folder(one, 64, 0) == backbone._folder(other, 64, 0)


def test_another_content_of_a_weights_file_is_another_network(tmp_path):
    path = tmp_path / "w.safetensors"
    settings = BackboneSettings(name=SMALL, weights=str(path))
    assert backbone._folder(settings, 64, 0) is None
    keys = []
    for seed in (0, 1):
        save_file(create(SMALL, seed=seed).state_dict(), path)
        keys.append(open_backbone(settings, 64).key)
    assert keys[0] != keys[1]


@pytest.mark.parametrize("name", ["graph.xml", "graph.bin", "facts.json"])
def test_a_damaged_file_is_made_anew(builds, name):
    backbone = open_backbone(RANDOM, 64)
    path = backbone.graph.with_name(name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    again = open_backbone(RANDOM, 64)
    assert len(builds) == 2
    assert again.graph.with_name(name).read_bytes() == content


def test_facts_that_another_version_wrote_are_made_anew(builds):
    path = open_backbone(RANDOM, 64).graph.with_name("facts.json")
    kept = json.loads(path.read_text())
    del kept["facts"]["features"]
    path.write_text(json.dumps(kept))
    open_backbone(RANDOM, 64)
    assert len(builds) == 2


def test_a_cache_that_cannot_be_written_costs_time_and_no_result(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path / "file"))
    backbone = open_backbone(RANDOM, 64)
    assert compile_graph(str(backbone.graph))(pixels())[0].shape == (2, backbone.features)


def test_a_network_that_is_known_needs_no_torch():
    open_backbone(RANDOM, 64)
    code = (
        "import sys\nfrom hilum.backbone import open_backbone\n"
        "from hilum.recipe.settings import BackboneSettings\n"
        f"open_backbone(BackboneSettings(name={SMALL!r}, weights='random'), 64)\n"
        "print('torch' in sys.modules, 'timm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


SETTINGS = BackboneSettings(name="test_resnet", weights="random")
CODE = """
import json, sys
import numpy as np
from hilum.backbone import OpenVinoEngine, open_backbone
from hilum.recipe.settings import BackboneSettings
backbone = open_backbone(BackboneSettings(name="test_resnet", weights="random"), 64, seed=7)
square = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
(found,) = OpenVinoEngine(backbone).run([square])
print(json.dumps({"torch": "torch" in sys.modules, "values": found.tolist()}))
"""


def test_a_new_network_is_built_without_torch_in_this_process(tmp_path, monkeypatch):
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    elsewhere = json.loads(done.stdout)
    assert elsewhere["torch"] is False
    assert len(list(tmp_path.glob("networks/*/graph.bin"))) == 1
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path / "own"))
    square = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    (here,) = OpenVinoEngine(open_backbone(SETTINGS, 64, seed=7)).run([square])
    assert np.array_equal(np.array(elsewhere["values"], np.float32), here)


class Process:
    """Stands for a process that ends without doing anything, as one that is killed."""

    def wait(self):
        pass


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A cache without networks, in a process that seems to be without torch; returns the commands run."""
    commands = []

    def start(words, **_options):
        commands.append(words)
        return Process()

    monkeypatch.setenv("HILUM_CACHE", str(tmp_path))
    monkeypatch.setattr(backbone, "accelerator", lambda: None)
    monkeypatch.setattr(backbone, "_torch_is_loaded", lambda: False)
    monkeypatch.setattr(backbone.subprocess, "Popen", start)
    return commands


def test_where_it_fails_the_network_is_built_here(fresh):
    opened = open_backbone(SETTINGS, 64, seed=8)
    assert len(fresh) == 1
    assert opened.graph.is_file()
    assert backbone._read(backbone._folder(SETTINGS, 64, 8)) is not None


def test_what_was_started_early_is_waited_for_and_not_started_again(fresh):
    prepare_backbone(SETTINGS, 64, seed=12)
    prepare_backbone(SETTINGS, 64, seed=12)
    assert len(fresh) == 1
    folder = backbone._folder(SETTINGS, 64, 12)
    backbone.build(SETTINGS.model_dump_json(), "64", "12")  # what the other process does
    assert open_backbone(SETTINGS, 64, seed=12).graph == folder / "graph.xml"
    assert len(fresh) == 1
    prepare_backbone(SETTINGS, 64, seed=12)
    assert len(fresh) == 1


def test_a_missing_interpreter_is_no_error(fresh, monkeypatch):
    def fail(*_arguments, **_options):
        raise FileNotFoundError

    monkeypatch.setattr(backbone.subprocess, "Popen", fail)
    assert open_backbone(SETTINGS, 64, seed=9).graph.is_file()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_where_torch_will_be_needed_it_is_built_here(fresh, device, monkeypatch):
    monkeypatch.setattr(backbone, "accelerator", lambda: device)
    prepare_backbone(SETTINGS, 64, seed=10)
    open_backbone(SETTINGS, 64, seed=10)
    assert fresh == []


def test_a_known_network_is_not_built_again(fresh):
    open_backbone(SETTINGS, 64, seed=11)
    fresh.clear()
    open_backbone(SETTINGS, 64, seed=11)
    assert fresh == []
