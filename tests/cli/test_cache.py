from __future__ import annotations

import numpy as np
import pytest

from hilum.backbone.cache import Context, FeatureStore, Record
from hilum.radiograph import Header


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path))
    with FeatureStore.open() as store:
        for key, network in (("a", "resnetv2_50"), ("b", "vgg16")):
            section = store.section(Context(key * 32, network, "square-3-64-stretch", "cpu"))
            section.put([Record("image", np.zeros(8, np.float32), Header("PNG", 40, 50, "L", 8, 123))])
    return tmp_path


def sections(cache) -> set[str]:
    return {path.name[0] for path in (cache / "features").glob("[ab]*")}


def test_info_shows_networks_images_and_sizes(call, cache):
    shown = call("cache", "info").stdout
    for word in (str(cache), "features", "resnetv2_50", "square-3-64-stretch", "vgg16", "MB", "today"):
        assert word in shown


def test_info_of_an_empty_cache(call, tmp_path, monkeypatch):
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path / "none"))
    done = call("cache", "info")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "The cache is empty.")


def test_prune_removes_one_network_by_any_of_its_names(call, cache):
    done = call("cache", "prune", "--network", "ResNet50V2")
    assert done.exit_code == 0
    assert "freed" in done.stdout
    assert sections(cache) == {"b"}


def test_entries_must_match_all_options(call, cache):
    call("cache", "prune", "--network", "vgg16", "--older-than", 1)
    assert sections(cache) == {"a", "b"}


def test_prune_all_leaves_nothing(call, cache):
    call("cache", "prune", "--all")
    assert sections(cache) == set()


def test_a_dry_run_removes_nothing(call, cache):
    assert "would be freed" in call("cache", "prune", "--all", "--dry-run").stdout
    assert sections(cache) == {"a", "b"}


def test_prune_needs_an_option(call, cache):
    done = call("cache", "prune")
    assert done.exit_code == 2
    assert "--older-than" in done.stderr
    assert sections(cache) == {"a", "b"}


def test_prune_refuses_while_the_cache_is_in_use(call, cache):
    with FeatureStore.open():
        done = call("cache", "prune", "--all")
    assert done.exit_code == 1
    assert "another hilum process uses the cache" in done.stderr
    assert sections(cache) == {"a", "b"}
