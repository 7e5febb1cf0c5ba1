"""Recipes load, validate, and say where they do not."""

from __future__ import annotations

import pytest
import yaml

from hilum.errors import RecipeError
from hilum.recipe import Recipe, Setting, dump, load, opening_comment, shipped
from hilum.recipe.settings import LinearHeadSettings

SHIPPED = {
    "tutorial-model-1",
    "tutorial-model-2",
    "darkcovidnet-2class",
    "darkcovidnet-3class",
    "covid-vs-normal",
    "covid-vs-other",
    "demo",
}


def test_the_promised_recipes_are_shipped():
    assert set(shipped()) == SHIPPED


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_recipe_loads_under_its_own_name_and_opens_with_a_comment(name):
    assert load(name).name == name
    comment = opening_comment(shipped()[name])
    assert "Source:" in comment
    assert "Published:" in comment or "Expected:" in comment


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_dump_and_load_agree(name, tmp_path):
    recipe = load(name)
    path = tmp_path / "recipe.yaml"
    path.write_text(dump(recipe), encoding="utf-8")
    assert load(path) == recipe


def test_tutorial_model_1_states_the_tutorial_s_settings():
    recipe = load("tutorial-model-1")
    assert [selection.limit for selection in recipe.cohort.select] == [175, 100]
    assert (recipe.split.seed, recipe.split.test, recipe.split.validation) == (40, 0.2, 0.1)
    assert recipe.preprocessing.size == 237
    assert recipe.backbone.model_dump(mode="json") == {
        "name": "vgg16",
        "weights": "imagenet",
        "normalisation": "unit",
        "pooling": {"kind": "windows", "size": 4},
    }
    assert recipe.head.model_dump() == {
        "kind": "dense",
        "units": 64,
        "dropout": 0.2,
        "epochs": 50,
        "batch": 8,
        "learning_rate": 1e-3,
        "plateau": None,
        "early_stop_loss": None,
    }


def test_settings_replace_values_in_order():
    settings = [Setting.parse(text) for text in ("head.dropout=0.3", "head.dropout=0.4", "seed=7")]
    recipe = load("tutorial-model-1", settings)
    assert (recipe.head.dropout, recipe.seed) == (0.4, 7)


def test_a_setting_reaches_into_lists_and_takes_whole_sections():
    settings = [Setting.parse("cohort.select.0.limit=5"), Setting.parse("head={kind: linear, folds: 3}")]
    recipe = load("tutorial-model-1", settings)
    assert recipe.cohort.select[0].limit == 5
    assert recipe.head.folds == 3


def test_another_kind_starts_its_section_anew():
    settings = [Setting.parse(text) for text in ("head.kind=linear", "head.folds=3")]
    assert load("tutorial-model-1", settings).head == LinearHeadSettings(folds=3)
    same = load("tutorial-model-1", [Setting.parse("head.kind=dense")])
    assert same.head == load("tutorial-model-1").head


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("head.droput=1", r"head\.droput.*unknown key\. Did you mean dropout\?"),
        ("head.dropout=2", r"head\.dropout \(line \d+\).*less than 1; found 2"),
        ("head.dropout=wet", r"head\.dropout.*valid number.*found 'wet'"),
        ("cohort.select.0.limt=3", r"cohort\.select\.0\.limt.*Did you mean limit\?"),
        ("cohort.select.9.limit=3", r"cannot set cohort\.select\.9\.limit"),
        ("split.by=patent", r"split\.by.*'image', 'patient', 'source' or 'column'; found 'patent'"),
        ("cohort.select.0.label=Flu", r"label 'Flu' is none of the classes"),
        ("cohort.classes=[A, A]", r"cohort.*each may be named once"),
        ("title=", r"title.*valid string"),
        ("name=../up", r"name.*pattern"),
        ("head.kind=forest", r"head\.kind \(line \d+\): .*'dense', 'linear'; found 'forest'"),
        ("head.kind=lineer", r"head\.kind .*found 'lineer'\. Did you mean linear\?"),
        ("head={units: 3}", r"head\.kind .*this key is required\. Known: dense, linear\."),
        ("split.by=patients", r"split\.by .*found 'patients'\. Did you mean patient\?"),
        ("preprocessing.fit=cropp", r"preprocessing\.fit .*Did you mean crop\?"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(setting, message):
    with pytest.raises(RecipeError, match=message):
        load("tutorial-model-1", [Setting.parse(setting)])


@pytest.mark.parametrize("text", ["head.dropout", "=3", "head..dropout=3", "a b=3"])
def test_what_is_no_setting_is_refused(text):
    with pytest.raises(RecipeError, match=r"not a setting; expected KEY\.KEY=VALUE"):
        Setting.parse(text)


def test_the_line_of_the_key_is_the_file_s(tmp_path):
    values = yaml.safe_load(shipped()["demo"])
    text = yaml.safe_dump(values, sort_keys=False).replace("test: 0.25", "test: 25")
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    line = 1 + next(i for i, each in enumerate(text.splitlines()) if "test: 25" in each)
    with pytest.raises(
        RecipeError, match=rf"mine\.yaml: split\.test \(line {line}\): .*less than 1; found 25"
    ):
        load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "not valid YAML at line 1"),
        ("name: a\nname: b\n", "not valid YAML at line 2; found the key 'name' is repeated"),
        ("- a\n", "expected keys and values, found list"),
        ("", "expected keys and values, found NoneType"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("? [a]\n: b", "not valid YAML|expected keys"),
        ("name: x\n", r"title.*this key is required \(and 1 more\)"),
    ],
)
def test_a_text_that_is_no_recipe_is_refused(text, message, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        load(path)


def test_a_missing_file_and_a_misspelt_name_are_told_apart(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        load(tmp_path / "none.yaml")
    with pytest.raises(
        RecipeError, match=r"no recipe is named 'tutorial-modl-1'\. Did you mean tutorial-model-1\?"
    ):
        load("tutorial-modl-1")
    with pytest.raises(RecipeError, match="no recipe is named"):
        load("x" * 300)


def test_a_file_of_another_desktop_reads_the_same(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(("\ufeff" + shipped()["demo"]).replace("\n", "\r\n").encode())
    assert load(path) == load("demo")


def test_a_recipe_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load("demo").seed = 3


def test_the_schema_of_a_recipe_allows_no_unknown_key():
    assert Recipe.model_json_schema()["additionalProperties"] is False
