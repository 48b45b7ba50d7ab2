import errno
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from unit.guests.synthetic import bz_image, elf_program, kernel_module, make_deb, package_of
from unit.guests.test_cpio import read_cpio
from webvdi.guests import builder, store
from webvdi.guests.builder import BuildSettings, build
from webvdi.guests.bundle import load_bundle
from webvdi.guests.errors import BuildFailed, HostNotReady, MirrorUnreachable, NoSpace, RecipeError
from webvdi.guests.packages import Package
from webvdi.guests.progress import Progress, ProgressCallback
from webvdi.guests.recipe import Recipe, load_recipe

RECIPE = """
title = "Test guest"
summary = "For tests."
space_mib = 1
[expected]
build_s = 1
download_mib = 1
size_mib = 1
[machine]
memory_mib = 64
cpus = 1
cmdline = ["quiet", "console=ttyS0"]
[debian]
suite = "bookworm"
packages = ["busybox-static"]
files = ["usr/bin/busybox"]
without = []
[kernel]
package = "linux-image-amd64"
module_files = ["*"]
modules = ["virtio"]
"""
KERNEL = elf_program(payload=b"kernel")


class Archive:
    """A Debian archive of three packages, with the failures that tests ask of it."""

    def __init__(self, place: Path) -> None:
        place.mkdir()
        self.busybox = make_deb(place / "busybox.deb", {"bin/busybox": b"busybox"})
        modules = "lib/modules/6.1/kernel/virtio.ko"
        kernel = {"boot/vmlinuz-6.1": bz_image(KERNEL), modules: kernel_module("depends=")}
        self.kernel = make_deb(place / "kernel.deb", kernel)
        self.meta = make_deb(place / "meta.deb", {})
        self.updates = 0
        self.failure: BaseException | None = None

    @property
    def packages(self) -> dict[str, tuple[Path, Package]]:
        depends = "linux-image-6.1-amd64 (= 1)"
        meta = package_of(self.meta, "linux-image-amd64", depends=depends)
        return {
            "busybox-static": (self.busybox, package_of(self.busybox, "busybox-static")),
            "linux-image-6.1-amd64": (
                self.kernel,
                package_of(self.kernel, "linux-image-6.1-amd64"),
            ),
            "linux-image-amd64": (self.meta, meta),
        }

    # What a build asks of PrivateApt:

    def update(self, _: ProgressCallback) -> None:
        self.updates += 1
        if self.failure is not None:
            raise self.failure

    def candidates(self, names: Iterable[str]) -> list[Package]:
        return [self.packages[name][1] for name in names]

    def missing(self, _: Iterable[Package]) -> list[Package]:
        return []

    def fetch(self, packages: Sequence[Package], _: ProgressCallback) -> list[Path]:
        return [self.packages[package.name][0] for package in packages]


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    made = Archive(tmp_path / "archive")
    monkeypatch.setattr(builder, "PrivateApt", lambda *_: made)
    monkeypatch.setattr(builder, "require", lambda *_: None)
    return made


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    directory = tmp_path / "recipes" / "test"
    (directory / "files").mkdir(parents=True)
    (directory / "recipe.toml").write_text(RECIPE)
    (directory / "files" / "init").write_text("#!/bin/sh\n")
    return load_recipe("test", tmp_path / "recipes")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def at(now: float) -> BuildSettings:
    return BuildSettings(max_age_s=100.0, now=lambda: now)


def leftovers(cache: Path) -> list[str]:
    """Return what lies in the cache besides what may: the lock and the log."""
    return sorted(path.name for path in cache.iterdir() if path.name not in ("lock", "logs"))


def test_bundle_holds_what_the_recipe_says(archive: Archive, recipe: Recipe, cache: Path) -> None:
    seen: list[Progress] = []
    bundle = build(recipe, cache, progress=seen.append, settings=at(1000.0))
    assert (bundle.recipe, bundle.title, bundle.profile) == ("test", "Test guest", "linux")
    assert (bundle.memory_mib, bundle.cpus, bundle.disks) == (64, 1, ())
    assert bundle.cmdline == "quiet console=ttyS0"
    assert bundle.kernel.read_bytes() == KERNEL
    members = read_cpio(bundle.initrd.read_bytes())
    assert members["init"].mode == 0o100755
    assert members["usr/bin/busybox"].data == b"busybox"
    assert members["bin"].data == b"usr/bin"
    assert members["dev/console"].device == (5, 1)
    assert load_bundle(bundle.directory) == bundle
    assert [p.phase for p in seen if p.done == p.total] == [
        "Unpacking packages",
        "Writing the guest",
    ]
    assert archive.updates == 1


def test_recent_bundle_needs_no_network(archive: Archive, recipe: Recipe, cache: Path) -> None:
    first = build(recipe, cache, settings=at(1000.0))
    archive.failure = MirrorUnreachable("no network")
    assert build(recipe, cache, settings=at(1100.0)) == first
    assert archive.updates == 1


