from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.nn import functional

from hilum.classifier.dense import Adam, Network, Objective, Plateau, fit_dense, flattened, glorot_uniform
from hilum.classifier.head import Output
from hilum.classifier.samples import Samples
from hilum.errors import FitError
from hilum.recipe.settings import DenseHeadSettings, PlateauSettings

SMALL = DenseHeadSettings(units=8, epochs=5)


def unpack(network) -> list[np.ndarray]:
    return [array.astype(np.float64) for part in network.layers for array in (part.weight, part.bias)]


def test_model_1_has_its_layers() -> None:
    rng = np.random.default_rng(0)
    features, rows = rng.standard_normal((20, 512)).astype(np.float32), np.arange(20)
    samples = Samples(features, rows % 2, rows, rows[:18], rows[18:], ("NORMAL", "COVID-19"))
    fitted = fit_dense(samples, DenseHeadSettings(epochs=1), 0)
    assert fitted.head.parameters == 32_897
    assert fitted.head.output is Output.SIGMOID


def test_history_has_a_row_an_epoch(two: Samples) -> None:
    history = fit_dense(two, SMALL, 0).history
    assert list(history.columns) == [
        "epoch",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
    ]
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert history["learning_rate"].tolist() == [1e-3] * 5
    assert history.notna().all(axis=None)


def test_last_validation_figures_are_those_of_the_head(two: Samples) -> None:
    fitted = fit_dense(two, SMALL, 0)
    labels = two.labels[two.validation]
    probabilities = fitted.head.probabilities(two.features[two.validation])
    right = probabilities[np.arange(len(labels)), labels]
    last = fitted.history.iloc[-1]
    assert last["val_loss"] == pytest.approx(-np.log(right).mean(), rel=1e-5)
    assert last["val_accuracy"] == (right > 0.5).mean()


@pytest.mark.parametrize("count", [2, 3])
def test_separable_rows_are_learnt(count: int, request) -> None:
    samples = request.getfixturevalue({2: "two", 3: "three"}[count])
    fitted = fit_dense(samples, DenseHeadSettings(learning_rate=0.01), 0)
    assert fitted.head.probabilities(samples.features).argmax(axis=1).tolist() == samples.labels.tolist()
    assert fitted.history["accuracy"].iloc[-1] == 1
    assert fitted.history["loss"].iloc[-1] < fitted.history["loss"].iloc[0] / 10


def test_one_step_in_float64_written_out(two: Samples) -> None:
    """One epoch of one batch without dropout, from the same start, by formulas of its own."""
    settings = DenseHeadSettings(units=4, epochs=1, batch=64, dropout=0, learning_rate=0.01)
    # With a rate of nearly nothing the fitted head is the start.
    start = fit_dense(two, settings.model_copy(update={"learning_rate": 1e-30}), 5).head
    w1, b1, w2, b2 = unpack(start)
    x, y = two.features[two.train].astype(np.float64), two.training_labels
    hidden = (x @ w1.T + b1).clip(0)
    p = 1 / (1 + np.exp(-(hidden @ w2[0] + b2)))
    loss = -np.where(y == 1, np.log(p), np.log(1 - p)).mean()
    error = (p - y) / len(y)
    back = np.outer(error, w2[0]) * (hidden > 0)
    gradients = [back.T @ x, back.sum(axis=0), error[None] @ hidden, [error.sum()]]
    expected = []
    for weight, gradient in zip((w1, b1, w2, b2), gradients, strict=True):
        mean, square = 0.1 * np.asarray(gradient), 0.001 * np.asarray(gradient) ** 2
        expected.append(weight - 0.01 * 0.001**0.5 / 0.1 * mean / (square**0.5 + 1e-7))
    fitted = fit_dense(two, settings, 5)
    for found, wanted in zip(unpack(fitted.head), expected, strict=True):
        assert np.allclose(found, wanted, rtol=0, atol=2e-6)
        assert found.any()
    assert fitted.history["loss"][0] == pytest.approx(loss, rel=1e-5)
    assert fitted.history["accuracy"][0] == ((p > 0.5) == y).mean()


def test_the_last_smaller_batch_is_kept_and_counts_by_its_rows(two: Samples) -> None:
    # Nothing moves, so the running loss over 64 rows in batches of 60 and 4 is the loss over all of them.
    still = DenseHeadSettings(units=4, epochs=1, dropout=0, learning_rate=1e-30)
    losses = [
        fit_dense(two, still.model_copy(update={"batch": n}), 1).history["loss"][0] for n in (60, 64, 1000)
    ]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-6)


