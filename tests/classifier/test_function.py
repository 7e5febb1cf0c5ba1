"""A function of the user's, with the user's mistakes."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hilum.classifier import Classifier, FunctionClassifier, Threshold
from hilum.errors import ClassifierError
from hilum.radiograph import Header, Radiograph


@pytest.fixture
def radiograph():
    pixels = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    return Radiograph(pixels, Header("PNG", 20, 30, "L", 8, 600))


@pytest.mark.parametrize("returned", [0.25, [0.25], np.float32(0.25), [0.75, 0.25], np.array([[0.75, 0.25]])])
def test_the_positive_probability_or_all_are_understood(radiograph, returned):
    seen = []

    def function(pixels):
        seen.append(pixels)
        return returned

    model = FunctionClassifier(function, ("a", "b"))
    assert isinstance(model, Classifier)
    assert model.predict([radiograph, radiograph]).tolist() == [[0.75, 0.25]] * 2
    assert (seen[0].shape, seen[0].dtype) == ((20, 30), np.float32)


def test_no_images_give_no_rows():
    assert FunctionClassifier(lambda pixels: 0.5, ("a", "b")).predict([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda pixels: 1 / 0, "the function mine failed; found ZeroDivisionError: division by zero"),
        (lambda pixels: None, "mine returns values that are not probabilities; .*found nan"),
        (lambda pixels: "high", "mine failed; found ValueError"),
        (lambda pixels: float("nan"), "not probabilities.*found nan"),
        (lambda pixels: 1.5, "not probabilities"),
        (lambda pixels: [0.2, 0.3, 0.5], r"another shape; expected \(1, 2\).*found \(1, 3\)"),
        (lambda pixels: [0.9, 0.9], "do not sum to 1"),
    ],
)
def test_a_failure_names_the_function_and_what_it_did(radiograph, function, message):
    with pytest.raises(ClassifierError, match=message):
        FunctionClassifier(function, ("a", "b"), name="mine").predict([radiograph])


@pytest.mark.parametrize("classes", [(), ("a",), ("a", "a")])
def test_classes_must_be_two_or_more(classes):
    with pytest.raises(ClassifierError, match="two or more distinct names"):
        FunctionClassifier(lambda pixels: 0.5, classes)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users_model.py").write_text("def classify(pixels):\n    return 0.9\nLIMIT = 3\n")
    (tmp_path / "users_broken.py").write_text("import a_library_that_is_not_there\n")
    path = list(sys.path)
    yield tmp_path
    assert sys.path == path
    sys.modules.pop("users_model", None)


def test_a_function_is_imported_from_the_working_folder(folder, radiograph):
    model = FunctionClassifier.load("users_model:classify", ["a", "b"], Threshold(0.95, "stated"))
    assert model.predict([radiograph])[0, 1] == np.float32(0.9)
    assert model.threshold.value == 0.95


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("users_model", "expected MODULE:FUNCTION, found users_model"),
        (":classify", "expected MODULE:FUNCTION"),
        ("users_model:clasify", "no function clasify. Did you mean classify?"),
        ("users_model:LIMIT", "no function LIMIT"),
        ("users_modle:classify", "users_modle cannot be imported"),
        ("users_broken:classify", "users_broken cannot be imported.*a_library_that_is_not_there"),
    ],
)
def test_what_cannot_be_imported_is_named(folder, name, message):
    with pytest.raises(ClassifierError, match=message):
        FunctionClassifier.load(name, ["a", "b"])