def test_old_bundle_is_renewed(archive: Archive, recipe: Recipe, cache: Path) -> None:
    first = build(recipe, cache, settings=at(1000.0))
    make_deb(archive.busybox, {"bin/busybox": b"security update"})
    second = build(recipe, cache, settings=at(1101.0))
    assert second.name != first.name
    assert store.prune(cache) == [first.name]


def test_old_bundle_is_better_than_none(archive: Archive, recipe: Recipe, cache: Path) -> None:
    first = build(recipe, cache, settings=at(1000.0))
    archive.failure = MirrorUnreachable("no network")
    assert build(recipe, cache, settings=at(9999.0)) == first
    assert archive.updates == 2


def test_changed_recipe_is_built(archive: Archive, recipe: Recipe, cache: Path) -> None:
    first = build(recipe, cache, settings=at(1000.0))
    (recipe.directory / "files" / "init").write_text("#!/bin/sh\n# changed\n")
    second = build(recipe, cache, settings=at(1000.0))
    assert second.name != first.name
    assert archive.updates == 2


def test_equal_contents_make_equal_files(archive: Archive, recipe: Recipe, tmp_path: Path) -> None:
    one = build(recipe, tmp_path / "one", settings=at(1.0))
    two = build(recipe, tmp_path / "two", settings=at(2.0))
    assert one.name == two.name
    assert one.initrd.read_bytes() == two.initrd.read_bytes()
    assert archive.updates == 2


def test_damaged_bundle_is_built_anew(archive: Archive, recipe: Recipe, cache: Path) -> None:
    first = build(recipe, cache, settings=at(1.0))
    first.kernel.unlink()
    assert build(recipe, cache, settings=at(1.0)).is_complete()
    assert archive.updates == 2


def test_failure_names_the_log(archive: Archive, recipe: Recipe, cache: Path) -> None:
    archive.failure = MirrorUnreachable("no network")
    with pytest.raises(MirrorUnreachable, match=r"no network \(build log: .*test\.log\)"):
        build(recipe, cache)
    assert "! no network" in (cache / "logs" / "test.log").read_text()
    assert leftovers(cache) == []


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "broken disk"), ValueError("bad index")])
def test_unforeseen_failure(
    archive: Archive, recipe: Recipe, cache: Path, failure: Exception
) -> None:
    archive.failure = failure
    with pytest.raises(BuildFailed, match=r"test could not be built: .*(build log: .*)"):
        build(recipe, cache)


def test_no_kernel(archive: Archive, recipe: Recipe, cache: Path, tmp_path: Path) -> None:
    archive.kernel = make_deb(tmp_path / "x.deb", {"lib/modules/6.1/kernel/virtio.ko": b""})
    with pytest.raises(BuildFailed, match="ELF"):
        build(recipe, cache)
    module = kernel_module("depends=")
    archive.kernel = make_deb(tmp_path / "x.deb", {"lib/modules/6.1/kernel/virtio.ko": module})
    with pytest.raises(RecipeError, match="holds no boot/vmlinuz"):
        build(recipe, cache)
    assert leftovers(cache) == []


def failing(error: BaseException) -> Callable[..., int]:
    def write(*_: object) -> int:
        raise error

    return write


def test_disk_that_fills_up_during_the_build(
    archive: Archive, recipe: Recipe, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(builder, "write_cpio", failing(full))
    with pytest.raises(NoSpace, match=r"not enough disk space at .*cache: about .* MiB free"):
        build(recipe, cache)
    assert leftovers(cache) == []
    assert store.bundles(cache) == []
    assert archive.updates == 1


def test_disk_that_is_too_full_to_begin(
    archive: Archive, recipe: Recipe, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_full(path: Path, needed: int) -> None:
        raise NoSpace(path, needed=needed, free=0)

    monkeypatch.setattr(store, "require_space", too_full)
    with pytest.raises(NoSpace, match="about 1 MiB needed, 0 MiB free"):
        build(recipe, cache)
    assert archive.updates == 0


def test_interrupted_build_leaves_nothing(
    archive: Archive, recipe: Recipe, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(builder, "write_cpio", failing(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            build(recipe, cache)
    assert leftovers(cache) == []
    assert build(recipe, cache).is_complete()
    assert archive.updates == 2


def test_host_that_is_not_ready(
    archive: Archive, recipe: Recipe, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: str) -> None:
        raise HostNotReady("the keyring is missing", ("debian-archive-keyring",))

    first = build(recipe, cache)
    monkeypatch.setattr(builder, "require", missing)
    assert build(recipe, cache) == first  # a bundle that is there needs no apt
    with pytest.raises(HostNotReady):
        build(recipe, cache / "other")
    assert archive.updates == 1


def test_unknown_recipe(cache: Path) -> None:
    with pytest.raises(RecipeError, match="no recipe 'huge'"):
        build("huge", cache)
    assert not cache.exists()
