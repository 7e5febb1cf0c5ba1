from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hilum.report.figures import draw_accuracy, draw_loss

HISTORY = pd.DataFrame({
    "epoch": [1, 2, 3], "loss": [0.7, 0.4, 0.2], "accuracy": [0.5, 0.8, 0.9],
    "val_loss": [0.8, 0.5, 0.4], "val_accuracy": [0.4, 0.7, 0.8], "fold": 0,
})  # fmt: skip


@pytest.mark.parametrize(
    ("draw", "training", "validation"),
    [(draw_accuracy, "accuracy", "val_accuracy"), (draw_loss, "loss", "val_loss")],
)
def test_training_and_validation_are_drawn_over_the_epochs(draw, training, validation):
    axes = draw(HISTORY).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["training", "validation"]
    for name, column in (("training", training), ("validation", validation)):
        assert lines[name].get_xydata().tolist() == HISTORY[["epoch", column]].to_numpy().tolist()
    assert axes.get_xlabel() == "Epoch"


def test_accuracy_is_in_percent():
    figure = draw_accuracy(HISTORY)
    assert figure.axes[0].yaxis.get_major_formatter()(0.975) == "97.5\u202f%"


def test_each_fold_has_its_line_and_the_legend_names_each_kind_once():
    folds = pd.concat([HISTORY, HISTORY.assign(fold=1)])
    axes = draw_loss(folds).axes[0]
    assert len(axes.lines) == 4
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation"]
    assert "2 folds" in axes.get_xlabel()


def test_without_validation_only_training_is_drawn():
    axes = draw_loss(HISTORY.assign(val_loss=np.nan)).axes[0]
    assert [line.get_label() for line in axes.lines] == ["training"]
