"""A cohort as one file: CSV or Parquet, rows in use first, then the excluded ones.

Two columns tell them apart: ``exclusion`` holds the reason (empty for a row in use), ``exclusion_detail``
the rest.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import pandas as pd

from hilum.artifact import replacing
from hilum.errors import CohortError

__all__ = ["RESERVED", "read_table", "write_table"]

RESERVED = ("exclusion", "exclusion_detail")
_FORMATS = (".csv", ".parquet")


def write_table(path: Path, table: pd.DataFrame, exclusions: pd.DataFrame) -> None:
    """Write both tables to `path`, whole or not at all.

    Raises
    ------
    CohortError
        If the suffix is neither ``.csv`` nor ``.parquet``.
    """
    kind = _format_of(path)
    excluded = exclusions.rename(columns={"reason": RESERVED[0], "detail": RESERVED[1]})
    whole = pd.concat([table, excluded], ignore_index=True).reindex(columns=[*table.columns, *RESERVED])
    with replacing(path) as temporary:
        if kind == ".csv":
            whole.to_csv(temporary, index=False, lineterminator="\n", quoting=_quoting(whole))
        else:
            whole.to_parquet(temporary, index=False)


def _quoting(table: pd.DataFrame) -> Literal[0, 2]:
    """Quote text where some holds a carriage return: the writer quotes line feeds, but not those."""
    texts = [table[name] for name in table if table[name].dtype == "str"]
    returns = any(text.str.contains("\r", regex=False).any() for text in texts)
    return csv.QUOTE_NONNUMERIC if returns or any("\r" in str(name) for name in table) else csv.QUOTE_MINIMAL


def read_table(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what `write_table` wrote, or a table without excluded rows.

    Returns
    -------
    table, exclusions : DataFrame
        The second with ``image, source, reason, detail``.

    Raises
    ------
    CohortError
        If the file is missing or no such table.
    """
    whole = _read(path)
    if RESERVED[0] not in whole:
        return whole, pd.DataFrame(columns=["image", "source", "reason", "detail"], dtype="str")
    unused = whole[RESERVED[0]].notna()
    table = whole[~unused].drop(columns=list(RESERVED), errors="ignore")
    names = {RESERVED[0]: "reason", RESERVED[1]: "detail"}
    wanted = ["image", "source", "reason", "detail"]
    exclusions = whole[unused].rename(columns=names).reindex(columns=wanted)
    return table.reset_index(drop=True), exclusions.reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    kind = _format_of(path)
    if not path.is_file():
        raise CohortError("there is no such cohort", path=path)
    try:
        if kind == ".csv":
            return pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:  # what pandas, pyarrow and decoders raise
        raise CohortError(f"not a {kind[1:]} table", path=path, found=_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _format_of(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in _FORMATS:
        raise CohortError(
            "a cohort is a CSV or Parquet file",
            path=path,
            expected=" or ".join(_FORMATS),
            found=kind or "no suffix",
        )
    return kind
