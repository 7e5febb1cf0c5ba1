from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from hilum.classifier import Head, Layer, Output
from hilum.errors import BundleError

NAMES = ("NORMAL", "COVID-19")


def layer(outputs: int, inputs: int, seed: int = 0) -> Layer:
    rng = np.random.default_rng(seed)
    return Layer(
        rng.standard_normal((outputs, inputs)).astype(np.float32),
        rng.standard_normal(outputs).astype(np.float32),
    )


def stack(*sizes: int, output: Output = Output.SIGMOID, classes: tuple[str, ...] = NAMES) -> Head:
    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return Head(tuple(layer(o, i, o) for o, i in pairs), output, classes)


@pytest.mark.parametrize(
    ("head", "count"),
    [
        (stack(512, 64, 1), 512 * 64 + 64 + 64 + 1),  # Model 1
        (stack(18432, 20, 3, output=Output.SOFTMAX, classes=("a", "b", "c")), 18432 * 20 + 20 + 60 + 3),
        (stack(1280, 1), 1281),
    ],
)
def test_counts_its_parameters(head: Head, count: int) -> None:
    assert head.parameters == count


def test_model_1_has_the_parameters_that_keras_prints() -> None:
    assert stack(512, 64, 1).parameters == 32_897


def test_sigmoid_by_hand() -> None:
    # hidden: relu(1*2 - 1*1 + 1) = 2 and relu(-2 + 0.5) = 0; logit: 3*2 + 5*0 - 5 = 1
    first = Layer(np.array([[1, -1], [-1, 0]], np.float32), np.array([1, 0.5], np.float32))
    last = Layer(np.array([[3, 5]], np.float32), np.array([-5], np.float32))
    found = Head((first, last), Output.SIGMOID, NAMES).probabilities(np.array([[2, 1]], np.float32))
    assert found.dtype == np.float32
    assert found[0].tolist() == pytest.approx([0.26894142, 0.73105858], rel=1e-6)


