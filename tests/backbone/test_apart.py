"""Building a network elsewhere gives the same, and leaves PyTorch elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from hilum.backbone import OpenVinoEngine, backbone, open_backbone
from hilum.recipe.settings import BackboneSettings

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


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A cache without networks, in a process that seems to be without torch; returns the commands run."""
    commands = []
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path))
    monkeypatch.setattr(backbone, "accelerator", lambda: None)
    monkeypatch.setattr(backbone, "_torch_is_loaded", lambda: False)
    monkeypatch.setattr(backbone.subprocess, "run", lambda words, **_: commands.append(words))
    return commands


def test_where_it_fails_the_network_is_built_here(fresh):
    """The other process is not run at all, as one that is killed."""
    opened = open_backbone(SETTINGS, 64, seed=8)
    assert len(fresh) == 1
    assert opened.graph.is_file()
    assert backbone.facts_at(backbone.place_of(SETTINGS, 64, 8)) is not None


def test_a_missing_interpreter_is_no_error(fresh, monkeypatch):
    def fail(*_arguments, **_options):
        raise FileNotFoundError

    monkeypatch.setattr(backbone.subprocess, "run", fail)
    assert open_backbone(SETTINGS, 64, seed=9).graph.is_file()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_where_torch_will_be_needed_it_is_built_here(fresh, device, monkeypatch):
    monkeypatch.setattr(backbone, "accelerator", lambda: device)
    open_backbone(SETTINGS, 64, seed=10)
    assert fresh == []


def test_a_known_network_is_not_built_again(fresh):
    open_backbone(SETTINGS, 64, seed=11)
    fresh.clear()
    open_backbone(SETTINGS, 64, seed=11)
    assert fresh == []
