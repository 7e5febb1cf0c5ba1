from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from hilum.phantom import FindingKind, PhantomCohort, Shortcut, ShortcutKind
from hilum.phantom.cohort import plan

MANY = PhantomCohort(images=1500, images_per_patient=1)
FACTORS = [kind for kind in ShortcutKind if kind is not ShortcutKind.SOURCE]


def frequencies(shots, kind):
    """Fraction of images with a factor: among negative, and among positive ones."""
    shown = defaultdict(list)
    for shot in shots:
        shown[shot.label != "Normal"].append(kind in shot.factors)
    return tuple(sum(shown[group]) / len(shown[group]) for group in (False, True))


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_factors_follow_the_label_as_strongly_as_asked(strength):
    planted = tuple(Shortcut(kind, strength) for kind in FACTORS)
    shots = plan(replace(MANY, shortcuts=planted))
    for shortcut in planted:
        negative, positive = frequencies(shots, shortcut.kind)
        # 750 images a group: four standard errors of a share are at most 0.073.
        assert negative == pytest.approx(shortcut.frequency(positive=False), abs=0.073)
        assert positive == pytest.approx(shortcut.frequency(positive=True), abs=0.073)
        assert positive - negative == pytest.approx(strength, abs=0.103)


def test_a_factor_says_nothing_about_another():
    shots = plan(replace(MANY, shortcuts=()))
    negative, positive = frequencies(shots, ShortcutKind.MARKER)
    assert positive - negative == pytest.approx(0, abs=0.103)
    bordered = [ShortcutKind.BORDER in shot.factors for shot in shots if ShortcutKind.MARKER in shot.factors]
    assert sum(bordered) / len(bordered) == pytest.approx(0.3, abs=0.073)


def test_a_full_shortcut_has_no_exception():
    planted = tuple(Shortcut(kind, 1) for kind in FACTORS)
    for shot in plan(replace(MANY, images=200, shortcuts=planted)):
        assert len(shot.factors) == (0 if shot.label == "Normal" else len(FACTORS))


@pytest.mark.parametrize("sources", [2, 3])
def test_the_source_follows_the_class(sources):
    strength = 0.5
    planted = (Shortcut(ShortcutKind.SOURCE, strength),)
    design = replace(MANY, classes=3, sources=sources, shortcuts=planted)
    everyone = plan(design)
    for number, label in enumerate(design.labels):
        own = f"phantom-{'abc'[number % sources]}"
        shots = [shot for shot in everyone if shot.label == label]
        share = sum(shot.source == own for shot in shots) / len(shots)
        assert share == pytest.approx(strength + (1 - strength) / sources, abs=0.09)


def test_factors_are_really_drawn():
    for shot in plan(replace(MANY, images=200)):
        taken, factors = shot.acquisition, shot.factors
        assert (taken.marker is not None) == (ShortcutKind.MARKER in factors)
        assert (taken.border > 0) == (ShortcutKind.BORDER in factors)
        assert (taken.text != "") == (ShortcutKind.TEXT in factors)
        assert (taken.view.value == "AP") == (ShortcutKind.VIEW in factors)
        assert (shot.patient.age_years >= 18) == (ShortcutKind.AGE in factors)
        assert shot.size == ((307, 307) if ShortcutKind.RESOLUTION in factors else (512, 512))


def test_low_dose_is_less_exposure():
    shots = plan(MANY)
    dose = [
        [s.acquisition.exposure for s in shots if (ShortcutKind.EXPOSURE in s.factors) == low]
        for low in (0, 1)
    ]
    means = [sum(values) / len(values) for values in dose]
    assert means[1] == pytest.approx(0.65 * means[0], rel=0.03)


