"""Any classifier on files: one prediction a file, whatever the file is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hilum.classifier import FunctionClassifier, Threshold
from hilum.errors import BundleError, ClassifierError
from hilum.run.predict import Prediction, predict


class Brightness:
    """A classifier with no more than the protocol asks for."""

    classes = ("dark", "gray", "bright")
    side = None
    threshold = None

    def __init__(self):
        self.batches = []

    def predict(self, radiographs):
        means = np.array([radiograph.pixels.mean() for radiograph in radiographs])
        self.batches.append(len(means))
        distance = np.abs(means[:, None] - [0, 0.5, 1])
        return (1 - distance) / (1 - distance).sum(axis=1, keepdims=True)


@pytest.fixture
def files(tmp_path):
    """Seventy images, from dark to bright; the second and the last are no images."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(70):
        pixels = np.clip(rng.normal(20 + 3 * number, 5, (20, 20)), 0, 255).astype(np.uint8)
        paths.append(tmp_path / f"{number:02}.png")
        Image.fromarray(pixels).save(paths[-1])
    for broken in (paths[1], paths[-1]):
        broken.write_bytes(b"<html>not found</html>")
    return paths


def test_files_keep_their_order_and_bad_ones_end_nothing(files):
    model = Brightness()
    found = list(predict(model, files))
    assert [one.image for one in found] == [str(path) for path in files]
    assert [one.image for one in found if one.error is not None] == [str(files[1]), str(files[-1])]
    assert [found[0].predicted, found[35].predicted, found[68].predicted] == ["dark", "gray", "bright"]
    assert found[0].threshold is None
    assert max(model.batches) < len(files)
    assert sum(model.batches) == 68


def test_predictions_are_given_before_all_files_are_read(files):
    class Watching:
        taken = 0

        def track(self, items, **_):
            for item in items:
                self.taken += 1
                yield item

        def say(self, message): ...

    model = FunctionClassifier(lambda pixels: pixels.mean(), ("dark", "bright"))
    watching = Watching()
    next(predict(model, files, watching))
    assert watching.taken < len(files)


def test_the_threshold_decides(files):
    model = FunctionClassifier(lambda pixels: 0.3, ("a", "b"), Threshold(0.3, "stated"))
    (found,) = predict(model, files[:1])
    assert (found.predicted, found.threshold) == ("b", 0.3)
    (found,) = predict(FunctionClassifier(lambda pixels: 0.3, ("a", "b")), files[:1])
    assert (found.predicted, found.threshold) == ("a", 0.5)


def test_an_error_of_the_classifier_names_the_image(files):
    def odd(pixels):
        if pixels.mean() > 0.5:
            raise KeyError("spacing")
        return 0.5

    with pytest.raises(
        ClassifierError, match=r"\d\d\.png: the function mine failed; found KeyError"
    ) as raised:
        list(predict(FunctionClassifier(odd, ("a", "b"), name="mine"), files))
    pixels = np.asarray(Image.open(raised.value.path))
    assert pixels.mean() / 255 > 0.5


def test_no_files_give_no_predictions(demo_run):
    assert list(predict(demo_run[0].model, [])) == []


def test_a_folder_is_taken_for_a_run_or_a_bundle(demo_run, files):
    run, _ = demo_run
    (found,) = predict(run.path, files[:1])
    assert found == next(predict(run.model, files[:1]))
    with pytest.raises(BundleError, match="no model is here"):
        predict(files[0].parent, files)


def test_a_missing_file_is_recorded_with_its_remedy(demo_run, tmp_path):
    (found,) = predict(demo_run[0].model, [tmp_path / "gone.png"])
    assert found.predicted is None
    assert found.as_dict() == {
        "image": str(tmp_path / "gone.png"),
        "error": "no such file. Check the name.",
    }


def test_a_prediction_has_a_class_or_an_error():
    with pytest.raises(ValueError, match="either a class or an error"):
        Prediction("a.png")
    with pytest.raises(ValueError, match="either a class or an error"):
        Prediction("a.png", predicted="x", error="y")
