from __future__ import annotations

from matplotlib.figure import Figure

from hilum.report.figures import FIGURES, figures_of


def names(content) -> list[str]:
    return [spec.name for spec in figures_of(content)]


def test_a_trained_head_has_every_figure(two_class):
    assert names(two_class) == [spec.name for spec in FIGURES]


def test_without_epochs_or_a_second_class_their_figures_are_left_out(degenerate):
    assert names(degenerate) == ["confusion", "confusion_counts", "cohort", "sizes", "reliability"]


def test_every_figure_can_be_drawn(content):
    assert all(isinstance(spec.draw(content), Figure) for spec in figures_of(content))


def test_names_are_distinct_and_captions_are_sentences():
    assert len({spec.name for spec in FIGURES}) == len(FIGURES)
    assert all(spec.title and spec.caption.endswith((".", ")")) for spec in FIGURES)