@pytest.mark.parametrize("signal", [0.0, 0.5, 1.0])
def test_signal_is_the_share_of_patients_whose_finding_is_drawn(signal):
    shots = plan(replace(MANY, signal=signal))
    findings = [shot.finding for shot in shots if shot.label == "COVID-19"]
    drawn = [finding for finding in findings if finding.kind is FindingKind.GROUND_GLASS]
    assert len(drawn) / len(findings) == pytest.approx(signal, abs=0.073)
    assert all(0.35 <= finding.severity <= 0.9 for finding in drawn)
    assert all(shot.finding.kind is FindingKind.NONE for shot in shots if shot.label == "Normal")


def test_image_i_does_not_depend_on_how_many_follow():
    design = PhantomCohort(images=90, duplicates=0.2)
    assert plan(replace(design, images=25)) == plan(design)[:25]


def test_another_seed_gives_other_patients():
    first, second = (plan(PhantomCohort(images=5, seed=seed)) for seed in (0, 1))
    assert not {s.patient.seed for s in first} & {s.patient.seed for s in second}


@pytest.mark.parametrize(("classes", "prevalence"), [(2, None), (2, (0.8, 0.2)), (3, (0.5, 0.3, 0.2))])
def test_prevalence_holds_in_every_stretch(classes, prevalence):
    design = replace(MANY, classes=classes, prevalence=prevalence)
    shots = plan(design)
    for stretch in (shots[:100], shots[500:600], shots):
        counts = Counter(shot.label for shot in stretch)
        for label, share in zip(design.labels, design.shares, strict=True):
            assert counts[label] / len(stretch) == pytest.approx(share, abs=0.03)


def test_images_per_patient_and_what_patients_keep():
    shots = plan(replace(MANY, images_per_patient=2.5))
    films = defaultdict(list)
    for shot in shots:
        films[shot.key].append(shot)
    assert len(shots) / len(films) == pytest.approx(2.5, abs=0.25)
    for own in films.values():
        assert len({(s.label, s.source, s.person, s.patient, s.finding) for s in own}) == 1
        assert len({s.acquisition for s in own}) == len(own)


def test_duplicates_are_copies_of_an_earlier_patient_under_a_new_key():
    shots = plan(replace(MANY, duplicates=0.25))
    by_name = {shot.image: shot for shot in shots}
    copies = [shot for shot in shots if shot.copy_of]
    assert len(copies) / len({shot.key for shot in shots}) == pytest.approx(0.25, abs=0.05)
    for copy in copies:
        original = by_name[copy.copy_of]
        assert original.image < copy.image
        assert not original.copy_of
        assert copy.key != original.key
        assert replace(copy, image=original.image, key=original.key, copy_of="") == original
    assert all(shot.person == shot.key for shot in shots if not shot.copy_of)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"images": 0}, "images must lie in"),
        ({"classes": 4}, "classes must lie in"),
        ({"signal": 1.1}, "signal must lie in"),
        ({"severity": (0.5, 1.5)}, "highest_severity must lie in"),
        ({"severity": (0.5, 0.4)}, "severity must rise"),
        ({"images_per_patient": 0.5}, "images_per_patient must lie in"),
        ({"sources": 27}, "sources must lie in"),
        ({"source_contrast": -1}, "source_contrast must lie in"),
        ({"duplicates": 2}, "duplicates must lie in"),
        ({"size": (32, 64)}, "rows must lie in"),
        ({"size": (64, 512)}, "aspect must lie in"),
        ({"bits": 12}, "bits must be 8 or 16, found 12"),
        ({"seed": -1}, "seed must lie in"),
        ({"prevalence": (0.5, 0.4)}, "2 shares that add up to 1"),
        ({"prevalence": (1.5, -0.5)}, "2 shares that add up to 1"),
        ({"prevalence": (1.0,)}, "2 shares that add up to 1"),
        ({"shortcuts": (Shortcut(ShortcutKind.AGE, 0), Shortcut(ShortcutKind.AGE, 1))}, "each kind once"),
    ],
)
def test_designs_that_contradict_themselves_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        PhantomCohort(**wrong)
