from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from hilum.backbone import (
    FeatureStore,
    Observer,
    OpenVinoEngine,
    TorchEngine,
    View,
    extract,
    extract_views,
    features,
    open_backbone,
)
from hilum.backbone.weights import embedded_state
from hilum.errors import CorruptFileError
from hilum.files import hash_bytes
from hilum.radiograph import Fit, Preprocessing, read
from hilum.recipe.settings import BackboneSettings, Precision

PREPROCESSING = Preprocessing(64)


class CountingEngine:
    """Runs a network, and counts the images that it saw."""

    device = "here"
    precision = Precision.FLOAT32
    key = "counting"

    def __init__(self, backbone) -> None:
        self.engine = OpenVinoEngine(backbone)
        self.seen = 0

    def run(self, images_):
        return self.engine.run(self.counted(images_))

    def counted(self, images_):
        for image in images_:
            self.seen += 1
            yield image


@pytest.fixture
def engine(small_backbone):
    return CountingEngine(small_backbone)


@pytest.fixture
def store(tmp_path):
    with FeatureStore.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def decoded(monkeypatch):
    """Return a list that grows with every file decoded."""
    paths = []

    def counting(content, path, **options):
        paths.append(path)
        return features_decode(content, path, **options)

    features_decode = features.decode
    monkeypatch.setattr(features, "decode", counting)
    return paths


def test_rows_are_the_images_in_their_order(images, small_backbone):
    found = extract(images, PREPROCESSING, small_backbone)
    assert found.values.shape == (5, small_backbone.features)
    for row, path in enumerate(images):
        pixels = torch.from_numpy(PREPROCESSING.apply(read(path).pixels))[None, None]
        with torch.inference_mode():
            expected = small_backbone.module(pixels)[0].numpy()
        np.testing.assert_allclose(found.values[row], expected, rtol=1e-4, atol=1e-5)
        assert (found.headers[row].rows, found.headers[row].columns) == (40, 50)
    assert (found.failures, found.from_cache, found.precision) == ({}, 0, "float32")


def test_a_second_run_neither_decodes_nor_runs_the_network(images, small_backbone, engine, store, decoded):
    first = extract(images, PREPROCESSING, small_backbone, store, engine=engine)
    assert (first.from_cache, engine.seen, len(decoded), first.device) == (0, 5, 5, "here")
    second = extract(images, PREPROCESSING, small_backbone, store, engine=engine)
    assert (second.from_cache, engine.seen, len(decoded), second.device) == (5, 5, 5, "here")
    assert second.values.tobytes() == first.values.tobytes()
    assert second.headers == first.headers


def test_content_decides_not_names(images, small_backbone, engine, store, tmp_path):
    extract(images, PREPROCESSING, small_backbone, store, engine=engine)
    moved = images[0].rename(tmp_path / "moved.jpg")
    images[1].write_bytes(images[2].read_bytes())
    Image.fromarray(np.eye(40, dtype=np.uint8)).save(images[3])
    found = extract([moved, *images[1:]], PREPROCESSING, small_backbone, store, engine=engine)
    assert (found.from_cache, engine.seen) == (4, 6)
    assert np.array_equal(found.values[1], found.values[2])


def test_another_preprocessing_network_or_engine_is_computed_anew(images, small_backbone, engine, store):
    extract(images, PREPROCESSING, small_backbone, store, engine=engine)
    extract(images, Preprocessing(64, Fit.PAD), small_backbone, store, engine=engine)
    assert engine.seen == 10
    other = open_backbone(BackboneSettings(name="test_resnet", weights="random"), 64, seed=2)
    assert extract(images, PREPROCESSING, other, store).from_cache == 0
    torch_engine = TorchEngine(small_backbone, "cpu")
    assert extract(images, PREPROCESSING, small_backbone, store, engine=torch_engine).from_cache == 0


def test_work_taken_up_again_gives_what_unbroken_work_gives(images, small_backbone, store):
    unbroken = extract(images, PREPROCESSING, small_backbone)
    extract(images[1:3], PREPROCESSING, small_backbone, store)
    resumed = extract(images, PREPROCESSING, small_backbone, store)
    assert resumed.from_cache == 2
    assert resumed.values.tobytes() == unbroken.values.tobytes()


def test_bad_files_are_recorded_and_end_nothing(images, small_backbone, engine, store, tmp_path):
    images[1].write_bytes(images[1].read_bytes()[:60])
    images[3] = tmp_path / "missing.png"
    os.mkfifo(tmp_path / "pipe.png")
    images.append(tmp_path / "pipe.png")
    for seen in (3, 3):
        found = extract(images, PREPROCESSING, small_backbone, store, engine=engine)
        assert sorted(found.failures) == [1, 3, 5]
        assert isinstance(found.failures[1], CorruptFileError)
        assert "no such file" in str(found.failures[3])
        assert np.isnan(found.values[[1, 3, 5]]).all()
        assert np.isfinite(found.values[[0, 2, 4]]).all()
        assert [header is None for header in found.headers] == [False, True, False, True, False, True]
        assert engine.seen == seen


def test_no_images_give_no_rows(small_backbone):
    assert extract([], PREPROCESSING, small_backbone).values.shape == (0, small_backbone.features)


def test_only_a_bounded_number_of_images_waits(images, small_backbone, decoded):
    """Decoding runs ahead of the network by no more than its queue."""

    class Slow(CountingEngine):
        waiting = 0

        def run(self, images_):
            for done, image in enumerate(images_):
                time.sleep(0.001)
                self.waiting = max(self.waiting, len(decoded) - done)
                yield from self.engine.run([image])

    engine = Slow(small_backbone)
    extract(images * 30, PREPROCESSING, small_backbone, engine=engine)
    assert 1 < engine.waiting <= 5 * 8  # four that wait, and one at work, for each of at most eight threads