def test_rows_are_shuffled_anew_in_every_epoch(monkeypatch, two: Samples) -> None:
    seen: list[np.ndarray] = []
    inner = np.random.Generator.permutation

    class Spy:
        def __init__(self, rng: np.random.Generator) -> None:
            self.rng = rng

        def permutation(self, n: int) -> np.ndarray:
            seen.append(inner(self.rng, n))
            return seen[-1]

    from hilum.classifier import dense

    start = dense._Training.__init__

    def spied(self, *arguments) -> None:
        start(self, *arguments)
        self._order = Spy(self._order)

    monkeypatch.setattr(dense._Training, "__init__", spied)
    fit_dense(two, SMALL, 0)
    assert len(seen) == 5
    assert all(sorted(order) == list(range(64)) for order in seen)
    assert len({tuple(order) for order in seen}) == 5


def test_dropout_is_for_training_alone_and_keeps_the_mean(two: Samples) -> None:
    from hilum.classifier.dense import _Training

    training = _Training(two, DenseHeadSettings(units=1000, dropout=0.2), 0)
    mask = training._mask(100)
    assert mask is not None
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / np.float32(0.8))}
    assert mask.mean() == pytest.approx(1, abs=0.01)
    assert training.validate() == training.validate()
    assert not np.array_equal(mask, training._mask(100))


def test_a_seed_decides_every_bit(two: Samples) -> None:
    first = fit_dense(two, SMALL, 7)
    np.random.seed(1)
    np.random.random(5)
    again = fit_dense(two, SMALL, 7)
    assert again.head.content_hash == first.head.content_hash
    assert again.history.equals(first.history)
    assert fit_dense(two, SMALL, 8).head.content_hash != first.head.content_hash


def test_the_global_generator_is_left_alone(two: Samples) -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    fit_dense(two, SMALL, 0)
    assert np.random.random() == expected


PROGRAM = """
import numpy as np
from hilum.classifier.fit import fit
from hilum.recipe.settings import DenseHeadSettings, LinearHeadSettings
rng, rows = np.random.default_rng(0), np.arange(700)
features = rng.standard_normal((700, 1300)).astype(np.float32)
for settings in (DenseHeadSettings(epochs=2, batch=300), LinearHeadSettings(C=[0.1, 1])):
    fitted = fit(features, rows % 2, rows, rows[:600], rows[600:], settings, ["a", "b"], 0)
    print(fitted.head.content_hash, fitted.details)
"""


def test_another_process_with_fewer_threads_gives_the_same_bits() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().splitlines()) == 2


def test_nothing_global_is_left_changed(two: Samples) -> None:
    from threadpoolctl import threadpool_info

    before = threadpool_info(), np.geterr()
    fit_dense(two, SMALL, 0)
    assert (threadpool_info(), np.geterr()) == before


def test_without_validation_rows_the_columns_are_nan(two: Samples) -> None:
    alone = Samples(two.features, two.labels, two.patients, two.train, two.validation[:0], two.classes)
    history = fit_dense(alone, SMALL, 0).history
    assert history[["val_loss", "val_accuracy"]].isna().all(axis=None)
    assert history[["loss", "accuracy"]].notna().all(axis=None)


def test_validation_rows_do_not_train(two: Samples) -> None:
    features = two.features.copy()
    features[two.validation] = 1000
    other = Samples(features, two.labels, two.patients, two.train, two.validation, two.classes)
    assert fit_dense(other, SMALL, 0).head.content_hash == fit_dense(two, SMALL, 0).head.content_hash


def test_a_plateau_lowers_the_rate(overlapping: Samples) -> None:
    plateau = PlateauSettings(factor=0.5, patience=2, min_learning_rate=1e-3)
    settings = DenseHeadSettings(units=16, epochs=60, learning_rate=0.01, plateau=plateau)
    history = fit_dense(overlapping, settings, 0).history
    rates = history["learning_rate"].to_numpy()
    assert rates[0] == 0.01
    assert rates[-1] == 1e-3
    assert (np.diff(rates) <= 0).all()
    best = history["val_loss"].cummin().to_numpy()
    first_cut = int(np.argmax(rates < 0.01))
    assert (history["val_loss"].to_numpy()[first_cut - 2 : first_cut] > best[first_cut - 3] - 1e-4).all()


