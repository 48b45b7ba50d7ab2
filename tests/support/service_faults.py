"""A program that is killed, again and again, at every point of a use case of the broker.

``python -m support.service_faults ENGINE SCENARIO ROOT [POINT ...]``, in a child each: the
scenario runs until the given point and is killed with SIGKILL there; then another process opens
the same state, which must be sound, and repeats the use case, which must succeed.  Without points,
all are taken.  Prints a line of JSON for each point; the first that is not sound ends it.

Children are forks of one process that has imported everything and started no thread.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.broker_service import KEY, FakeBuilder, iso, raw_disk
from support.disk_fake_engine import DiskFakeEngine
from webvdi.base.errors import NotFound
from webvdi.base.paths import Places
from webvdi.broker import disk_files, guests, images
from webvdi.broker.service import Service, open_service
from webvdi.broker.views import Changes, DiskMode, NewMachine, Phase
from webvdi.store import Database
from webvdi.store.database import Queries
from webvdi.vmm.qemu import QemuEngine

NAME = "one"
NEVER = 10**9


class Checkpoints:
    """Counts points that are passed, and dies at one of them."""

    def __init__(self, fatal: int = NEVER) -> None:
        self.fatal = fatal
        self.passed = 0
        self.armed = False

    def __call__(self, where: str) -> None:
        """A point named *where*."""
        if not self.armed:
            return
        if self.passed == self.fatal:
            sys.stderr.write(f"killed {where}\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1

    def around(self, owner: object, name: str) -> None:
        """Make the calls of a function points: one before, one after."""
        function = getattr(owner, name)

        def wrapped(*args: object, **kwargs: object) -> object:
            self(f"before {name}")
            result = function(*args, **kwargs)
            self(f"after {name}")
            return result

        setattr(owner, name, wrapped)

    def around_calls(self, owner: object, name: str) -> None:
        """The same for a coroutine function; what it begins may still be going on after it."""
        function = getattr(owner, name)

        async def wrapped(*args: object, **kwargs: object) -> object:
            self(f"before {name}")
            result = await function(*args, **kwargs)
            self(f"after {name}")
            return result

        setattr(owner, name, wrapped)

    def install(self) -> None:
        """Take every place where something becomes durable."""
        write = Database.write
        checkpoint = self

        @asynccontextmanager
        async def counted(records: Database) -> AsyncIterator[Queries]:
            async with write(records) as q:
                yield q
                checkpoint("before a commit")
            checkpoint("after a commit")

        Database.write = counted  # type: ignore[method-assign, assignment]
        self.around(disk_files, "_prepare")
        self.around(disk_files, "_publish")
        self.around(disk_files, "remove")
        self.around(shutil, "rmtree")
        self.around(guests, "_keep")
        self.around(os, "link")
        self.around(images, "move_whole")
        for verb in ("create", "start", "stop", "kill", "delete", "redefine"):
            self.around_calls(QemuEngine, verb)


@dataclass(frozen=True)
class Scenario:
    """A use case, what is there before it, and what must be in the end."""

    prepare: Callable[[Service, Path], Awaitable[None]]
    act: Callable[[Service, Path], Awaitable[None]]
    goal: Callable[[Service, Path], Awaitable[None]]


async def nothing(service: Service, root: Path) -> None:
    """Nothing is there before."""


def wish(**settings: object) -> Callable[[Path], NewMachine]:
    """A wish for a machine; a disk is a file of the test."""

    def made(root: Path) -> NewMachine:
        values = dict(settings)
        if "disk" in settings:
            values["disk"] = str(root / str(settings["disk"]))
        return NewMachine(NAME, network="none", memory_mib=64, **values)  # type: ignore[arg-type]

    return made


def create(wanted: Callable[[Path], NewMachine]) -> Callable[[Service, Path], Awaitable[None]]:
    """Make a machine, and wait until it is made."""

    async def act(service: Service, root: Path) -> None:
        await service.catalogue.create(wanted(root))
        view = await service.catalogue.settled(NAME)
        assert view.phase is Phase.READY, view

    return act


def do(verb: str) -> Callable[[Service, Path], Awaitable[None]]:
    """Do something to it."""

    async def act(service: Service, root: Path) -> None:
        await service.catalogue.do(verb, NAME, timeout_s=0.1)

    return act


async def delete(service: Service, root: Path) -> None:
    """Delete it; a repeat finds it gone."""
    with contextlib.suppress(NotFound):
        await service.catalogue.delete(NAME)


async def change(service: Service, root: Path) -> None:
    """Give it other hardware."""
    await service.catalogue.change(NAME, Changes(cpus=3, disk_gib=2, notes="changed"))


async def upload(service: Service, root: Path) -> None:
    """Upload an ISO, going on with what is there."""
    data = (root / "os.iso").read_bytes()
    if await service.images.list():
        return
    there = await service.images.uploads()
    upload = there[0] if there else await service.images.begin("os.iso", len(data))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(upload.offset, len(data), 20_000):
            yield data[start : start + 20_000]

    await service.images.append(upload.id, upload.offset, pieces())


def state_is(*states: str) -> Callable[[Service, Path], Awaitable[None]]:
    """The machine is in one of these states."""

    async def goal(service: Service, root: Path) -> None:
        view = await service.catalogue.get(NAME)
        assert view.state in states, view

    return goal


async def gone(service: Service, root: Path) -> None:
    """Nothing is left but what is the user's."""
    assert await service.catalogue.list() == ()
    assert list((root / "state/files").glob("*")) == []
    await service.guests.prune()
    assert list((root / "state/guests").glob("*")) == []
    assert (root / "os.img").read_bytes()[510:512] == b"\x55\xaa"