def test_an_interruption_leaves_no_threads(images, small_backbone):
    class Broken(CountingEngine):
        def run(self, images_):
            next(images_)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(images * 20, PREPROCESSING, small_backbone, engine=Broken(small_backbone))
    assert not [each for each in threading.enumerate() if each.name.startswith("hilum")]


def test_a_preprocessing_of_another_size_is_refused(images, small_backbone):
    with pytest.raises(ValueError, match="expected size 64, as the backbone's, found 32"):
        extract(images, Preprocessing(32), small_backbone)


class Negative:
    """An alteration."""

    key = "negative-1"

    def apply(self, pixels):
        return 1 - pixels


class Negated:
    """A preprocessing of the same values and key as `Negative` after `PREPROCESSING`."""

    size, key = PREPROCESSING.size, f"{PREPROCESSING.key}-{Negative.key}"

    def apply(self, pixels, extent=None):
        return 1 - PREPROCESSING.apply(pixels, extent)


@pytest.fixture(scope="module")
def larger_backbone():
    """Return the small network at 96 pixels."""
    return open_backbone(BackboneSettings(name="test_resnet", weights="random"), 96, seed=1)


@pytest.fixture
def views(small_backbone, larger_backbone):
    small, large = OpenVinoEngine(small_backbone), OpenVinoEngine(larger_backbone)
    return [
        View(PREPROCESSING, small_backbone, small),
        View(PREPROCESSING, small_backbone, small, Negative()),
        View(Preprocessing(64, Fit.PAD), small_backbone, small),
        View(Preprocessing(96), larger_backbone, large),
    ]


@pytest.fixture
def large_images(tmp_path):
    """Return a picture that 64 pixels need at half its size and 96 pixels need whole, and a small one."""
    rng = np.random.default_rng(1)
    paths = [tmp_path / name for name in ("large.png", "small.png")]
    for path, shape in zip(paths, ((600, 520), (200, 180)), strict=True):
        Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)).save(path)
    return paths


def test_views_give_what_each_gives_alone_with_one_decoding_for_each_reduction(
    large_images, views, tmp_path, decoded, monkeypatch
):
    monkeypatch.setattr(features, "_BATCH", 3)
    paths = [large_images[0], *[large_images[1]] * 4, tmp_path / "missing.png"]
    with FeatureStore.open(tmp_path / "together") as store:
        together = extract_views(paths, views, store)
        assert decoded.count(large_images[0]) == 2
        assert decoded.count(large_images[1]) == 4
        second = extract_views(paths, views, store)
    assert len(decoded) == 6
    assert [(each.from_cache, each.computed) for each in second] == [(5, 0)] * 4
    alone = [PREPROCESSING, Negated(), Preprocessing(64, Fit.PAD), Preprocessing(96)]
    for view, preprocessing, found, again in zip(views, alone, together, second, strict=True):
        with FeatureStore.open(tmp_path / "together") as store:
            known = extract(paths, preprocessing, view.backbone, store)
        expected = extract(paths, preprocessing, view.backbone)
        assert known.from_cache == 5
        assert found.values.tobytes() == expected.values.tobytes() == again.values.tobytes()
        assert found.headers == expected.headers == again.headers
        assert list(found.failures) == list(expected.failures) == [5]


def test_a_view_that_is_known_is_not_computed_with_those_that_are_not(images, views, store, decoded):
    extract_views(images[:3], views[:1], store)
    found = extract_views(images, views[:2], store)
    assert [(each.from_cache, each.computed) for each in found] == [(3, 2), (0, 5)]
    assert len(decoded) == 3 + 5


def test_observers_see_each_image_that_they_need_in_the_decoding_of_the_views(images, views, store, decoded):
    images[1] = images[1].with_name("missing.png")
    seen = []
    observer = Observer(lambda radiograph: radiograph.pixels.shape, lambda *facts: seen.append(facts))
    extract_views(images, views, store, observers=[observer])
    expected = [(row, hash_bytes(images[row].read_bytes()), (40, 50)) for row in (0, 2, 3, 4)]
    assert seen == expected
    assert len(decoded) == 4
    needs = {seen[0][1]}
    seen.clear()
    extract_views(images, views, store, observers=[replace(observer, needs=needs.__contains__)])
    assert seen == expected[:1]
    assert len(decoded) == 5


def test_observers_alone_need_no_network(images):
    seen = []
    observer = Observer(lambda radiograph: None, lambda row, *_: seen.append(row))
    assert extract_views(images, [], observers=[observer]) == []
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.real
def test_real_images_agree_with_a_plain_computation(real_data, store):
    folder = real_data / "kermany" / "chest_xray" / "train" / "NORMAL"
    paths = sorted(folder.glob("*.jpeg"))[:20]
    backbone = open_backbone(BackboneSettings())
    found = extract(paths, Preprocessing(224), backbone, store)
    assert np.isfinite(found.values).all()
    assert extract(paths, Preprocessing(224), backbone, store).from_cache == 20

    network = timm.create_model("tf_efficientnet_lite0", num_classes=1000).eval()
    network.load_state_dict(dict(zip(network.state_dict(), embedded_state().values(), strict=True)))
    for path, row in zip(paths, found.values, strict=True):
        pixels = np.repeat(Preprocessing(224).apply(read(path).pixels)[None, None], 3, axis=1)
        normal = torch.from_numpy((pixels * np.float32(255) - 127) / np.float32(128))
        with torch.inference_mode():
            expected = network.forward_features(normal).mean((2, 3))[0].numpy()
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=5e-5)
