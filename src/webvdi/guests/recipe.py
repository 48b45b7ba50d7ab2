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
_COMMON = ("assemble", "cpio", "deb", "elf", "kernel_modules", "selection", "tree", "vmlinux")
_MEMORY_BUILDER = (*_COMMON, "caches", "wallpaper")
_DISK_BUILDER = (*_COMMON, "disk_guest", "install", "rootfs", "system_disk", "tar", "wallpaper")


@dataclass(frozen=True, slots=True)
class SystemDiskPlan:
    """The bootable disk of a guest that is installed, not assembled."""

    size_mib: int  # as the guest sees it; the file holds only what is used
    label: str  # of its one file system
    setup: str  # path in the guest of the script that finishes the installation, then goes
    early_packages: tuple[str, ...]  # packages that only the initramfs takes files from
    early_files: tuple[str, ...]  # patterns of what it takes
    early_modules: tuple[str, ...]  # modules that it can load; what they need comes with them


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a build costs, about: for people who are about to start one."""

    build_s: int  # seconds, with the packages still to be fetched, on two cores
    download_mib: int
    size_mib: int  # of the finished bundle


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe as it stands in its directory; see ``tiny/recipe.toml`` for what each part means."""

    name: str
    directory: Path
    title: str
    summary: str  # one sentence for a list of guests
    expected: Expectation
    memory_mib: int
    cpus: int
    cmdline: str
    disks: tuple[DiskPlan, ...]
    suite: str
    packages: tuple[str, ...]
    kernel_package: str  # the metapackage that depends on the newest kernel
    files: tuple[str, ...]  # patterns of what is taken out of the packages
    # Patterns of what is left out all the same; of an installed guest also, with a "!" in front,
    # of what stays nevertheless.
    without: tuple[str, ...]
    setuid: tuple[str, ...]  # programs that run with root's rights in the guest
    wallpaper: str  # path of the picture that is drawn for the desktop, or empty
    module_files: tuple[str, ...]  # patterns below kernel/ of modules that may be needed
    module_without: tuple[str, ...]  # patterns below kernel/ of modules that are left out
    modules: tuple[str, ...]  # modules that are wanted; what they need comes with them
    space_mib: int  # room that a build takes, besides the packages
    system_disk: SystemDiskPlan | None = None  # None: it runs from memory

    @property
    def content_hash(self) -> str:
        """Hash of the recipe's files and of the code that follows it."""
        digest = hashlib.sha256()
        parts = [(path, self.directory) for path in recipe_files(self.directory)]
        builder = _MEMORY_BUILDER if self.system_disk is None else _DISK_BUILDER
        parts += [(_HERE / f"{name}.py", _HERE) for name in builder]
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
    disk = table.get("system_disk")
    return Recipe(
        name=name,
        directory=directory,
        title=table["title"],
        summary=table["summary"],
        expected=Expectation(**table["expected"]),
        memory_mib=machine["memory_mib"],
        cpus=machine["cpus"],
        cmdline=" ".join(machine["cmdline"]),
        disks=tuple(DiskPlan(**plan) for plan in table.get("disks", [])),
        suite=debian["suite"],
        packages=tuple(debian["packages"]),
        kernel_package=kernel["package"],
        # An installed guest has all the files of its packages.
        files=tuple(debian["files"] if disk is None else debian.get("files", ())),
        without=tuple(debian["without"]),
        setuid=tuple(debian.get("setuid", ())),
        wallpaper=table.get("wallpaper", ""),
        module_files=tuple(kernel["module_files"]),
        module_without=tuple(kernel.get("without", ())),
        modules=tuple(kernel["modules"] if disk is None else kernel.get("modules", ())),
        space_mib=table["space_mib"],
        system_disk=None if disk is None else _disk_plan(disk),
    )


def _disk_plan(table: dict[str, Any]) -> SystemDiskPlan:
    return SystemDiskPlan(
        size_mib=table["size_mib"],
        label=table["label"],
        setup=table["setup"],
        early_packages=tuple(table["early_packages"]),
        early_files=tuple(table["early_files"]),
        early_modules=tuple(table["early_modules"]),
    )
