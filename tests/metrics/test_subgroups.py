from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom
from statsmodels.stats.multitest import multipletests

from hilum.errors import CohortError
from hilum.metrics import Estimate, Predictions, Subgroup, subgroups, wilson
from hilum.metrics.subgroups import AGE_BANDS, MIN_IMAGES


def rng(seed=0):
    return np.random.default_rng(seed)


def judged(build, right, labels=None, **columns):
    """Images that are predicted right or wrong."""
    right = np.asarray(right, bool)
    labels = np.ones(right.size, int) if labels is None else np.asarray(labels)
    return build(labels, np.where(right, labels, 1 - labels).astype(float), **columns)


def exact(wrong, inside):
    """Of all ways to draw the group, how many have errors as far from their expected number."""
    law = hypergeom(wrong.size, wrong.sum(), inside.sum())
    counts = np.arange(wrong.size + 1)
    as_far = np.abs(counts - law.mean()) >= abs((wrong & inside).sum() - law.mean()) - 1e-9
    return law.pmf(counts)[as_far].sum()


def facts(predictions, **columns):
    return pd.DataFrame(columns, index=pd.Index(predictions.images, name="image"))


def test_groups_by_hand(build):
    # Of 20 sick women 18 are found, of 10 sick men 5; of 10 well ones each all are cleared.
    right = [1] * 18 + [0] * 2 + [1] * 5 + [0] * 5 + [1] * 20
    predictions = judged(build, right, [1] * 30 + [0] * 20)
    sex = ["F"] * 20 + ["M"] * 10 + ["F"] * 10 + ["M"] * 10
    women, women_well, men, _ = subgroups(predictions, facts(predictions, sex=sex), rng())
    assert (women.column, women.value, women.metric) == ("sex", "F", "sensitivity")
    assert women.figure == Estimate(0.9, *wilson(18, 20), 20)
    assert women.others == men.figure == Estimate(0.5, *wilson(5, 10), 10)
    assert men.others == women.figure
    assert (women_well.metric, women_well.figure.n, women_well.p) == ("specificity", 10, 1)
    assert women.p == pytest.approx(exact(np.array(right[:30]) == 0, np.arange(30) < 20), abs=0.005)
    assert women.corrected == pytest.approx(min(1, 4 * min(women.p, men.p)))


@pytest.mark.parametrize("seed", range(4))
def test_with_one_image_a_patient_the_draws_are_fishers(build, seed):
    draws = rng(seed)
    inside, right = draws.random(80) < 0.3, draws.random(80) < 0.85
    predictions = judged(build, right)
    found = subgroups(predictions, facts(predictions, view=np.where(inside, "AP", "PA")), rng(), 50_000)[0]
    assert found.p == pytest.approx(exact(~right, inside), abs=0.01)


def _rejections(build, patients):
    """How often groups of ten patients, five like images each, are told from ten more, where none differs."""
    rejected, draws = 0, rng(3)
    for _ in range(100):
        right = np.repeat(draws.random(20) < 0.8, 5)
        predictions = judged(build, right, patient=patients)
        table = facts(predictions, source=np.repeat(["a", "b"], 50))
        rejected += subgroups(predictions, table, rng(4), 500)[0].p < 0.05
    return rejected / 100


def test_patients_with_several_images_cause_no_false_alarms(build):
    assert _rejections(build, [f"p{i // 5}" for i in range(100)]) <= 0.07
    assert _rejections(build, [f"p{i}" for i in range(100)]) > 0.2


def test_a_p_value_is_never_zero(build):
    predictions = judged(build, [1] * 40 + [0] * 40)
    table = facts(predictions, source=["a"] * 40 + ["b"] * 40)
    assert subgroups(predictions, table, rng(), 999)[0].p == 1 / 1000


@pytest.mark.parametrize(("n", "tested"), [(MIN_IMAGES - 1, False), (MIN_IMAGES, True)])
def test_small_groups_are_listed_and_not_tested(build, n, tested):
    predictions = judged(build, [1] * 30 + [0] * n)
    table = facts(predictions, source=["large"] * 30 + ["small"] * n)
    sensitivities = [one for one in subgroups(predictions, table, rng()) if one.metric == "sensitivity"]
    assert [one.value for one in sensitivities] == ["large", "small"]
    for one in sensitivities:
        assert one.too_few != tested
        assert math.isnan(one.p) == math.isnan(one.corrected) != tested
    assert sensitivities[1].figure.n == n


