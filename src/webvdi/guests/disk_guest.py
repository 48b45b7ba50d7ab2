"""Builds a guest that is installed on a disk of its own: Debian as its packages make it.

The disk boots by itself, from firmware through GRUB.  Beside it lie the same kernel, unpacked, and
the same initramfs, with which QEMU starts the system at once, without firmware and boot loader:
under emulation that saves many seconds.
"""

import contextlib
import gzip
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from webvdi.guests.apt import Mirror, PrivateApt
from webvdi.guests.assemble import add_modules, add_own_files, kernel_image
from webvdi.guests.build_log import BuildLog
from webvdi.guests.cpio import write_cpio
from webvdi.guests.deb import read_deb
from webvdi.guests.install import Installation, install
from webvdi.guests.packages import Package
from webvdi.guests.progress import Progress, ProgressCallback
from webvdi.guests.recipe import Recipe, SystemDiskPlan
from webvdi.guests.rootfs import RootFiles
from webvdi.guests.selection import choose, matcher
from webvdi.guests.system_disk import BootLoader, DiskShape, make_raw_disk, pack
from webvdi.guests.tar import write_tar
from webvdi.guests.tree import MERGED, CharacterDevice, Directory, File, FileTree, Link
from webvdi.guests.vmlinux import extract_vmlinux
from webvdi.guests.wallpaper import draw_wallpaper

_MODULES = "usr/lib/modules"
# What the directory of modules holds besides them and does not need depmod for (depmod(8)).
_TABLES = ("modules.builtin", "modules.builtin.modinfo", "modules.order")
_EARLY_DIRECTORIES = ("dev", "proc", "sys", "root", "usr/sbin")
_GRUB = "boot/grub/i386-pc"


@dataclass(frozen=True, slots=True)
class Sources:
    """The verified packages that a build is made of."""

    apt: PrivateApt
    mirror: Mirror
    installed: list[Package]
    kernel: Package
    early: list[Package]

    @property
    def packages(self) -> list[Package]:
        """All of them; the kernel is the last."""
        return [*self.installed, *self.early, self.kernel]


@dataclass(frozen=True, slots=True)
class Boot:
    """What the system starts with."""

    image: bytes  # the kernel as packaged, for GRUB
    kernel: bytes  # the kernel unpacked, for QEMU
    modules: FileTree
    initrd: FileTree


def make(
    recipe: Recipe,
    sources: Sources,
    paths: Sequence[Path],
    work: Path,
    place: Path,
    log: BuildLog,
    progress: ProgressCallback,
) -> None:
    """Write ``vmlinux``, ``initrd.cpio`` and ``system.qcow2`` into *place*, by way of *work*.

    *paths* are the files of ``sources.packages``.  What is left in *work* is rubbish.
    Raises a :class:`GuestError`.
    """
    plan = recipe.system_disk
    assert plan is not None
    progress(Progress("Preparing the kernel", 0, 2, "items"))
    *others, kernel_deb = paths
    early = FileTree()
    for path in others[len(sources.installed) :]:
        early.update(read_deb(path, lambda _: True))
    boot = prepare_boot(recipe, plan, kernel_deb, early)
    (place / "vmlinux").write_bytes(boot.kernel)
    with (place / "initrd.cpio").open("wb") as file:
        write_cpio(boot.initrd, file)
    progress(Progress("Preparing the kernel", 1, 2, "items"))
    overlay = overlay_tree(recipe, boot, (place / "initrd.cpio").read_bytes())
    write_tar(overlay, work / "overlay.tar")
    progress(Progress("Preparing the kernel", 2, 2, "items"))

    archives = work / "archives"
    _offer(paths[: len(sources.installed)], archives)
    values = work / "values"
    values.mkdir()
    files = RootFiles(work / "root", values)
    _install(recipe, plan, sources, files, work, log, progress)
    shutil.rmtree(archives)
    log.line(f"= {len(files.commands)} commands complete the file system")
    _write_disk(plan, files, work, place / "system.qcow2", log, progress)


