"""Puts a guest together: from verified packages and a recipe to a kernel and a tree of files."""

import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from webvdi.guests import kernel_modules
from webvdi.guests.build_log import BuildLog
from webvdi.guests.caches import add_font_caches
from webvdi.guests.deb import read_deb
from webvdi.guests.errors import RecipeError
from webvdi.guests.progress import Progress, ProgressCallback
from webvdi.guests.recipe import Recipe
from webvdi.guests.selection import add_libraries, choose, matcher
from webvdi.guests.tree import MERGED, CharacterDevice, Directory, File, FileTree, Link
from webvdi.guests.vmlinux import extract_vmlinux
from webvdi.guests.wallpaper import draw_wallpaper

_MODULES = "usr/lib/modules"
_WORKERS = 3  # dpkg-deb processes at once; one is busy with the kernel for most of the time


@dataclass(frozen=True, slots=True)
class Assembled:
    """The two parts that a guest boots from."""

    kernel: bytes
    tree: FileTree


def assemble(
    recipe: Recipe, debs: list[Path], kernel_deb: Path, log: BuildLog, progress: ProgressCallback
) -> Assembled:
    """Read the packages and choose what the recipe asks for.

    Raises :class:`RecipeError` where they do not hold it, :class:`BuildFailed` for a bad package.
    """
    unpacked, kernel_tree = _unpack(recipe, debs, kernel_deb, progress)
    chosen = choose(unpacked, recipe.files, recipe.without)
    add_libraries(chosen, unpacked)
    add_modules(chosen, kernel_tree, recipe.modules)
    add_own_files(chosen, recipe.directory / "files")
    for path in recipe.setuid:
        set_user_id(chosen, path)
    if recipe.wallpaper:
        chosen.add(recipe.wallpaper, File(draw_wallpaper()))
    add_font_caches(chosen, unpacked, log)
    for name in MERGED:
        chosen.add_raw(name, Link(f"usr/{name}"))
    # The kernel opens it as init's standard streams before devtmpfs is mounted.
    chosen.add("dev/console", CharacterDevice(5, 1))
    return Assembled(kernel=extract_vmlinux(kernel_image(kernel_tree)), tree=chosen)


def _unpack(
    recipe: Recipe, debs: list[Path], kernel_deb: Path, progress: ProgressCallback
) -> tuple[FileTree, FileTree]:
    unwanted = matcher(recipe.without)
    module_file = matcher(f"{_MODULES}/*/kernel/{pattern}" for pattern in recipe.module_files)

    def of_kernel(path: str) -> bool:
        return path.startswith("boot/vmlinuz-") or module_file(path)

    def of_package(path: str) -> bool:
        return not unwanted(path)

    unpacked = FileTree()
    with ThreadPoolExecutor(_WORKERS) as pool:
        kernel_future = pool.submit(read_deb, kernel_deb, of_kernel)
        futures = [pool.submit(read_deb, deb, of_package) for deb in debs]
        for done, future in enumerate(futures):
            progress(Progress("Unpacking packages", done, len(debs) + 1, "items"))
            unpacked.update(future.result())
        progress(Progress("Unpacking packages", len(debs), len(debs) + 1, "items"))
        kernel_tree = kernel_future.result()
    progress(Progress("Unpacking packages", len(debs) + 1, len(debs) + 1, "items"))
    return unpacked, kernel_tree


def add_modules(chosen: FileTree, kernel_tree: FileTree, wanted: Iterable[str]) -> None:
    """Add kernel modules, what they need, and the tables that modprobe reads.

    Raises :class:`RecipeError` for a module that is not there.
    """
    paths: dict[str, str] = {}
    for path, node in kernel_tree.walk():
        if isinstance(node, File) and path.endswith(".ko"):
            paths[kernel_modules.module_name(path)] = path
    infos = _LazyModules(kernel_tree, paths)
    try:
        order = kernel_modules.load_order(wanted, infos)
    except KeyError as error:
        raise RecipeError(f"the kernel package holds no module {error}") from error
    release_at = paths[order[0]].removeprefix(f"{_MODULES}/").partition("/")[0]
    base = f"{_MODULES}/{release_at}"
    for name in order:
        module = kernel_tree.get(paths[name])
        assert module is not None
        chosen.add(paths[name], module)
    known = {name: infos[name] for name in order}
    places = {name: paths[name].removeprefix(f"{base}/") for name in order}
    chosen.add(f"{base}/modules.dep", File(kernel_modules.modules_dep(places, known).encode()))
    chosen.add(f"{base}/modules.alias", File(kernel_modules.modules_alias(known).encode()))


class _LazyModules(dict[str, kernel_modules.ModuleInfo]):
    """Module descriptions, each read when it is first asked for."""

    def __init__(self, tree: FileTree, paths: dict[str, str]) -> None:
        super().__init__()
        self._tree = tree
        self._paths = paths

    def __missing__(self, name: str) -> kernel_modules.ModuleInfo:
        node = self._tree.get(self._paths[name])
        assert isinstance(node, File)
        self[name] = kernel_modules.read_module(node.data)
        return self[name]


def add_own_files(chosen: FileTree, directory: Path) -> None:
    """Add the files below *directory*; those that start with ``#!`` become executable."""
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_dir():
            chosen.add(name, Directory())
        else:
            data = path.read_bytes()
            chosen.add(name, File(data, 0o755 if data.startswith(b"#!") else 0o644))


def set_user_id(chosen: FileTree, path: str) -> None:
    """Make the program at *path* run as its owner, root.

    Raises :class:`RecipeError` where there is none.
    """
    node = chosen.get(path)
    if not isinstance(node, File):
        raise RecipeError(f"no program {path} to give root's rights")
    chosen.add(path, File(node.data, stat.S_ISUID | node.mode))


def kernel_image(kernel_tree: FileTree) -> bytes:
    """Return the bzImage of a kernel package.  Raises :class:`RecipeError` where there is none."""
    for path, node in kernel_tree.walk():
        if path.startswith("boot/vmlinuz-") and isinstance(node, File):
            return node.data
    raise RecipeError("the kernel package holds no boot/vmlinuz-*")