def test_a_plateau_needs_validation_rows(two: Samples) -> None:
    alone = Samples(two.features, two.labels, two.patients, two.train, two.validation[:0], two.classes)
    plateau = PlateauSettings(factor=0.5, patience=2, min_learning_rate=0)
    with pytest.raises(FitError, match="no validation rows"):
        fit_dense(alone, DenseHeadSettings(plateau=plateau), 0)


def test_divergence_is_an_error(two: Samples) -> None:
    with pytest.raises(FitError, match=r"diverged; found loss \w+ in epoch"):
        fit_dense(two, DenseHeadSettings(learning_rate=1e30), 0)


def test_fitting_ends_where_nothing_is_left_to_learn(two: Samples) -> None:
    whole = fit_dense(two, DenseHeadSettings(units=16, epochs=30), 0).history
    enough = float(whole["loss"].iloc[10])
    ended = fit_dense(two, DenseHeadSettings(units=16, epochs=30, early_stop_loss=enough), 0).history
    first = int(np.argmax(whole["loss"] <= enough))
    assert ended.equals(whole.iloc[: first + 1])


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


def test_arrays_flattened_keep_values_and_share_one_vector() -> None:
    rng = np.random.default_rng(0)
    arrays = [np.asfortranarray(rng.standard_normal((3, 4))), rng.standard_normal((2, 3)), np.ones(2)]
    vector, views = flattened(arrays)
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
    vector, views = flattened([np.full_like(array, np.nan) for array in expected])
    network.gradients(forward, slopes, out=views)
    assert np.isfinite(vector).all()
    for found, wanted in zip(views, expected, strict=True):
        assert np.allclose(found, wanted, rtol=1e-12, atol=1e-15)


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


def rates(losses: list[float], start: float = 1.0, **settings: float) -> list[float]:
    """The rate that each following epoch would run with."""
    plateau = Plateau(PlateauSettings(**{"factor": 0.5, "patience": 2, "min_learning_rate": 0} | settings))
    found = []
    for loss in losses:
        start = plateau.next_rate(loss, start)
        found.append(start)
    return found


def test_patience_counts_epochs_in_a_row_without_a_better_loss() -> None:
    assert rates([5, 6, 6]) == [1, 1, 0.5]
    assert rates([5, 6, 4, 6, 3, 3]) == [1, 1, 1, 1, 1, 1]
    assert rates([5, 6, 4, 4, 4, 4, 4]) == [1, 1, 1, 1, 0.5, 0.5, 0.25]


def test_better_means_by_more_than_min_delta() -> None:
    assert rates([5, 4.95, 4.91], min_delta=0.1) == [1, 1, 0.5]
    assert rates([5, 4.95, 4.89], min_delta=0.1) == [1, 1, 1]
    assert rates([5, 4.5, 4.5], min_delta=0.5) == [1, 1, 0.5]
    # small steps add up, since the best is kept: 4.95 is no best, 4.85 is better than 5 by 0.15
    assert rates([5, 4.95, 4.85, 4.8], min_delta=0.1) == [1, 1, 1, 1]


def test_after_a_cut_cooldown_epochs_do_not_count() -> None:
    # cut after epoch 3; epoch 4 cools (2 to 1), in epoch 5 the count ends and it is the first to count
    assert rates([5, 5, 5, 5, 5, 5, 5], cooldown=2) == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert rates([5, 5, 5, 5, 5, 5, 5], cooldown=0) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_a_better_loss_counts_during_cooldown() -> None:
    # epoch 4 (cooling) sets the best to 1, so 2 in epochs 5 and 6 is not better
    assert rates([5, 5, 5, 1, 2, 2], cooldown=2) == [1, 1, 0.5, 0.5, 0.5, 0.25]


def test_the_rate_stops_at_the_least() -> None:
    assert rates([5] * 6, min_learning_rate=0.4) == [1, 1, 0.5, 0.5, 0.4, 0.4]
    assert rates([5] * 6, start=0.3, min_learning_rate=0.4) == [0.3] * 6


def test_model_2_never_lowers_its_rate() -> None:
    settings = {"factor": 0.2, "patience": 5, "min_learning_rate": 1e-3, "cooldown": 5}
    assert rates([1.0] * 80, 1e-3, **settings) == [1e-3] * 80


@pytest.mark.parametrize("first", [0.0, 1e9])
def test_the_first_epoch_is_the_best_so_far(first: float) -> None:
    assert rates([first, first]) == [1, 1]
