from __future__ import annotations

import numpy as np

from hilum.metrics import ConfusionMatrix
from hilum.report.figures import draw_confusion, draw_confusion_shares

TUTORIAL = ConfusionMatrix(("NORMAL", "COVID"), np.array([[22, 0], [1, 32]]))


def cells(figure) -> dict[tuple[float, float], str]:
    """Row, column and text of each cell."""
    return {(y, x): text.get_text() for text in figure.axes[0].texts for x, y in [text.get_position()]}


def test_shares_are_those_of_the_tutorial():
    figure = draw_confusion_shares(TUTORIAL)
    shown = {place: text.replace("\u202f", " ").split("\n") for place, text in cells(figure).items()}
    assert shown == {
        (0, 0): ["22", "40.0 %"],
        (0, 1): ["0", "0.0 %"],
        (1, 0): ["1", "1.8 %"],
        (1, 1): ["32", "58.2 %"],
    }
    assert figure.axes[0].images[0].get_cmap().name == "Greens"
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), TUTORIAL.counts / 55)


def test_axes_are_named_by_the_classes():
    axes = draw_confusion_shares(TUTORIAL).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["NORMAL", "COVID"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["NORMAL", "COVID"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted", "Correct")


def test_counts_stand_beside_the_sums_of_their_rows():
    figure = draw_confusion(TUTORIAL)
    assert cells(figure) == {(0, 0): "22", (0, 1): "0", (1, 0): "1", (1, 1): "32"}
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["NORMAL\n(22)", "COVID\n(33)"]
