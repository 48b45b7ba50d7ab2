"""The guests that come with webvdi: which there are, which are built, building more.

Builds are in the cache, which may be emptied at any time.  What a machine boots from must not
vanish with it, so each bundle that a machine uses is *kept*: its files get a second name (a hard
link, or a copy on another file system) below ``STATE/guests``, and are there until no machine
needs them any more.
"""

import asyncio
import contextlib
import errno
import logging
import os
import shutil
import stat
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from webvdi.base.errors import NotFound, StateError, WebvdiError
from webvdi.base.tasks import TaskOwner
from webvdi.broker.disk_files import require_space, sync
from webvdi.broker.views import GuestView, Progress
from webvdi.guests import GuestBundle, Recipe, build, bundles, load_recipe, prune, recipe_names
from webvdi.guests import Progress as Report
from webvdi.guests.bundle import load_bundle

logger = logging.getLogger(__name__)


class Guests(Protocol):
    """The guests."""

    async def list(self) -> tuple[GuestView, ...]:
        """All of them, sorted by name."""
        ...

    async def build(self, name: str) -> GuestView:
        """Begin to build one in the background; a repeat while it is being built does nothing.

        One that is being cancelled is begun anew.

        Progress is in :meth:`list`, with a change for each step.  Raises ``NotFound``.
        """
        ...

    async def cancel(self, name: str) -> GuestView:
        """End a build, and return when it has ended and nothing half-built is left.

        Machines that were to be made of it fail, and say so.  A step of its may take a minute.
        One that was done before it knew is built: :attr:`GuestView.cancelled` tells.
        Raises ``NotFound``, ``StateError`` where it is not being built.
        """
        ...

    async def prune(self) -> int:
        """Remove what newer builds have replaced and no machine needs; the bytes freed."""
        ...


class Builder(Protocol):
    """Builds a guest, in a thread; :func:`webvdi.guests.build` is one."""

    def __call__(
        self, recipe: str, cache_dir: Path, *, progress: Callable[[Report], None]
    ) -> GuestBundle:
        """Return a recent bundle, built if need be."""
        ...


