from __future__ import annotations

import pandas as pd

from hilum.report.figures import draw_cohort, draw_sizes

COHORT = pd.DataFrame({
    "label": ["ill", "ill", "ill", "well"], "source": ["a", "a", "b", "b"],
    "rows": [100, 200, 300, None], "columns": [150, 250, 350, 450],
}).astype({"rows": "Int64", "columns": "Int64"})  # fmt: skip


def test_each_label_and_source_has_its_count():
    texts = {
        text.get_position(): text.get_text() for text in draw_cohort(COHORT, ["well", "ill"]).axes[0].texts
    }
    assert texts == {(0, 0): "none", (1, 0): "1", (0, 1): "2", (1, 1): "1"}  # (column, row)


def test_each_source_has_its_marker_and_unknown_sizes_are_left_out():
    figure = draw_sizes(COHORT)
    first, second = figure.axes[0].collections
    assert first.get_offsets().tolist() == [[150, 100], [250, 200]]
    assert second.get_offsets().tolist() == [[350, 300]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a (2)", "b (1)"]
    assert first.get_paths()[0].vertices.tolist() != second.get_paths()[0].vertices.tolist()
