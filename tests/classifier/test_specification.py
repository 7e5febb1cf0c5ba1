"""The YAML file that states what a network expects and returns."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.classifier.specification import PRESETS, ModelSpecification
from hilum.errors import ClassifierError

PLAIN = {"classes": ["a", "b"], "size": 32, "channels": 1, "output": "sigmoid"}


@pytest.fixture
def read(tmp_path):
    def written(values):
        path = tmp_path / "p.yaml"
        path.write_text(values if isinstance(values, str) else yaml.safe_dump(values, sort_keys=False))
        return ModelSpecification.read(path)

    return written


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_needs_no_more_than_the_classes(read, preset):
    values = {"preset": preset, "classes": ["a", "b"]}
    assert read(values).size == 224
    assert read(values | {"size": 256, "output": "sigmoid"}).size == 256


def test_another_fit_replaces_the_preset_s_crop(read):
    found = read({"preset": "imagenet", "classes": ["a", "b"], "fit": "stretch"})
    assert (found.fit, found.shorter_side) == ("stretch", None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sise": 224}, r"sise \(line 7\): unknown key. Did you mean size\?"),
        ({"classes": None}, "classes.*: Input should be a valid list"),
        ({"classes": ["a"]}, "at least 2 items"),
        ({"classes": ["a", "a"]}, "distinct names"),
        ({"classes": [False, True]}, "valid string"),
        ({"size": "224"}, "size.*valid integer; found '224'"),
        ({"size": 0}, "greater than or equal to 16"),
        ({"channels": 2}, "channels.*Input should be 1 or 3"),
        ({"fit": "squeeze"}, "'stretch', 'crop' or 'pad'"),
        ({"output": "logits"}, "'sigmoid', 'softmax' or 'none'"),
        ({"preset": "imagnet"}, "Did you mean imagenet?"),
        ({"mean": [0.1, 0.2]}, "mean: expected one value, or 1, found 2"),
        ({"std": 0}, "above 0"),
        ({"range": [1, 0]}, "black below that of white"),
        ({"range": [0, float("nan")]}, "range"),
        ({"shorter_side": 64}, "needs `fit: crop`"),
        ({"threshold": 1.5}, "less than or equal to 1"),
        ({"outputs": {"a": 0}}, "the positive one, b; found a"),
        ({"outputs": {"c": 0}}, "found c"),
        ({"classes": ["a", "b", "c"]}, "use softmax"),
        ({"classes": ["a", "b", "c"], "output": "softmax", "threshold": 0.5}, "threshold"),
    ],
)
def test_a_mistake_is_named_with_its_key(read, change, message):
    with pytest.raises(ClassifierError, match=message) as raised:
        read(PLAIN | change)
    assert raised.value.path.name == "p.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "valid dictionary"),
        ("[1, 2]", "valid dictionary"),
        ("size: [", "not valid YAML at line"),
        ("size: 1\nsize: 2", "repeated"),
    ],
)
def test_what_is_no_specification_is_refused(read, text, message):
    with pytest.raises(ClassifierError, match=message):
        read(text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ClassifierError, match=r"gone\.yaml: the preprocessing cannot be read"):
        ModelSpecification.read(tmp_path / "gone.yaml")


TEXT = st.text("ab0:-#é\n", max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-5, 500) | st.floats() | TEXT
VALUES = SCALARS | st.lists(SCALARS, max_size=4) | st.dictionaries(TEXT, SCALARS, max_size=3)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted(ModelSpecification.model_fields)), VALUES))
def test_any_values_give_a_specification_or_a_clear_error(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump(PLAIN | changes, allow_unicode=True), encoding="utf-8")
    try:
        found = ModelSpecification.read(path)
    except ClassifierError as error:
        message = str(error)
    else:
        message = f"{path}: {found.size}"
    assert message.startswith(f"{path}: ")
