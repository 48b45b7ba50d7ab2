"""Builds a guest: from the name of a recipe to a finished bundle."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from webvdi.guests import disk_guest, store
from webvdi.guests.apt import Mirror, PrivateApt
from webvdi.guests.assemble import Assembled, assemble
from webvdi.guests.build_log import BuildLog
from webvdi.guests.bundle import DESCRIPTION, GuestBundle, dump_bundle
from webvdi.guests.cpio import write_cpio
from webvdi.guests.disk_guest import Sources
from webvdi.guests.errors import MIB, BuildFailed, GuestError, MirrorUnreachable, RecipeError
from webvdi.guests.packages import Package, depends_on
from webvdi.guests.progress import Progress, ProgressCallback, ignore_progress
from webvdi.guests.recipe import Recipe, load_recipe
from webvdi.guests.requirements import require

_DAY_S = 24 * 3600.0
_KERNEL_NAME = r"linux-image-[0-9].*"
_HASH_LENGTH = 16  # hexadecimal digits of the content hash in a bundle's name


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """How to build."""

    mirror: Mirror = field(default_factory=Mirror)
    max_age_s: float = 30 * _DAY_S  # an older bundle is renewed, for Debian's security updates
    now: Callable[[], float] = time.time  # seconds since 1970


def build(
    recipe: str | Recipe,
    cache_dir: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    settings: BuildSettings | None = None,
) -> GuestBundle:
    """Return a bundle of *recipe*, built if none of recent date is in *cache_dir*.

    It blocks (call it in a thread) and may be called by many processes at once: one builds, the
    others wait and take what it built.  With a recent bundle nothing is asked of the network; with
    an old one and no network the old one is returned.

    Raises a :class:`GuestError`; the directory then holds nothing half-built.
    """
    recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
    settings = settings or BuildSettings()
    recipe_hash = recipe.content_hash
    with _space_named(cache_dir, recipe):
        recent = _recent(cache_dir, recipe, recipe_hash, settings)
        if recent is not None:
            return recent
        require(recipe)
        waiting = Progress("Waiting for another build", 0, 0, "items")
        with store.build_lock(cache_dir, on_wait=lambda: progress(waiting)):
            # What we waited for may be what we want.
            recent = _recent(cache_dir, recipe, recipe_hash, settings)
            return recent or _build_logged(recipe, recipe_hash, cache_dir, progress, settings)


def _recent(
    cache_dir: Path, recipe: Recipe, recipe_hash: str, settings: BuildSettings
) -> GuestBundle | None:
    bundle = store.newest(cache_dir, recipe.name, recipe_hash)
    if bundle is not None and settings.now() - bundle.built_at <= settings.max_age_s:
        return bundle
    return None


def _build_logged(
    recipe: Recipe,
    recipe_hash: str,
    cache_dir: Path,
    progress: ProgressCallback,
    settings: BuildSettings,
) -> GuestBundle:
    with contextlib.closing(BuildLog(cache_dir / "logs" / f"{recipe.name}.log")) as log:
        try:
            return _build(recipe, recipe_hash, cache_dir, log, progress, settings)
        except GuestError as error:
            log.line(f"! {error}")
            old = store.newest(cache_dir, recipe.name, recipe_hash)
            if isinstance(error, MirrorUnreachable) and old is not None:
                log.line(f"= using {old.name}, which is there already")
                return old
            error.log_path = log.path
            raise
        except (OSError, ValueError) as error:
            log.line(f"! {error!r}")
            if isinstance(error, OSError) and store.is_disk_full(error):
                raise  # named further out
            failure = BuildFailed(f"the guest {recipe.name} could not be built: {error}")
            failure.log_path = log.path
            raise failure from error


def _build(
    recipe: Recipe,
    recipe_hash: str,
    cache_dir: Path,
    log: BuildLog,
    progress: ProgressCallback,
    settings: BuildSettings,
) -> GuestBundle:
    store.require_space(cache_dir, recipe.space_mib * MIB)
    apt = PrivateApt(cache_dir / "apt", settings.mirror, recipe.suite, log)
    apt.update(progress)
    sources = _sources(recipe, apt, settings.mirror)
    content_hash = _content_hash(recipe_hash, sources.packages)
    to_fetch = sum(package.size for package in apt.missing(sources.packages))
    store.require_space(cache_dir, to_fetch + recipe.space_mib * MIB)
    paths = apt.fetch(sources.packages, progress)
    log.line(f"= {len(paths)} packages verified, {to_fetch / MIB:.1f} MiB fetched")
    name = f"{recipe.name}-{content_hash[:_HASH_LENGTH]}"
    with store.working_directory(cache_dir) as work:
        finished = work / "finished"
        finished.mkdir()
        bundle = _describe(recipe, finished, recipe_hash, content_hash, settings.now())
        if recipe.system_disk is None:
            assembled = assemble(recipe, paths[:-1], paths[-1], log, progress)
            log.line(f"= {len(assembled.tree)} files chosen")
            _write(bundle, assembled, progress)
        else:
            disk_guest.make(recipe, sources, paths, work, finished, log, progress)
        (finished / DESCRIPTION).write_text(dump_bundle(bundle))
        place = store.publish(finished, cache_dir, name)
    log.line(f"= {place}")
    return _describe(recipe, place, recipe_hash, content_hash, bundle.built_at)


def _sources(recipe: Recipe, apt: PrivateApt, mirror: Mirror) -> Sources:
    """Look up the packages that *recipe* is made of."""
    if recipe.system_disk is None:
        installed, early = apt.candidates(recipe.packages), []
    else:
        installed = apt.candidates(apt.closure(recipe.packages))
        early = apt.candidates(recipe.system_disk.early_packages)
    kernel = _kernel_package(apt, recipe)
    return Sources(apt=apt, mirror=mirror, installed=installed, early=early, kernel=kernel)


def _kernel_package(apt: PrivateApt, recipe: Recipe) -> Package:
    """Return the kernel that the recipe's metapackage depends on."""
    (meta,) = apt.candidates([recipe.kernel_package])
    name = depends_on(meta, _KERNEL_NAME)
    if name is None:
        raise RecipeError(f"{meta.name} {meta.version} depends on no kernel")
    return apt.candidates([name])[0]


