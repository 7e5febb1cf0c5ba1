from __future__ import annotations

import numpy as np
import pytest
import torch

from hilum.classifier.dense import Adam


def test_the_first_step_by_hand() -> None:
    # m = 0.1 g, v = 0.001 g²; rate = 1e-3 sqrt(0.001) / 0.1; step = rate m / (sqrt(v) + 1e-7)
    weight = np.array([1.0, 1.0, 1.0])
    Adam([weight], 1e-3).step([np.array([2.0, -2.0, 1e-6])])
    large = 1e-3 * 0.001**0.5 / 0.1 * 0.2 / (0.001**0.5 * 2 + 1e-7)
    small = 1e-3 * 0.001**0.5 / 0.1 * 1e-7 / (0.001**0.5 * 1e-6 + 1e-7)
    assert (1 - weight).tolist() == pytest.approx([large, -large, small], rel=1e-9)
    assert large == pytest.approx(1e-3, rel=1e-5)
    assert small == pytest.approx(
        1e-3 / (1 + 10**0.5), rel=1e-9
    )  # epsilon weighs: Adam's own would be 0.909e-3


def test_many_steps_equal_the_sums_written_out() -> None:
    rng = np.random.default_rng(0)
    gradients = 1e-5 * rng.standard_normal((20, 3))
    weight = np.zeros(3)
    adam = Adam([weight], 0.01)
    for gradient in gradients:
        adam.step([gradient])
    expected = np.zeros(3)
    for t in range(1, 21):
        age = np.arange(t)[::-1, None]
        mean = 0.1 * (0.9**age * gradients[:t]).sum(axis=0)
        square = 0.001 * (0.999**age * gradients[:t] ** 2).sum(axis=0)
        expected -= 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * mean / (np.sqrt(square) + 1e-7)
    assert np.allclose(weight, expected, rtol=1e-12, atol=0)


def test_it_is_torchs_adam_but_for_the_place_of_epsilon() -> None:
    # torch's epsilon stands after the correction by sqrt(1 - beta_2^t): for one step, scaled so, they agree.
    ours, theirs = np.array([0.5, -1.0]), torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([theirs], lr=0.01, eps=1e-7 / (1 - 0.999) ** 0.5)
    theirs.grad = torch.tensor([3e-6, -2.0], dtype=torch.float64)
    optimiser.step()
    Adam([ours], 0.01).step([np.array([3e-6, -2.0])])
    assert np.allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=0)


def test_the_rate_can_change_between_steps() -> None:
    weight = np.zeros(1)
    adam = Adam([weight], 0.1)
    adam.step([np.ones(1)])
    adam.learning_rate = 0.01
    before = weight.copy()
    adam.step([np.ones(1)])
    assert before - weight == pytest.approx(0.01, rel=1e-4)


def test_float32_stays_float32() -> None:
    weight = np.zeros(2, np.float32)
    Adam([weight], 0.1).step([np.ones(2, np.float32)])
    assert weight.dtype == np.float32


def test_gradients_must_be_as_many_as_parameters() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Adam([np.zeros(1), np.zeros(1)], 0.1).step([np.ones(1)])
