from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.cohort.tables import typed
from hilum.errors import CohortError


def kind(values: list[object], name: str = "anything") -> str:
    return str(typed(pd.DataFrame({name: values}))[name].dtype)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], "Int64"),
        (["1", "-20", None], "Int64"),
        (["007", "8"], "str"),
        (["1.50", "2.25"], "str"),
        (["1.5", "2"], "float64"),
        ([1.0, 2.0], "float64"),
        ([True, None], "boolean"),
        (["True", "yes"], "str"),
        ([None, None], "str"),
        (["", "x"], "str"),
        (["nan"], "str"),
        (["1234567890123456"], "str"),  # more digits than a float keeps
    ],
)
def test_kind_of_any_other_column_follows_from_its_text(values: list[object], expected: str) -> None:
    assert kind(values) == expected


def test_known_columns_have_their_kind_whatever_they_hold() -> None:
    assert kind(["1", "2"], "label") == "str"
    assert kind([50, None], "age") == "float64"
    assert kind([512.0, None], "rows") == "Int64"


def test_empty_text_is_missing() -> None:
    assert typed(pd.DataFrame({"view": ["", "PA"]}))["view"].isna().tolist() == [True, False]


def test_known_column_with_something_else_is_refused() -> None:
    with pytest.raises(CohortError, match=r"'age' holds .*not numbers.*'90\+' in row 1"):
        typed(pd.DataFrame({"age": ["3", "90+"]}))
    with pytest.raises(CohortError, match=r"'rows'.*'1\.5' in row 0"):
        typed(pd.DataFrame({"rows": [1.5]}))


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["True", "1", "1.5", "0", "-0", "1e-07", "inf"]),
)


@given(st.lists(CELLS, max_size=5))
def test_typing_twice_changes_nothing(values: list[object]) -> None:
    once = typed(pd.DataFrame({"x": pd.Series(values, dtype=object)}))
    pd.testing.assert_frame_equal(once, typed(once))


def test_a_copy_with_a_plain_index_comes_out() -> None:
    table = pd.DataFrame({"x": [1, 2]}, index=[5, 9])
    out = typed(table)
    assert out.index.tolist() == [0, 1]
    out.loc[0, "x"] = 7
    assert table["x"].tolist() == [1, 2]
    assert np.issubdtype(table["x"].dtype, np.int64)
