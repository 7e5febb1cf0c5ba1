from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
import timm

from hilum.backbone.catalogue import ALIASES, EMBEDDED, Entry, canonical, entries
from hilum.backbone.weights import EMBEDDED_MEAN, EMBEDDED_STD, FeatureExtractor, create, find


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
