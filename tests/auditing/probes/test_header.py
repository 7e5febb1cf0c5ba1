from __future__ import annotations

import numpy as np

from hilum.auditing import Rating
from hilum.auditing.probes.metadata import HEADER, _header_facts


def test_files_of_another_size_give_the_label_away(make_subject):
    labels = np.arange(120) % 2
    rng = np.random.default_rng(0)
    sides = np.where(labels == 1, rng.integers(900, 1500, 120), rng.integers(1300, 2000, 120))
    answer = HEADER.ask(make_subject(labels=labels, columns={"rows": sides, "columns": sides}))
    assert answer.rating is Rating.BROKEN
    assert 0.8 < answer.figure.value < 1
    assert next(iter(answer.details["facts"])) in {"rows", "columns", "pixels"}
    labels_of_bars = [bar.label for bar in answer.pictures[0].bars]
    assert labels_of_bars[0] == "all header facts"
    assert labels_of_bars[-1] == "whole image"
    assert len(labels_of_bars) <= 7


def test_headers_that_have_nothing_to_do_with_the_label_are_sound(make_subject):
    answer = HEADER.ask(make_subject(n=200))
    assert answer.rating is Rating.SOUND
    assert answer.figure.low < 0.5 < answer.figure.high


def test_equipment_counts_also_where_one_label_has_none(make_subject):
    labels = np.arange(120) % 2
    model = np.where(labels == 1, "ALPHA 3", None)
    subject = make_subject(
        labels=labels, columns={"model": model, "kvp": np.where(labels == 1, 110.0, np.nan)}
    )
    assert {"model", "kvp"} <= set(_header_facts(subject))
    assert HEADER.ask(subject).rating is Rating.BROKEN


def test_what_follows_from_the_facts(make_subject):
    subject = make_subject(n=40, columns={"rows": np.arange(100, 140), "columns": 200, "bytes": 20_000})
    facts = _header_facts(subject)
    assert facts["aspect"].iloc[0] == 2
    assert facts["pixels"].iloc[0] == 20_000
    assert facts["bytes_per_pixel"].iloc[0] == 1
    assert "columns" not in facts  # alike in all files


def test_headers_that_are_alike_cannot_tell(make_subject):
    answer = HEADER.ask(make_subject(n=60, columns={"rows": 10, "columns": 10, "bytes": 10}))
    assert answer.rating is Rating.CANNOT_TELL
    assert "identical" in answer.reason
