"""A network from elsewhere gives here what it gives there, or is refused with the reason."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from hilum.classifier import Classifier, ModelSpecification, OnnxClassifier
from hilum.errors import ClassifierError
from hilum.radiograph import Header, Radiograph

SIDE = 16
PLAIN = {"classes": ["a", "b"], "size": SIDE, "channels": 1, "output": "sigmoid"}


def radiograph(pixels):
    pixels = np.asarray(pixels, np.float32)
    return Radiograph(pixels, Header("PNG", *pixels.shape, "L", 8, pixels.size))


def network(path, shape=("n", 1, SIDE, SIDE), weights=((1.0,),), *, outputs=1, kind=TensorProto.FLOAT):
    """Write a network: means over the axes of the image, times weights (channels, columns)."""
    weights = np.asarray(weights, np.float32)
    channel = int(np.argmin([length != len(weights) or axis == 0 for axis, length in enumerate(shape)]))
    axes = [axis for axis in range(1, 4) if axis != channel]
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=axes, keepdims=0),
    ]
    names = [f"out{number}" for number in range(outputs)]
    nodes += [helper.make_node("MatMul", ["means", "weights"], [name]) for name in names]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names],
        [helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.ravel())],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture
def opened(tmp_path):
    def build(*facts, **options):
        values = PLAIN | options.pop("specification", {})
        path = network(tmp_path / "m.onnx", *facts, **options)
        return OnnxClassifier(path, ModelSpecification.model_validate(values))

    return build


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


GRAY = np.full((40, 40), 0.25)


def test_one_sigmoid_output_is_the_positive_class(opened):
    model = opened()
    assert isinstance(model, Classifier)
    found = model.predict(radiograph(pixels) for pixels in (GRAY, 2 * GRAY))
    np.testing.assert_allclose(found[:, 1], sigmoid(np.array([0.25, 0.5])), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert model.predict([]).shape == (0, 2)


@pytest.mark.parametrize("shape", [(1, 1, SIDE, SIDE), (4, 1, SIDE, SIDE), ("n", 1, "h", "w"), (None,) * 4])
def test_any_batch_size_and_dynamic_shapes_are_taken(opened, shape):
    model = opened(shape, specification={} if shape[1] else {"layout": "nchw"})
    np.testing.assert_allclose(model.predict([radiograph(GRAY)])[0, 1], sigmoid(0.25), atol=1e-6)


@pytest.mark.parametrize("shape", [("n", 3, SIDE, SIDE), ("n", SIDE, SIDE, 3)])
def test_range_mean_and_deviation_are_applied_to_each_channel(opened, shape):
    statement = {
        "channels": 3,
        "range": [0, 4],
        "mean": [0.5, 0.25, 0],
        "std": [1, 0.5, 2],
        "output": "softmax",
    }
    model = opened(shape, np.eye(3), specification=statement | {"classes": ["a", "b", "c"]})
    logits = (4 * 0.25 - np.array([0.5, 0.25, 0])) / np.array([1, 0.5, 2])
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(model.predict([radiograph(GRAY)])[0], expected, atol=1e-6)
    assert model.threshold is None


def test_keras_vgg16_s_values(opened):
    weights = np.eye(3, dtype=np.float32) / 1000
    model = opened(
        ("n", SIDE, SIDE, 3),
        weights,
        specification={"preset": "keras-vgg16", "size": SIDE, "channels": 3, "output": "softmax"}
        | {"classes": ["a", "b", "c"]},
    )
    found = np.log(model.predict([radiograph(GRAY)])[0])
    blue, green, red = (255 * 0.25 - np.array([103.939, 116.779, 123.68])) / 1000
    np.testing.assert_allclose(found[:2] - found[2], [blue - red, green - red], atol=1e-5)


@pytest.mark.parametrize("wanted", [1, "out0", "finding 1"])
def test_one_of_many_outputs_is_asked_for(opened, wanted):
    weights = ((4.0,),) if wanted == "out0" else ((2.0, 4.0, 8.0),)
    statement = {"outputs": {"b": wanted}, "columns": ["finding 0", "finding 1", "finding 2"]}
    model = opened(("n", 1, SIDE, SIDE), weights, specification=statement)
    np.testing.assert_allclose(model.predict([radiograph(GRAY)])[0, 1], sigmoid(1), atol=1e-6)


def test_outputs_are_put_in_the_order_of_the_classes(opened):
    statement = {"outputs": {"b": 2, "a": 0}, "output": "softmax"}
    model = opened(("n", 1, SIDE, SIDE), ((2.0, 4.0, 8.0),), specification=statement)
    np.testing.assert_allclose(model.predict([radiograph(GRAY)])[0, 1], sigmoid(2 - 0.5), atol=1e-6)


def test_the_stated_threshold_is_used(opened):
    assert opened(specification={"threshold": 0.3}).threshold.value == 0.3
    assert opened().threshold.value == 0.5


@pytest.mark.parametrize(
    ("facts", "statement", "message"),
    [
        ((("n", 3, SIDE, SIDE), np.eye(3)), {}, r"expected \(n, 1, 16, 16\).*found \[\?,3,16,16\]"),
        ((("n", 1, 32, 32),), {}, "size 16 and channels 1 state"),
        ((("n", 1, SIDE, SIDE),), {"layout": "nhwc"}, r"expected \(n, 16, 16, 1\),"),
        ((("n", 1, SIDE, SIDE), ((1.0, 2.0, 3.0),)), {}, "outputs do not match the classes"),
        ((("n", 1, SIDE, SIDE), ((1.0, 2.0, 3.0),)), {"outputs": {"b": 3}}, "no output 3; found 3 outputs"),
        ((("n", 1, SIDE, SIDE),), {"outputs": {"b": "out1"}}, "no output 'out1'. Did you mean out0?"),
        ((("n", 1, SIDE, SIDE), ((1.0, 2.0),)), {}, "expected 1, of b, found 2"),
        ((("n", 1, SIDE, SIDE), ((1.0, 2.0, 3.0),)), {"output": "softmax"}, "expected 2, of a, b, found 3"),
        ((("n", 1, SIDE, SIDE),), {"output": "softmax"}, "expected 2, of a, b, found 1"),
    ],
)
def test_what_differs_from_the_statement_is_named(opened, facts, statement, message):
    with pytest.raises(ClassifierError, match=message) as raised:
        opened(*facts, specification=statement)
    assert raised.value.path.name == "m.onnx"


def test_a_network_with_several_outputs_must_say_which(opened):
    with pytest.raises(ClassifierError, match="several outputs; found out0, out1"):
        opened(outputs=2)
    model = opened(outputs=2, specification={"outputs": {"b": "out1"}})
    np.testing.assert_allclose(model.predict([radiograph(GRAY)])[0, 1], sigmoid(0.25), atol=1e-6)


def test_an_input_of_integers_is_refused(opened):
    with pytest.raises(ClassifierError, match="expected float, found u8"):
        opened(kind=TensorProto.UINT8)


def test_outputs_that_are_no_probabilities_are_refused(opened):
    model = opened(("n", 1, SIDE, SIDE), ((9.0,),), specification={"output": "none"})
    with pytest.raises(ClassifierError, match=r"m\.onnx returns values that are not probabilities"):
        model.predict([radiograph(GRAY)])


@pytest.mark.parametrize("content", [None, b"", b"not a network" * 9])
def test_what_is_no_network_is_refused(tmp_path, content):
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClassifierError, match=r"m\.onnx: (no such model|this is no ONNX network)"):
        OnnxClassifier(path, ModelSpecification.model_validate(PLAIN))


def test_torchxrayvision_s_densenet_gives_what_its_own_pipeline_gives(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torchxrayvision as xrv
        from torchvision.transforms import Compose

        torch.manual_seed(0)
        network = xrv.models.DenseNet(weights=None, apply_sigmoid=True)
        pipeline = Compose([xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)])
        rng = np.random.default_rng(0)
        images = [films(rng, shape) for shape in ((224, 224), (301, 400), (1000, 901), (100, 90))]
        inputs = torch.from_numpy(
            np.stack([pipeline(xrv.datasets.normalize(each, 255)[None]) for each in images])
        )
        settle(network, inputs)
        with torch.no_grad():
            expected = network(inputs).numpy()
        export = {"input_names": ["image"], "output_names": ["findings"], "dynamic_axes": {"image": {0: "n"}}}
        torch.onnx.export(network, (inputs[:1],), str(tmp_path / "m.onnx"), dynamo=False, **export)
    assert np.ptp(expected, axis=0).max() > 0.05
    radiographs = [radiograph(each / np.float32(255)) for each in images]
    for place, finding in enumerate(xrv.datasets.default_pathologies):
        if place in {0, 8, 17}:
            statement = {"preset": "torchxrayvision", "classes": ["no", "yes"], "outputs": {"yes": finding}}
            model = OnnxClassifier(tmp_path / "m.onnx", ModelSpecification.model_validate(statement))
            np.testing.assert_allclose(model.predict(radiographs)[:, 1], expected[:, place], atol=1e-4)


def films(rng, shape):
    """An image of 8 bits with coarse and fine structure."""
    coarse = np.kron(rng.random((5, 5)), np.ones((-(-shape[0] // 5), -(-shape[1] // 5))))[
        : shape[0], : shape[1]
    ]
    return (200 * coarse + 55 * rng.random(shape)).astype(np.uint8)


def settle(network, inputs):
    """Give a network of random weights statistics of its own, so that its outputs vary."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train()(inputs)
        network.eval()
        logits = network(inputs).logit()
        network.classifier.bias -= logits.mean(dim=0).nan_to_num()
