from __future__ import annotations

import pytest
import torch

from hilum.backbone.network import WindowMeans, pooling
from hilum.errors import BackboneError
from hilum.recipe.settings import MapPooling, WindowPooling


def test_windows_of_four_on_a_map_of_seven_see_rows_and_columns_0_to_3_only():
    cells = torch.rand(2, 3, 7, 7)
    found = WindowMeans(4)(cells)
    assert torch.allclose(found, cells[:, :, :4, :4].mean(dim=(2, 3)))
    cells[:, :, 4:, :] = 9
    cells[:, :, :, 4:] = 9
    assert torch.equal(WindowMeans(4)(cells), found)


def test_windows_of_two_on_a_map_of_seven_are_three_by_three_channel_by_channel():
    cells = torch.zeros(1, 2, 7, 7)
    cells[0, 1, 2:4, 4:6] = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    found = WindowMeans(2)(cells)
    assert found.shape == (1, 18)
    assert found[0, 9 + 1 * 3 + 2] == 3  # channel 1, window row 1, window column 2
    assert found.count_nonzero() == 1


def test_map_pooling_is_the_mean_of_all_cells():
    cells = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert pooling(MapPooling(), 2)(cells).tolist() == [[1.5, 5.5]]


def test_a_window_larger_than_the_map_is_refused():
    with pytest.raises(BackboneError, match="expected at most 7, found 8"):
        pooling(WindowPooling(size=8), 7)