def _content_hash(recipe_hash: str, packages: list[Package]) -> str:
    lines = sorted(f"{package.name} {package.version} {package.sha256}" for package in packages)
    return hashlib.sha256("\n".join([recipe_hash, *lines]).encode()).hexdigest()


def _describe(
    recipe: Recipe, directory: Path, recipe_hash: str, content_hash: str, built_at: float
) -> GuestBundle:
    plan = recipe.system_disk
    return GuestBundle(
        recipe=recipe.name,
        title=recipe.title,
        content_hash=content_hash,
        directory=directory,
        kernel=directory / "vmlinux",
        initrd=directory / "initrd.cpio",
        cmdline=recipe.cmdline,
        memory_mib=recipe.memory_mib,
        cpus=recipe.cpus,
        profile="linux",
        disks=recipe.disks,
        built_at=built_at,
        recipe_hash=recipe_hash,
        summary=recipe.summary,
        system_disk=None if plan is None else directory / "system.qcow2",
        system_disk_mib=0 if plan is None else plan.size_mib,
    )


def _write(bundle: GuestBundle, assembled: Assembled, progress: ProgressCallback) -> None:
    progress(Progress("Writing the guest", 0, 2, "items"))
    bundle.kernel.write_bytes(assembled.kernel)
    progress(Progress("Writing the guest", 1, 2, "items"))
    with bundle.initrd.open("wb") as file:
        write_cpio(assembled.tree, file)
    progress(Progress("Writing the guest", 2, 2, "items"))


@contextlib.contextmanager
def _space_named(cache_dir: Path, recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not store.is_disk_full(error):
            raise
        raise store.no_space(cache_dir, recipe.space_mib * MIB) from error