class BuildCancelled(WebvdiError):
    """Somebody ended the build of a guest."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the build of the guest {name!r} was cancelled")


class _GivenUp(Exception):
    """Nobody wants the build any more; raised in its thread at its next report."""


@dataclass(slots=True)
class _Build:
    """A build that is under way."""

    done: asyncio.Future[GuestBundle]
    progress: Progress = field(default_factory=lambda: Progress("Waiting to begin", 0, 0))
    given_up: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False
    """It was given up because somebody said so, not because we end."""


class GuestShelf:
    """:class:`Guests` in a cache directory and a state directory."""

    def __init__(
        self,
        cache: Path,
        kept: Path,
        used: Callable[[], Awaitable[Sequence[Path]]],
        on_change: Callable[[str], None],
        *,
        builder: Builder = build,
    ) -> None:
        self._cache = cache
        self._kept = kept
        self._used = used
        self._on_change = on_change
        self._builder = builder
        self._builds: dict[str, _Build] = {}
        self._failures: dict[str, str] = {}
        self._cancelled: set[str] = set()
        """Guests whose last build was cancelled."""
        self._tasks = TaskOwner("guests")
        self.keeping = asyncio.Lock()
        """Held between keeping a bundle and recording who uses it, and while pruning."""

    async def close(self) -> None:
        """Give up the builds that are under way; nothing half-built stays."""
        for build_ in self._builds.values():
            build_.given_up.set()
        await self._tasks.close()

    async def list(self) -> tuple[GuestView, ...]:
        """As the contract says."""
        newest = {bundle.recipe: bundle for bundle in reversed(await self._bundles())}
        recipes = await asyncio.to_thread(lambda: [load_recipe(name) for name in recipe_names()])
        return tuple(
            [await self._view(recipe, newest.get(recipe.name)) for recipe in recipes],
        )

    async def build(self, name: str) -> GuestView:
        """As the contract says."""
        if name not in recipe_names():
            raise NotFound("guest", name)
        await self._begin(name)
        return await self._view_of(name)

    async def cancel(self, name: str) -> GuestView:
        """As the contract says."""
        if name not in recipe_names():
            raise NotFound("guest", name)
        build_ = self._builds.get(name)
        if build_ is None:
            view = await self._view_of(name)
            state = "built" if view.built else "not being built"
            raise StateError(f"cannot cancel {name}", state=state, required="being built")
        build_.cancelled = True
        build_.given_up.set()
        build_.progress = Progress("Ending the build", 0, 0)
        self._on_change(name)
        await asyncio.wait([build_.done])
        return await self._view_of(name)

    async def _view_of(self, name: str) -> GuestView:
        return next(view for view in await self.list() if view.name == name)

    async def prune(self) -> int:
        """As the contract says."""
        async with self.keeping:
            used = await self._used()
            freed = await asyncio.to_thread(self._prune, used)
        for name in recipe_names():
            self._on_change(name)
        return freed

    async def bundle(self, name: str, on_progress: Callable[[Progress], None]) -> GuestBundle:
        """A recent bundle of a guest, built if need be.

        Several may wait for one build; it goes on when they go away.  Raises ``NotFound``,
        ``GuestError``.
        """
        if name not in recipe_names():
            raise NotFound("guest", name)
        build_ = await self._begin(name)
        while not build_.done.done():
            on_progress(build_.progress)
            await asyncio.wait([build_.done], timeout=_LOOK_EVERY_S)
        return build_.done.result()

    async def newest(self, name: str) -> GuestBundle | None:
        """The newest bundle that is built."""
        for bundle in await self._bundles():
            if bundle.recipe == name:
                return bundle
        return None

    async def keep(self, bundle: GuestBundle) -> GuestBundle:
        """*bundle* where the cache's emptying does not reach it; call it under :attr:`keeping`.

        Raises ``CapacityExceeded``, ``OSError``.
        """
        return await asyncio.to_thread(_keep, bundle, self._kept)

    async def _begin(self, name: str) -> _Build:
        while (there := self._builds.get(name)) is not None:
            if not there.cancelled:
                return there
            await asyncio.wait([there.done])  # it ends; then another one may begin
        build_ = self._builds[name] = _Build(asyncio.get_running_loop().create_future())
        # A failure nobody waits for is no bug: it is kept as words.
        build_.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._failures.pop(name, None)
        self._cancelled.discard(name)
        self._tasks.start(self._run(name, build_), name=f"build {name}")
        return build_

    async def _run(self, name: str, build_: _Build) -> None:
        loop = asyncio.get_running_loop()

        def report(report: Report) -> None:
            if build_.given_up.is_set():
                raise _GivenUp
            loop.call_soon_threadsafe(self._progressed, name, build_, report)

        try:
            bundle = await asyncio.to_thread(self._builder, name, self._cache, progress=report)
        except WebvdiError as error:
            self._failures[name] = str(error)
            build_.done.set_exception(error)
        except _GivenUp:
            if build_.cancelled:
                self._cancelled.add(name)
                build_.done.set_exception(BuildCancelled(name))
            else:
                build_.done.cancel()
        except BaseException:
            build_.given_up.set()  # the thread ends at its next report
            build_.done.cancel()
            raise
        else:
            build_.done.set_result(bundle)
        finally:
            del self._builds[name]
            self._on_change(name)

    def _progressed(self, name: str, build_: _Build, report: Report) -> None:
        if build_.given_up.is_set():
            return  # said before it knew
        before = build_.progress
        build_.progress = Progress(report.phase, report.done, report.total)
        if before.phase != report.phase or _percent(before) != _percent(build_.progress):
            self._on_change(name)

    async def _view(self, recipe: Recipe, bundle: GuestBundle | None) -> GuestView:
        there = self._builds.get(recipe.name)
        size = None if bundle is None else await asyncio.to_thread(_size, bundle.directory)
        return GuestView(
            name=recipe.name,
            title=recipe.title,
            summary=recipe.summary,
            built=bundle is not None,
            size_bytes=size,
            building=None if there is None else there.progress,
            failed=self._failures.get(recipe.name, ""),
            cpus=recipe.cpus,
            memory_mib=recipe.memory_mib,
            expected_minutes=max(1, round(recipe.expected.build_s / 60)),
            expected_mib=recipe.expected.size_mib,
            cancelled=recipe.name in self._cancelled,
        )

    async def _bundles(self) -> Sequence[GuestBundle]:
        return await asyncio.to_thread(bundles, self._cache)

    def _prune(self, used: Sequence[Path]) -> int:
        before = _size(self._cache / "bundles") + _size(self._kept)
        prune(self._cache)
        needed = {path.parent for path in used}
        for directory in self._kept.glob("*"):
            if directory not in needed:
                shutil.rmtree(directory, ignore_errors=True)
        return max(0, before - _size(self._cache / "bundles") - _size(self._kept))


_LOOK_EVERY_S = 0.2
"""How often somebody who waits for a build hears how far it is."""


def _percent(progress: Progress) -> int:
    return 100 * progress.done // progress.total if progress.total else 0


def _size(directory: Path) -> int:
    """What removing *directory* would free: a file with another name elsewhere counts half."""
    found = 0
    for path in directory.rglob("*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                found += status.st_blocks * 512 // status.st_nlink
    return found


def _keep(bundle: GuestBundle, kept: Path) -> GuestBundle:
    place = kept / bundle.name
    with contextlib.suppress(OSError, ValueError):
        there = load_bundle(place)
        if there.is_complete():
            return there
    shutil.rmtree(place, ignore_errors=True)
    part = kept / f".{bundle.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    for path in bundle.directory.iterdir():
        _second_name(path, part / path.name)
    sync(part)
    part.rename(place)
    sync(kept)
    return load_bundle(place)


def _second_name(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        require_space(target.parent, path.stat().st_size, f"the guest's file {path.name}")
        shutil.copyfile(path, target)
        sync(target)
