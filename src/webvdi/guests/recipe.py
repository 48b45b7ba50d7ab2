"""What goes into a guest: a directory with ``recipe.toml`` and our own files under ``files/``."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webvdi.guests.bundle import DiskPlan
from webvdi.guests.errors import RecipeError

_HERE = Path(__file__).parent
# The modules whose code shapes what is in a bundle: a change of them is a change of its content.
_BUILDER = (
    "assemble",
    "caches",
    "cpio",
    "deb",
    "elf",
    "kernel_modules",
    "selection",
    "tree",
    "vmlinux",
    "wallpaper",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe as it stands in its directory; see ``tiny/recipe.toml`` for what each part means."""

    name: str
    directory: Path
    title: str
    memory_mib: int
    cpus: int
    cmdline: str
    disks: tuple[DiskPlan, ...]
    suite: str
    packages: tuple[str, ...]
    kernel_package: str  # the metapackage that depends on the newest kernel
    files: tuple[str, ...]  # patterns of what is taken out of the packages
    without: tuple[str, ...]  # patterns of what is left out all the same
    setuid: tuple[str, ...]  # programs that run with root's rights in the guest
    wallpaper: str  # path of the picture that is drawn for the desktop, or empty
    module_files: tuple[str, ...]  # patterns below kernel/ of modules that may be needed
    modules: tuple[str, ...]  # modules that are wanted; what they need comes with them
    space_mib: int  # room that a build takes, besides the packages

    @property
    def content_hash(self) -> str:
        """Hash of the recipe's files and of the code that follows it."""
        digest = hashlib.sha256()
        parts = [(path, self.directory) for path in recipe_files(self.directory)]
        parts += [(_HERE / f"{name}.py", _HERE) for name in _BUILDER]
        for path, root in parts:
            name = path.relative_to(root)
            digest.update(f"{name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()


def recipe_files(directory: Path) -> list[Path]:
    """Return the files that make a recipe, in a fixed order."""
    return sorted(
        path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with webvdi."""
    return sorted(path.parent.name for path in _HERE.glob("*/recipe.toml"))


def load_recipe(name: str, recipes: Path = _HERE) -> Recipe:
    """Read a recipe by name.

    Raises :class:`RecipeError`, also for a name that does not exist.
    """
    directory = recipes / name
    try:
        table = tomllib.loads((directory / "recipe.toml").read_text())
    except FileNotFoundError:
        known = ", ".join(sorted(path.parent.name for path in recipes.glob("*/recipe.toml")))
        raise RecipeError(f"there is no recipe {name!r}; there are: {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{directory / 'recipe.toml'}: {error}") from error
    try:
        return _from_table(name, directory, table)
    except (KeyError, TypeError) as error:
        raise RecipeError(f"{directory / 'recipe.toml'}: wrong or missing: {error}") from error


def _from_table(name: str, directory: Path, table: dict[str, Any]) -> Recipe:
    machine, debian, kernel = table["machine"], table["debian"], table["kernel"]
    return Recipe(
        name=name,
        directory=directory,
        title=table["title"],
        memory_mib=machine["memory_mib"],
        cpus=machine["cpus"],
        cmdline=" ".join(machine["cmdline"]),
        disks=tuple(DiskPlan(**disk) for disk in table.get("disks", [])),
        suite=debian["suite"],
        packages=tuple(debian["packages"]),
        kernel_package=kernel["package"],
        files=tuple(debian["files"]),
        without=tuple(debian["without"]),
        setuid=tuple(debian.get("setuid", ())),
        wallpaper=table.get("wallpaper", ""),
        module_files=tuple(kernel["module_files"]),
        modules=tuple(kernel["modules"]),
        space_mib=table["space_mib"],
    )