def prepare_boot(recipe: Recipe, plan: SystemDiskPlan, kernel_deb: Path, early: FileTree) -> Boot:
    """Read the kernel's package and make the initramfs of it and the *early* packages' files.

    Raises :class:`RecipeError` where they do not hold what the recipe asks for.
    """
    module_file = matcher(f"{_MODULES}/*/kernel/{pattern}" for pattern in recipe.module_files)
    table = matcher(f"{_MODULES}/*/{name}" for name in _TABLES)
    unwanted = matcher(f"{_MODULES}/*/kernel/{pattern}" for pattern in recipe.module_without)

    def wanted(path: str) -> bool:
        if path.startswith("boot/vmlinuz-") or table(path):
            return True
        return module_file(path) and not unwanted(path)

    tree = read_deb(kernel_deb, wanted)
    initrd = choose(early, plan.early_files, ())
    add_modules(initrd, tree, plan.early_modules)
    add_own_files(initrd, recipe.directory / "initramfs")
    for name in MERGED:
        initrd.add_raw(name, Link(f"usr/{name}"))
    for name in _EARLY_DIRECTORIES:
        initrd.add(name, Directory())
    # The kernel opens it as init's standard streams before devtmpfs is mounted.
    initrd.add("dev/console", CharacterDevice(5, 1))
    image = kernel_image(tree)
    modules = FileTree()
    for path, node in tree.walk():
        if path.startswith(_MODULES):
            modules.add(path, node)
    return Boot(image=image, kernel=extract_vmlinux(image), modules=modules, initrd=initrd)


def overlay_tree(recipe: Recipe, boot: Boot, initrd: bytes) -> FileTree:
    """Return what is put over the installed packages: our files, the kernel, the initramfs."""
    tree = FileTree()
    tree.update(boot.modules)
    tree.add("boot/vmlinuz", File(boot.image))
    tree.add("boot/initrd.img", File(gzip.compress(initrd, 6, mtime=0)))
    add_own_files(tree, recipe.directory / "files")
    if recipe.wallpaper:
        tree.add(recipe.wallpaper, File(draw_wallpaper()))
    return tree


def _offer(debs: Sequence[Path], archives: Path) -> None:
    """Put *debs* into the directory *archives*, without copying them where that can be."""
    archives.mkdir()
    for path in debs:
        try:
            os.link(path, archives / path.name)
        except OSError:
            shutil.copyfile(path, archives / path.name)


def _install(
    recipe: Recipe,
    plan: SystemDiskPlan,
    sources: Sources,
    files: RootFiles,
    work: Path,
    log: BuildLog,
    progress: ProgressCallback,
) -> None:
    steps = 2 * len(sources.installed)  # each is unpacked and set up
    phase = f"Installing {len(sources.installed)} packages"
    what = Installation(
        suite=recipe.suite,
        mirror=sources.mirror,
        packages=recipe.packages,
        without=recipe.without,
        archives=work / "archives",
        overlay=work / "overlay.tar",
        setup=plan.setup,
        apt_settings=sources.apt.network_settings,
    )
    progress(Progress(phase, 0, steps, "items"))
    install(
        what,
        work,
        log,
        report=lambda done: progress(Progress(phase, min(done, steps), steps, "items")),
        take=lambda stream: _take(files, stream, log, progress),
    )


def _take(files: RootFiles, stream: IO[bytes], log: BuildLog, progress: ProgressCallback) -> None:
    phase = "Copying the installed system"
    progress(Progress(phase, 0, 0, "items"))
    count = files.unpack(stream, lambda done: progress(Progress(phase, done, 0, "items")))
    log.line(f"= {count} files installed")
    progress(Progress(phase, count, count, "items"))


def _write_disk(
    plan: SystemDiskPlan,
    files: RootFiles,
    work: Path,
    target: Path,
    log: BuildLog,
    progress: ProgressCallback,
) -> None:
    phase = "Writing the system disk"
    progress(Progress(phase, 0, 100, "items"))
    loader = BootLoader(
        boot=(files.root / _GRUB / "boot.img").read_bytes(),
        core=(files.root / _GRUB / "core.img").read_bytes(),
    )
    signature = int.from_bytes(os.urandom(4), "little")
    raw = work / "disk.raw"
    shape = DiskShape(plan.size_mib, plan.label, signature)
    make_raw_disk(raw, files.root, files.commands, loader, shape, log)
    with contextlib.suppress(OSError):  # room for what comes; the rest goes in the end
        shutil.rmtree(files.root)
    pack(raw, target, log, lambda done: progress(Progress(phase, done, 100, "items")))
    raw.unlink()
    progress(Progress(phase, 100, 100, "items"))