def test_a_group_of_all_images_has_no_others(build):
    predictions = judged(build, [1] * 20)
    found = subgroups(predictions, facts(predictions, source="one"), rng())
    assert [one.value for one in found] == ["one", "one"]
    assert all(one.too_few and one.others.n == 0 for one in found)


def test_ages_come_in_bands(build):
    ages = [0, 17, 17.9, 18, 39, 40, 59, 60, 79, 80, 101, None, "about 60", -1]
    predictions = judged(build, [1] * len(ages))
    found = subgroups(predictions, facts(predictions, age=pd.Series(ages, dtype=object).to_numpy()), rng())
    sizes = {one.value: one.figure.n for one in found if one.metric == "sensitivity"}
    assert sizes == {"0-17": 3, "18-39": 2, "40-59": 2, "60-79": 2, "80+": 2}
    assert list(sizes) == list(AGE_BANDS)
    assert {one.others.n for one in found if one.value == "0-17" and one.metric == "sensitivity"} == {8}


def test_a_missing_fact_is_in_no_group_and_no_others(build):
    predictions = judged(build, [1] * 40)
    view = ["AP"] * 15 + ["PA"] * 15 + [None] * 10
    first = subgroups(predictions, facts(predictions, view=view), rng())[0]
    assert (first.value, first.figure.n, first.others.n) == ("AP", 15, 15)
    half = facts(predictions, view=view)[:20]
    assert subgroups(predictions, half, rng())[0].others.n == 5


def test_recall_of_each_of_three_classes(drawn):
    predictions = drawn(n=300, k=3)
    table = facts(predictions, source=np.where(np.arange(300) % 4 < 2, "a", "b"))
    found = subgroups(predictions, table, rng(), 200)
    names = ["sensitivity_covid_19", "sensitivity_normal", "sensitivity_other_infection"]
    assert [one.metric for one in found] == 2 * names
    rows = (predictions.labels == 1) & (table["source"] == "a").to_numpy()
    assert found[1].figure.value == (predictions.predicted[rows] == 1).mean()


def test_holm_agrees_with_statsmodels(drawn):
    predictions = drawn(n=400)
    draws = rng(1)
    columns = {
        name: draws.choice(["a", "b", "c", "rare"], p=[0.4, 0.3, 0.29, 0.01], size=400) for name in "xy"
    }
    found = subgroups(predictions, facts(predictions, **columns), rng(), 1000)
    p = np.array([one.p for one in found])
    assert np.isnan(p).any()
    known = ~np.isnan(p)
    corrected = np.array([one.corrected for one in found])
    assert corrected[known] == pytest.approx(multipletests(p[known], method="holm")[1])
    assert np.isnan(corrected[~known]).all()


def test_a_planted_difference_is_found_and_no_other(build):
    draws = rng(2)
    view, sex = draws.choice(["AP", "PA"], 300), draws.choice(["F", "M"], 300)
    predictions = judged(build, draws.random(300) < np.where(view == "AP", 0.6, 0.95))
    found = subgroups(predictions, facts(predictions, sex=sex, view=view), rng())
    assert {one.column for one in found if one.corrected < 0.05} == {"view"}


def test_facts_must_be_of_these_images(build):
    predictions = judged(build, [1] * 4)
    with pytest.raises(CohortError, match="no fact is about a predicted image"):
        subgroups(predictions, pd.DataFrame({"sex": ["F"]}, index=["other.png"]), rng())
    with pytest.raises(CohortError, match=r"twice; found 0.png"):
        subgroups(predictions, pd.DataFrame({"sex": ["F", "M"]}, index=["0.png", "0.png"]), rng())


def test_no_predictions_have_no_groups(build):
    nothing = judged(build, [])
    assert isinstance(nothing, Predictions)
    assert subgroups(nothing, pd.DataFrame({"sex": ["F"]}, index=["a.png"]), rng()) == []


def test_a_correction_only_raises():
    some = Estimate(0.5, 0.4, 0.6, 20)
    with pytest.raises(ValueError, match="cannot lower"):
        Subgroup("sex", "F", "sensitivity", some, some, p=0.2, corrected=0.1)
