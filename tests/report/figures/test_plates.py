from __future__ import annotations

from matplotlib.figure import Figure

from hilum.report.figures import PLATES, plates_of


def names(content) -> list[str]:
    return [plate.name for plate in plates_of(content)]


def test_a_trained_head_has_every_figure(two_class):
    assert names(two_class) == [plate.name for plate in PLATES]


def test_without_epochs_or_a_second_class_their_figures_are_left_out(degenerate):
    assert names(degenerate) == ["confusion", "confusion_counts", "cohort", "sizes", "reliability"]


def test_every_figure_can_be_drawn(content):
    assert all(isinstance(plate.draw(content), Figure) for plate in plates_of(content))


def test_names_are_distinct_and_captions_are_sentences():
    assert len({plate.name for plate in PLATES}) == len(PLATES)
    assert all(plate.title and plate.caption.endswith((".", ")")) for plate in PLATES)