async def changed(service: Service, root: Path) -> None:
    """It has its new hardware."""
    view = await service.catalogue.get(NAME)
    assert (view.cpus, view.disks[0].size_bytes, view.notes) == (3, 2 << 30, "changed")


async def uploaded(service: Service, root: Path) -> None:
    """The image is there, once, whole."""
    (image,) = await service.images.list()
    assert service.images.path(image.id).read_bytes() == (root / "os.iso").read_bytes()
    assert list((root / "state/uploads").iterdir()) == []


GUEST = wish(guest="tiny")
COPY = wish(disk="os.img", start=False)
IN_PLACE = wish(disk="os.img", disk_mode=DiskMode.IN_PLACE)
SCENARIOS = {
    "create": Scenario(nothing, create(GUEST), state_is("running")),
    "create-copy": Scenario(nothing, create(COPY), state_is("stopped")),
    "create-in-place": Scenario(nothing, create(IN_PLACE), state_is("running")),
    "start": Scenario(create(wish(guest="tiny", start=False)), do("start"), state_is("running")),
    "stop": Scenario(create(GUEST), do("stop"), state_is("stopped")),
    "save": Scenario(create(GUEST), do("save"), state_is("saved")),
    "delete": Scenario(create(GUEST), delete, gone),
    "delete-in-place": Scenario(create(IN_PLACE), delete, gone),
    "change": Scenario(create(COPY), change, changed),
    "upload": Scenario(nothing, upload, uploaded),
    # For the real engine: no guest of ours, a disk that only reaches the firmware.
    "real-create": Scenario(nothing, create(wish(disk="os.img")), state_is("running")),
    "real-stop": Scenario(create(wish(disk="os.img")), do("kill"), state_is("stopped", "crashed")),
    "real-delete": Scenario(create(wish(disk="os.img")), delete, gone),
}


def places(root: Path) -> Places:
    """Of the service under test; its run directory is short, for sockets."""
    return Places(root / "state", root / "cache", root / "run")


@asynccontextmanager
async def opened(engine: str, root: Path, checkpoint: Checkpoints) -> AsyncIterator[Service]:
    """The service on this state."""
    where = places(root)
    where.make()
    if engine == "fake":
        async with open_service(
            where,
            KEY,
            lambda state, run: DiskFakeEngine(state / "engine.pickle", checkpoint),
            builder=FakeBuilder(),
        ) as service:
            yield service
    else:
        async with open_service(where, KEY, QemuEngine, builder=FakeBuilder()) as service:
            yield service