def test_softmax_by_hand() -> None:
    identity = Layer(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    head = Head((identity,), Output.SOFTMAX, ("a", "b", "c"))
    features = np.log(np.array([[1, 2, 5]], np.float32))
    assert head.probabilities(features)[0].tolist() == pytest.approx([0.125, 0.25, 0.625], rel=1e-6)


def test_probabilities_far_out_neither_overflow_nor_lose_their_sum() -> None:
    head = Head((Layer(np.ones((1, 1), np.float32), np.zeros(1, np.float32)),), Output.SIGMOID, NAMES)
    found = head.probabilities(np.array([[-1e6], [1e6], [-30]], np.float32))
    assert found[:2].tolist() == [[1, 0], [0, 1]]
    assert found[2, 1] == pytest.approx(9.3576e-14, rel=1e-4)
    assert np.allclose(found.sum(axis=1), 1)


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    head = stack(40, 8, 1)
    features = np.random.default_rng(1).standard_normal((2500, 40)).astype(np.float32)
    together = head.probabilities(features)
    for row in (0, 1023, 1024, 2499):
        assert np.array_equal(head.probabilities(features[row : row + 1])[0], together[row])


def test_no_rows_give_no_rows() -> None:
    assert stack(5, 1).probabilities(np.empty((0, 5), np.float32)).shape == (0, 2)


@pytest.mark.parametrize("shape", [(3, 4), (5,), (1, 1, 5)])
def test_features_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected shape \(n, 5\)"):
        stack(5, 1).probabilities(np.zeros(shape, np.float32))


def test_features_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        stack(2, 1).probabilities(np.array([[0, np.nan]], np.float32))


@pytest.mark.parametrize(
    ("weight", "bias", "message"),
    [
        (np.zeros((2, 3)), np.zeros(2, np.float32), "weight: expected 2-D float32, found float64"),
        (np.zeros(3, np.float32), np.zeros(3, np.float32), "weight: expected 2-D"),
        (np.zeros((0, 3), np.float32), np.zeros(0, np.float32), "weight: expected 2-D"),
        (np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32), "bias: expected 1-D"),
        (np.zeros((2, 3), np.float32), np.zeros(3, np.float32), "bias: expected 2 values"),
        (np.full((1, 1), np.inf, np.float32), np.zeros(1, np.float32), "weight: expected finite"),
    ],
)
def test_layers_are_checked(weight: np.ndarray, bias: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Layer(weight, bias)


def test_heads_are_checked() -> None:
    three = ("a", "b", "c")
    with pytest.raises(ValueError, match=r"expected outputs \[5, 1\], found \[4, 1\]"):
        Head((layer(4, 3), layer(1, 5)), Output.SIGMOID, NAMES)
    with pytest.raises(ValueError, match=r"expected outputs \[3\], found \[2\]"):
        Head((layer(2, 3),), Output.SOFTMAX, three)
    with pytest.raises(ValueError, match="expected softmax for 3 classes"):
        Head((layer(1, 3),), Output.SIGMOID, three)
    with pytest.raises(ValueError, match="each once"):
        Head((layer(1, 3),), Output.SIGMOID, ("a", "a"))
    with pytest.raises(ValueError, match="one or more"):
        Head((), Output.SIGMOID, NAMES)


@pytest.mark.parametrize(
    "head",
    [stack(7, 4, 1), stack(7, 1), stack(7, 4, 3, output=Output.SOFTMAX, classes=("a", "ü", "c d"))],
)
def test_write_and_read_agree(head: Head, tmp_path) -> None:
    head.write(tmp_path / "head.safetensors")
    found = Head.read(tmp_path / "head.safetensors")
    features = np.random.default_rng(2).standard_normal((9, 7)).astype(np.float32)
    assert np.array_equal(found.probabilities(features), head.probabilities(features))
    assert (found.classes, found.output) == (head.classes, head.output)
    assert found.content_hash == head.content_hash
    assert found.parameters == head.parameters


def test_the_same_head_leaves_the_same_bytes(tmp_path) -> None:
    for name in ("a", "b"):
        stack(7, 4, 1).write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_hash_knows_weights_classes_and_output() -> None:
    part = layer(2, 3)
    nudged = Layer(part.weight, np.nextafter(part.bias, np.float32(9)))
    heads = [
        Head((part,), Output.SOFTMAX, NAMES),
        Head((nudged,), Output.SOFTMAX, NAMES),
        Head((part,), Output.SOFTMAX, NAMES[::-1]),
    ]
    assert len({head.content_hash for head in heads}) == 3


def test_reading_nothing_or_something_else_is_an_error(tmp_path) -> None:
    with pytest.raises(BundleError, match="missing"):
        Head.read(tmp_path / "absent")
    (tmp_path / "text").write_text("not a head")
    with pytest.raises(BundleError, match="cannot be read"):
        Head.read(tmp_path / "text")


def test_every_cut_of_a_file_is_an_error(tmp_path) -> None:
    stack(3, 2, 1).write(tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    for size in range(0, len(content), 16):
        (tmp_path / "cut").write_bytes(content[:size])
        with pytest.raises(BundleError, match="cannot be read"):
            Head.read(tmp_path / "cut")


@pytest.mark.parametrize(
    ("change", "names", "message"),
    [
        ({"schema": 2}, ("0.weight", "0.bias"), "schema 1"),
        ({"output": "tanh"}, ("0.weight", "0.bias"), "tanh"),
        ({"classes": ["one"]}, ("0.weight", "0.bias"), "two or more"),
        ({"classes": "ab"}, ("0.weight", "0.bias"), "list of names"),
        ({}, ("1.weight", "1.bias"), "0.weight"),
        ({}, ("0.weight", "0.bias", "spare"), "expected tensors"),
    ],
)
def test_files_that_contradict_themselves_are_errors(tmp_path, change, names, message: str) -> None:
    good = {"schema": 1, "output": "sigmoid", "classes": NAMES}
    tensors = {n: np.ones((1, 3) if n.endswith("weight") else 1, np.float32) for n in names}
    path = tmp_path / "head"
    save_file(tensors, path, metadata={"hilum_head": json.dumps({**good, **change})})
    with pytest.raises(BundleError, match=message):
        Head.read(path)


def test_a_safetensors_file_of_others_is_an_error(tmp_path) -> None:
    save_file({"0.weight": np.ones((1, 3), np.float32)}, tmp_path / "head")
    with pytest.raises(BundleError, match="schema 1"):
        Head.read(tmp_path / "head")
