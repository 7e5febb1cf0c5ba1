from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from hilum.classifier.dense import fit_dense
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
    x, y = two.training_features.astype(np.float64), two.training_labels
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
            env={"OPENBLAS_NUM_THREADS": threads, "PATH": ""},
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
    with pytest.raises(FitError, match="no row validates"):
        fit_dense(alone, DenseHeadSettings(plateau=plateau), 0)


def test_divergence_is_an_error(two: Samples) -> None:
    with pytest.raises(FitError, match=r"diverged; found loss \w+ in epoch"):
        fit_dense(two, DenseHeadSettings(learning_rate=1e30), 0)


def test_fitting_ends_where_nothing_is_left_to_learn(two: Samples) -> None:
    whole = fit_dense(two, DenseHeadSettings(units=16, epochs=30), 0).history
    enough = float(whole["loss"].iloc[10])
    ended = fit_dense(two, DenseHeadSettings(units=16, epochs=30, enough_loss=enough), 0).history
    first = int(np.argmax(whole["loss"] <= enough))
    assert ended.equals(whole.iloc[: first + 1])
