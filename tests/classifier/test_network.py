from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from hilum.classifier.dense import Network, Objective, glorot_uniform, side_by_side
from hilum.classifier.head import Output


def doubled(network: Network) -> Network:
    return Network(*(parameter.astype(np.float64) for parameter in network.parameters))


def test_glorot_keeps_its_bounds_and_fills_them() -> None:
    weight = glorot_uniform(np.random.default_rng(0), 64, 512)
    limit = (6 / (512 + 64)) ** 0.5  # 0.10206
    assert weight.dtype == np.float32
    assert weight.shape == (64, 512)
    assert 0.999 * limit < weight.max() <= limit
    assert -limit <= weight.min() < -0.999 * limit
    assert abs(weight.mean()) < 0.01 * limit
    assert weight.std() == pytest.approx(limit / 3**0.5, rel=0.01)


def test_a_new_network_has_zero_biases() -> None:
    network = Network.initial(np.random.default_rng(0), inputs=5, hidden=4, units=3)
    assert [p.shape for p in network.parameters] == [(4, 5), (4,), (3, 4), (3,)]
    assert not network.bias_1.any()
    assert not network.bias_2.any()


@pytest.mark.parametrize(("output", "classes"), [(Output.SIGMOID, 2), (Output.SOFTMAX, 3)])
@pytest.mark.parametrize("dropout", [False, True])
def test_losses_and_gradients_equal_autograd(output: Output, classes: int, dropout: bool) -> None:
    rng = np.random.default_rng(3)
    network = Network.initial(rng, inputs=5, hidden=7, units=output.units(classes))
    network = doubled(network)
    inputs, labels = rng.standard_normal((6, 5)), rng.integers(0, classes, 6)
    mask = (rng.random((6, 7)) > 0.3) / 0.7 if dropout else None
    objective = Objective(output, classes)
    targets = objective.targets(labels)
    forward = network.forward(inputs, mask)
    found = network.gradients(forward, objective.slopes(forward.logits, targets), mask)

    w1, b1, w2, b2 = parameters = [torch.tensor(p, requires_grad=True) for p in network.parameters]
    hidden = functional.relu(functional.linear(torch.tensor(inputs), w1, b1))
    hidden = hidden if mask is None else hidden * torch.tensor(mask)
    logits = functional.linear(hidden, w2, b2)
    if output is Output.SIGMOID:
        each = functional.binary_cross_entropy_with_logits(
            logits[:, 0], torch.tensor(labels, dtype=torch.float64), reduction="none"
        )
    else:
        each = functional.cross_entropy(logits, torch.tensor(labels), reduction="none")
    each.mean().backward()
    assert np.allclose(objective.losses(forward.logits, targets), each.detach().numpy(), rtol=1e-12)
    for ours, theirs in zip(found, parameters, strict=True):
        assert np.allclose(ours, theirs.grad.numpy(), rtol=1e-10, atol=1e-15)


def test_objective_by_hand() -> None:
    binary = Objective(Output.SIGMOID, 2)
    logits, targets = np.array([[0.0], [2.0], [-1000.0]]), binary.targets(np.array([1, 0, 1]))
    assert targets.tolist() == [[1], [0], [1]]
    assert binary.losses(logits, targets).tolist() == pytest.approx([0.693147, 2.126928, 1000], rel=1e-6)
    assert binary.slopes(logits, targets)[0] == pytest.approx(-0.5 / 3)
    assert binary.hits(logits, targets).tolist() == [False, False, False]  # 0.5 is not above 0.5

    three = Objective(Output.SOFTMAX, 3)
    logits, targets = np.log([[1.0, 2.0, 5.0]]), three.targets(np.array([2]))
    assert targets.tolist() == [[0, 0, 1]]
    assert three.losses(logits, targets)[0] == pytest.approx(-np.log(0.625))
    assert three.slopes(logits, targets)[0].tolist() == pytest.approx([0.125, 0.25, -0.375])
    assert three.hits(logits, targets).tolist() == [True]


def test_arrays_side_by_side_keep_values_and_share_one_vector() -> None:
    rng = np.random.default_rng(0)
    arrays = [np.asfortranarray(rng.standard_normal((3, 4))), rng.standard_normal((2, 3)), np.ones(2)]
    vector, views = side_by_side(arrays)
    assert vector.shape == (20,)
    assert all(np.array_equal(view, array) for view, array in zip(views, arrays, strict=True))
    assert all(np.shares_memory(view, vector) for view in views)
    assert not np.shares_memory(vector, arrays[2])
    assert views[0].T.flags.c_contiguous
    vector[:] = np.arange(20)
    assert views[0][:, 0].tolist() == [0, 1, 2]  # stored column by column, as it came
    assert views[1].tolist() == [[12, 13, 14], [15, 16, 17]]


def test_gradients_fill_the_arrays_that_are_given() -> None:
    rng = np.random.default_rng(4)
    network = doubled(Network.initial(rng, inputs=5, hidden=7, units=1))
    forward = network.forward(rng.standard_normal((6, 5)))
    slopes = rng.standard_normal((6, 1))
    expected = network.gradients(forward, slopes)
    vector, views = side_by_side([np.full_like(array, np.nan) for array in expected])
    network.gradients(forward, slopes, out=views)
    assert np.isfinite(vector).all()
    for found, wanted in zip(views, expected, strict=True):
        assert np.allclose(found, wanted, rtol=1e-12, atol=1e-15)
