"""The list agrees with timm, and weights come from the hub or from a server."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import huggingface_hub.constants
import pytest
import timm

from hilum.backbone.catalogue import (
    ALIASES,
    EMBEDDED,
    Entry,
    canonical,
    entries,
    fetch_from_hub,
    fetch_from_url,
    is_local,
    url_cache,
)
from hilum.backbone.network import FeatureExtractor
from hilum.backbone.weights import EMBEDDED_MEAN, EMBEDDED_STD, create, find
from hilum.errors import OfflineError, WeightsError


def test_reading_it_loads_no_torch():
    code = "import hilum.backbone as b, sys; len(b.entries()); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_telling_what_is_here_loads_no_torch():
    code = (
        "import hilum.backbone as b, sys; b.is_local(b.entries()['vgg16']); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_entry_is_a_network_of_timm_with_the_record_that_it_states():
    for entry in entries().values():
        record = find(entry.name)
        assert (entry.size, entry.licence, entry.hub) == (record.size, record.licence, record.hub)
        assert entry.hub or entry.url
        if entry.name != EMBEDDED:
            assert (entry.mean, entry.std) == (record.mean, record.std)


def test_the_embedded_entry_comes_first_and_states_its_own_normalisation():
    first = next(iter(entries().values()))
    assert first.name == EMBEDDED
    assert first.mean == pytest.approx(EMBEDDED_MEAN)
    assert first.std == pytest.approx(EMBEDDED_STD)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "mobilenetv3_large_100"])
def test_measured_facts_are_what_timm_builds_today(name):
    entry = entries()[name]
    extractor = FeatureExtractor(create(name), name, entry.size)
    assert (entry.parameters, entry.features, entry.map) == (
        extractor.parameters_count,
        extractor.channels,
        extractor.side,
    )


def test_vgg16_has_the_parameters_of_its_thirteen_convolutions():
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    by_hand = sum(9 * a * b + b for a, b in pairwise(widths))
    assert entries()["vgg16"].parameters == by_hand == 14_714_688


def test_aliases_lead_to_networks_of_timm():
    assert all(timm.is_model(name) for name in ALIASES.values())
    assert canonical("Xception") == "legacy_xception"
    assert canonical("resnet50v2") == "resnetv2_50"


def test_an_impossible_entry_is_refused():
    facts = {"name": "x", "title": "X", "licence": "", "hub": "", "url": "", "paper": ""}
    with pytest.raises(ValueError, match="three means"):
        Entry(**facts, parameters=1, features=1, map=1, size=1, mean=(0.5,), std=(1, 1, 1))


COMMIT = "0" * 40


@pytest.fixture
def hub_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put_into_cache(cache: Path, repository: str, content: bytes) -> Path:
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    path = folder / "snapshots" / COMMIT / "model.safetensors"
    path.write_bytes(content)
    return path


class Server(BaseHTTPRequestHandler):
    """One file, as a hub or a plain server gives it."""

    content = b"weights"

    def do_HEAD(self):
        found = self.path == "/" or self.path.endswith(("model.safetensors", ".pth"))
        self.send_response(200 if found else 404)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"abc"')
        self.send_header("Content-Length", str(len(self.content) if found else 0))
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(self.content)

    def log_message(self, *_args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_cached_file_is_used_without_asking_the_network(hub_cache, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    path = put_into_cache(hub_cache, "timm/resnet18.a1_in1k", b"x")
    assert fetch_from_hub("timm/resnet18.a1_in1k") == path
    assert is_local(entries()["resnet18"])
    assert not is_local(entries()["resnet34"])


def test_a_hub_that_does_not_answer_is_offline_at_once(hub_cache, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(OfflineError, match=r"127\.0\.0\.1:9 cannot be reached"):
        fetch_from_hub("timm/resnet18.a1_in1k")


def test_offline_mode_is_honoured(hub_cache, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OfflineError, match="HF_HUB_OFFLINE is set"):
        fetch_from_hub("timm/resnet18.a1_in1k")


def test_weights_come_from_a_hub(tmp_path, server):
    """In a process of its own: the hub's client reads its variables when it is imported."""
    code = (
        "from hilum.backbone.catalogue import fetch_from_hub\n"
        "from hilum.errors import WeightsError\n"
        "print(fetch_from_hub('timm/x').read_bytes())\n"
    )
    environment = os.environ | {"HF_ENDPOINT": server, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "b'weights'", done.stderr


def test_a_plain_download_is_kept_and_checked_against_its_name(tmp_path, monkeypatch, server):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    digest = hashlib.sha256(Server.content).hexdigest()
    url = f"{server}/net-{digest[:8]}.pth"
    path = fetch_from_url(url)
    assert path == tmp_path / "hub" / "checkpoints" / f"net-{digest[:8]}.pth"
    assert path.read_bytes() == Server.content
    path.write_bytes(b"other")
    with pytest.raises(WeightsError, match="hash in its name"):
        fetch_from_url(url)


def test_a_plain_download_without_network_is_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(OfflineError, match="download failed"):
        fetch_from_url("http://127.0.0.1:9/net-01234567.pth")


def test_the_place_of_downloads_is_torchs_own(tmp_path, monkeypatch):
    import torch

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert url_cache("http://a/b.pth") == Path(torch.hub.get_dir()) / "checkpoints" / "b.pth"
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert url_cache("http://a/b.pth") == Path(torch.hub.get_dir()) / "checkpoints" / "b.pth"
