import shutil
from pathlib import Path

import pytest

from webvdi.guests import recipe as recipe_module
from webvdi.guests.errors import RecipeError
from webvdi.guests.recipe import load_recipe, recipe_names

TINY = load_recipe("tiny")
TINY_HASH = TINY.content_hash


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    shutil.copytree(TINY.directory, tmp_path / "tiny")
    return tmp_path


def test_tiny_comes_with_webvdi() -> None:
    assert "tiny" in recipe_names()
    assert TINY.memory_mib >= 256
    assert [disk.filesystem for disk in TINY.disks] == ["ext4"]
    assert len(set(TINY.packages)) == len(TINY.packages)


def test_desk_comes_with_webvdi() -> None:
    assert recipe_names() == ["desk", "tiny"]
    desk = load_recipe("desk")
    assert desk.system_disk is not None
    assert desk.system_disk.size_mib >= 8192
    assert f"root=LABEL={desk.system_disk.label}" in desk.cmdline.split()
    assert (desk.directory / "files" / desk.system_disk.setup).exists()
    assert len(set(desk.packages)) == len(desk.packages)
    grub = (desk.directory / "files/boot/grub/grub.cfg").read_text()
    assert f"root=LABEL={desk.system_disk.label} " in grub


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_says_what_it_is_and_costs(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.title
    assert recipe.summary.endswith(".")
    assert len(recipe.summary) <= 120
    assert recipe.expected.build_s > 0
    assert 0 < recipe.expected.size_mib <= recipe.space_mib


def test_desk_is_not_built_anew_for_a_change_of_tiny(recipes: Path) -> None:
    shutil.copytree(load_recipe("desk").directory, recipes / "desk")
    before = load_recipe("desk", recipes).content_hash
    (recipes / "tiny" / "files" / "etc" / "hosts").write_text("changed\n")
    assert load_recipe("desk", recipes).content_hash == before
    (recipes / "desk" / "initramfs" / "init").write_text("changed\n")
    assert load_recipe("desk", recipes).content_hash != before


def test_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'huge'; there are: .*tiny"):
        load_recipe("huge")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "wrong or missing: 'title'"),
        ("[machine]", "[machine", "recipe.toml: "),
        ("size_mib", "size", "wrong or missing"),
    ],
)
def test_mistakes_are_named(recipes: Path, old: str, new: str, message: str) -> None:
    path = recipes / "tiny" / "recipe.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RecipeError, match=message):
        load_recipe("tiny", recipes)


def test_hash_does_not_depend_on_the_place(recipes: Path) -> None:
    assert load_recipe("tiny", recipes).content_hash == TINY_HASH


@pytest.mark.parametrize("change", ["recipe", "file", "new file", "renamed file", "builder"])
def test_every_change_changes_the_hash(
    recipes: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    files = recipes / "tiny" / "files"
    match change:
        case "recipe":
            with (recipes / "tiny" / "recipe.toml").open("a") as file:
                file.write("# changed\n")
        case "file":
            (files / "etc" / "hosts").write_text("changed\n")
        case "new file":
            (files / "etc" / "motd").touch()
        case "renamed file":
            (files / "etc" / "hosts").rename(files / "etc" / "hostz")
        case _:
            monkeypatch.setattr(recipe_module, "_MEMORY_BUILDER", ("cpio",))
    assert load_recipe("tiny", recipes).content_hash != TINY_HASH


def test_what_python_leaves_behind_does_not_count(recipes: Path) -> None:
    (recipes / "tiny" / "__pycache__").mkdir()
    (recipes / "tiny" / "__pycache__" / "x.pyc").touch()
    assert load_recipe("tiny", recipes).content_hash == TINY_HASH


def test_builder_modules_exist() -> None:
    here = Path(recipe_module.__file__).parent
    names = {*recipe_module._MEMORY_BUILDER, *recipe_module._DISK_BUILDER}
    assert all((here / f"{name}.py").exists() for name in names)