async def run(engine: str, scenario: Scenario, root: Path, fatal: int) -> None:
    """The process that is killed."""
    checkpoint = Checkpoints(fatal)
    checkpoint.install()
    raw_disk(root / "os.img")
    iso(root / "os.iso")
    async with opened(engine, root, checkpoint) as service:
        await scenario.prepare(service, root)
        checkpoint.armed = True
        await scenario.act(service, root)
        checkpoint.armed = False


async def verify(engine: str, scenario: Scenario, root: Path) -> None:
    """The next process: everything is sound, and the use case repeated succeeds."""
    async with opened(engine, root, Checkpoints()) as service:
        for view in await service.catalogue.list():
            await service.catalogue.settled(view.id)
        await sound(service, root)
        await scenario.act(service, root)
        await scenario.goal(service, root)
        await sound(service, root)
        await delete(service, root)
        await sound(service, root)
        assert await service.catalogue.list() == ()
        assert (root / "os.img").exists()


async def sound(service: Service, root: Path) -> None:
    """No stuck record, no orphan in the engine, no lost or leaked file."""
    views = await service.catalogue.list()
    assert all(view.phase is Phase.READY for view in views), views
    known = await service.catalogue._engine.list()
    assert {machine.key for machine in known} == {view.id for view in views}
    directories = {path.name for path in (root / "state/files").glob("*")}
    needed = {view.id for view in views if any(disk.ours for disk in view.disks)}
    assert needed <= directories <= {view.id for view in views}, (needed, directories)
    for view in views:
        for disk in view.disks:
            assert (await asyncio.to_thread(Path(disk.path).stat)).st_size > 0, disk
        assert list((root / "state/files" / view.id).glob(".*")) == []
    for view in views:
        kinds = [entry.kind for entry in await service.catalogue.journal(view.id)]
        assert kinds.count("created") == 1, kinds
    if isinstance(service.catalogue._engine, QemuEngine):
        on = sum(view.state in ("running", "paused", "starting") for view in views)
        assert len(qemus(root)) == on, (qemus(root), views)


def qemus(root: Path) -> list[int]:
    """The QEMU processes that belong to this state."""
    marks = (os.fsencode(str(root / "run")), os.fsencode(str(root / "state")))
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if b"qemu-system" in words.split(b"\0")[0] and any(mark in words for mark in marks):
                found.append(int(process.name))
    return found


def in_a_child(what: Callable[[], Coroutine[None, None, None]], log: Path) -> int:
    """Run *what* in a fork; its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with log.open("a") as file:
                os.dup2(file.fileno(), 2)
            asyncio.run(what())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return status


def tried(engine: str, name: str, root: Path, point: int) -> str:
    """What became of a kill at *point*: ``ok``, ``past the end``, or what is wrong."""
    log = root / "log"
    scenario = SCENARIOS[name]
    status = in_a_child(lambda: run(engine, scenario, root, point), log)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0:
        return f"the scenario itself failed: {log.read_text()}"
    if os.waitstatus_to_exitcode(in_a_child(lambda: verify(engine, scenario, root), log)) != 0:
        return log.read_text()
    return "ok" if os.WIFSIGNALED(status) else "past the end"


def points(words: list[str]) -> Iterator[int]:
    """Those that were named, or all: whoever reads on asks for the next."""
    if words:
        yield from map(int, words)
    else:
        yield from range(NEVER)


def main(engine: str, name: str, root: Path, words: list[str]) -> int:
    """Try point after point."""
    for point in points(words):
        place = root / str(point)
        place.mkdir(parents=True)
        outcome = tried(engine, name, place, point)
        log = (place / "log").read_text().splitlines()
        killed = next((line for line in log if line.startswith("killed ")), "")
        line = json.dumps({"point": point, "where": killed, "outcome": outcome})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        if outcome == "past the end":
            return 0
        if outcome != "ok":
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:]))
