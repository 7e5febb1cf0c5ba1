from __future__ import annotations

import os
import select
import subprocess
import sys

import numpy as np
import pytest

from hilum.auditing import repetition
from hilum.auditing.repetition import Trial, repeat
from hilum.cohort import split
from hilum.errors import AuditError
from hilum.metrics import evaluate
from hilum.recipe.settings import DenseHeadSettings, SplitSettings
from hilum.run.experiment import perform


def trials_of(subject, count, **changes):
    rule = subject.recipe.split
    return [
        Trial(rule.model_copy(update={"seed": seed, **changes}), subject.labels[subject.rows], seed)
        for seed in range(count)
    ]


@pytest.mark.parametrize("classes", [("normal", "covid"), ("a", "b", "c")])
def test_a_repetition_scores_as_the_experiment_itself(make_subject, classes):
    subject = make_subject(classes=classes, signal=1.0)
    found = repeat(subject, trials_of(subject, 3), "Trying")
    for seed in range(3):
        folds = split(subject.table, subject.recipe.split.model_copy(update={"seed": seed}))
        recipe = subject.recipe.model_copy(update={"seed": seed})
        test = perform(subject.table, subject.features, folds, recipe).predictions.part("test")
        expected = evaluate(test, np.random.default_rng(0), resamples=2)
        assert found.accuracy[seed] == pytest.approx(expected["accuracy"].value, abs=1e-12)
        assert found.auc[seed] == pytest.approx(expected["roc_auc"].value, abs=1e-12)
    assert found.accuracy.min() < 1


def test_other_processes_give_the_same_scores(make_subject, monkeypatch):
    head = DenseHeadSettings(units=8, epochs=3)
    subject = make_subject(signal=0.5, head=head)
    here = repeat(subject, trials_of(subject, 5), "Trying")
    monkeypatch.setattr(repetition, "WORTHWHILE_SECONDS", 0)
    monkeypatch.setattr(repetition, "cpu_count", lambda: 2)
    there = repeat(subject, trials_of(subject, 5), "Trying")
    assert len(set(here.auc)) > 1
    np.testing.assert_array_equal(here.auc, there.auc)
    np.testing.assert_array_equal(here.accuracy, there.accuracy)


def test_little_work_starts_no_process(make_subject, monkeypatch):
    monkeypatch.setattr(repetition, "_in_processes", None)
    assert len(repeat(make_subject(), trials_of(make_subject(), 4), "Trying")) == 4


def test_trials_that_cannot_be_done_are_counted_and_many_are_refused(make_subject):
    subject = make_subject(n=40)
    nothing = np.zeros(40, np.int64)
    one = Trial(subject.recipe.split, nothing, 0)
    found = repeat(subject, [*trials_of(subject, 2), one], "Trying")
    assert (len(found), found.failed) == (2, 1)
    with pytest.raises(AuditError, match="1 of 2 repetitions could not be done"):
        repeat(subject, [one, *trials_of(subject, 1)], "Trying")


def test_of_several_folds_the_seed_names_one(make_subject):
    subject = make_subject(splitting=SplitSettings(folds=3, validation=0.2))
    assert len(set(repeat(subject, trials_of(subject, 6), "Trying").auc)) > 1


def test_what_another_process_imports_is_light():
    code = (
        "import sys, hilum.auditing.repetition;"
        "print(*({'torch', 'timm', 'openvino', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a parent that can be killed")
def test_a_process_ends_with_a_killed_parent():
    child = (
        "import sys, time; from hilum.auditing.repetition import _follow;"
        "_follow(int(sys.argv[1])); print('up', flush=True); time.sleep(90)"
    )
    parent = (
        "import os, subprocess, sys;"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}, str(os.getpid())]);"
        "child.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "up\n"
        process.kill()
        assert select.select([process.stdout], [], [], 30)[0]  # it closes when nobody holds it any more
        assert process.stdout.read() == ""
