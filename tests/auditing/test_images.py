from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hilum.auditing import ABLATIONS, ProbeImages
from hilum.auditing.ablation import grey_values
from hilum.backbone import FeatureStore, OpenVinoEngine, open_backbone
from hilum.errors import AuditError
from hilum.radiograph import Preprocessing, read
from hilum.recipe.settings import BackboneSettings


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (70, 80), dtype=np.uint8)).save(path)
    backbone = open_backbone(BackboneSettings(name="test_resnet", weights="random"), 64, seed=1)
    with FeatureStore.open(tmp_path / "store") as store:
        yield ProbeImages(paths, backbone, OpenVinoEngine(backbone), Preprocessing(64), store)


def preprocessed(images, rows):
    return [images.preprocessing.apply(read(images.paths[row]).pixels) for row in rows]


@pytest.mark.parametrize("surveyed", [False, True])
def test_features_are_those_of_the_ablated_pixels(images, surveyed):
    if surveyed:
        images.survey([0, 1, 3])
    for ablation in (None, ABLATIONS["border"]):
        pixels = preprocessed(images, [3, 0])
        pixels = pixels if ablation is None else map(ablation.apply, pixels)
        expected = np.stack(list(OpenVinoEngine(images.backbone).run(pixels)))
        assert np.array_equal(images.features([3, 0], ablation), expected)


@pytest.mark.parametrize("surveyed", [False, True])
def test_histograms_are_those_of_the_networks_input(images, surveyed):
    if surveyed:
        images.survey([0, 1, 3])
    expected = np.stack([grey_values(one) for one in preprocessed(images, [3, 0])])
    np.testing.assert_array_equal(images.histograms([3, 0]), expected)


def test_a_survey_reads_each_file_once(images, monkeypatch):
    from hilum.backbone import features

    opened = []
    read_content = features.read_content
    monkeypatch.setattr(features, "read_content", lambda path: opened.append(path) or read_content(path))
    images.survey([0, 1, 3])
    for ablation in (None, ABLATIONS["border"], ABLATIONS["lungs_removed"], ABLATIONS["thumbnail"]):
        images.features([0, 1, 3], ablation)
    images.features(range(4))
    images.histograms([1, 3])
    assert sorted(opened) == sorted(images.paths)


def test_a_missing_image_is_an_error(images):
    images.paths[1].unlink()
    with pytest.raises(AuditError, match="1 of 4 images cannot be read"):
        images.features(range(4))
