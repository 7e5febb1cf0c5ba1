"""A bundle is whole and as it was saved, or it is refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from hilum.bundle import Bundle
from hilum.classifier import Classifier
from hilum.errors import BundleError
from hilum.radiograph import read


@pytest.fixture
def copy(demo_run, tmp_path):
    run, _ = demo_run
    shutil.copytree(run.path / "model", tmp_path / "model")
    return tmp_path / "model"


def test_a_bundle_loads_from_its_folder_and_from_its_run(demo_run, copy):
    run, _ = demo_run
    assert Bundle.load(run.path).manifest == Bundle.load(copy).manifest


@pytest.mark.parametrize("name", ["graph.xml", "graph.bin", "head.safetensors"])
def test_an_altered_file_is_refused(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{name}: a file of the model was altered.*SHA-256"):
        Bundle.load(copy)


def test_a_missing_file_is_named(copy):
    (copy / "graph.bin").unlink()
    with pytest.raises(BundleError, match=r"graph\.bin: a file of the model is missing"):
        Bundle.load(copy)


@pytest.mark.parametrize(
    ("key", "value"), [("schema_version", 2), ("classes", "Normal"), ("threshold", {"value": "high"})]
)
def test_a_manifest_of_another_form_is_refused(copy, key, value):
    facts = json.loads((copy / "bundle.json").read_text())
    facts[key] = value
    (copy / "bundle.json").write_text(json.dumps(facts))
    with pytest.raises(BundleError, match=f"{key}.* is not as this version of hilum writes it"):
        Bundle.load(copy)


def test_no_model_is_a_clear_error(tmp_path):
    with pytest.raises(BundleError, match="no model is here"):
        Bundle.load(tmp_path)


def test_a_manifest_cannot_point_outside_its_folder(copy):
    (copy.parent / "secret").write_text("x")
    facts = json.loads((copy / "bundle.json").read_text())
    facts["files"]["../secret"] = "0" * 64
    (copy / "bundle.json").write_text(json.dumps(facts))
    with pytest.raises(BundleError, match=r"model/secret: a file of the model is missing"):
        Bundle.load(copy)


def test_probabilities_do_not_depend_on_the_batch(demo_run):
    model = demo_run[0].model
    side = model.preprocessing.size
    inputs = np.random.default_rng(0).random((3, side, side), dtype=np.float32)
    together = model.probabilities(inputs)
    alone = np.concatenate([model.probabilities(each[None]) for each in inputs])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)


def test_inputs_of_another_shape_are_refused(demo_run):
    with pytest.raises(ValueError, match=r"expected shape \(n, "):
        demo_run[0].model.probabilities(np.zeros((1, 7, 7), np.float32))


def test_a_bundle_predicts_radiographs(demo_run):
    run, data = demo_run
    rows = run.predictions.table.head(3)
    radiographs = (read(data / image, side=run.model.side) for image in rows["image"])
    found = run.model.predict(radiographs)
    assert isinstance(run.model, Classifier)
    np.testing.assert_allclose(found[:, 1], rows[f"probability_{run.model.classes[1]}"], atol=1e-4)
