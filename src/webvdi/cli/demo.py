"""``webvdi demo``: one machine, one link, one command."""

import asyncio
import fcntl
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from webvdi.base.errors import Refused
from webvdi.base.files import secret_at
from webvdi.base.paths import Places, places
from webvdi.broker.demo_machine import DemoMachine, DemoSystem, Sizes, demo_system
from webvdi.cli.serving import Door, ServingOptions, console, open_door, program, say, serve
from webvdi.cli.web import WebSettings
from webvdi.guests import GuestBundle, build
from webvdi.guests import Progress as Step
from webvdi.vmm.machine import Accelerator, MachineId, Network
from webvdi.vmm.qemu import QemuEngine

FAREWELL = """\
Stopped serving.  The machine itself keeps running:
  {again}           shows it again
  {again} --stop    shuts it down
  {again} --reset   forgets it and begins anew"""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line said about the machine."""

    iso: Path | None = None
    disk: Path | None = None
    memory: int | None = None
    cpus: int | None = None
    reset: bool = False
    stop: bool = False
    state: Path | None = None


def run_demo(options: DemoOptions, serving: ServingOptions) -> None:
    """Prepare the machine, then serve it until Ctrl-C."""
    where = places(options.state)
    where.make()
    system = demo_system(options.iso, options.disk)
    with _only_one(where):
        if options.stop:
            asyncio.run(_reset(where, system) if options.reset else _stop(where, system))
            return
        door = open_door(serving, where.state)
        if options.reset:
            asyncio.run(_reset(where, system))
        machine = asyncio.run(_prepare(where, system, Sizes(options.memory, options.cpus)))
        serve(
            door,
            _settings(where, system, machine, door),
            farewell=FAREWELL.format(again=_again(options)),
            another_link=_with_state(f"{program()} url", options),
        )


def _again(options: DemoOptions) -> str:
    """The command that names this machine once more."""
    own = [
        f"{name} {shlex.quote(str(path))}"
        for name, path in (("--iso", options.iso), ("--disk", options.disk))
        if path is not None
    ]
    return _with_state(" ".join([f"{program()} demo", *own]), options)


def _with_state(command: str, options: DemoOptions) -> str:
    if options.state is None:
        return command
    return f"{command} --state {shlex.quote(str(options.state))}"


def _settings(where: Places, system: DemoSystem, machine: MachineId, door: Door) -> WebSettings:
    secret_at(where.state / "key")
    return WebSettings(
        run=str(where.run),
        key_file=str(where.state / "key"),
        state=str(where.state),
        cookie_name=f"webvdi_{door.listen.port}",
        name=system.key,
        title=system.title,
        machine=machine,
    )


@contextmanager
def _only_one(where: Places) -> Iterator[None]:
    """One demo for one state directory: two would fight over its machine."""
    with (where.run / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"a demo is being served already; {program()} url prints a link to it, and "
                "Ctrl-C in its terminal ends the serving (then --stop and --reset work)",
                reason="already_running",
            ) from None
        yield


async def _stop(where: Places, system: DemoSystem) -> None:
    async with QemuEngine(where.state, where.run) as engine:
        with console.status("Shutting the machine down…"):
            stopped = await DemoMachine(engine, where.state, system).stop()
    console.print("The machine is off." if stopped else "The machine was not running.")


async def _reset(where: Places, system: DemoSystem) -> None:
    async with QemuEngine(where.state, where.run) as engine:
        await DemoMachine(engine, where.state, system).forget()
    console.print("Forgotten: the machine and the files on its disk.")


async def _prepare(where: Places, system: DemoSystem, sizes: Sizes) -> MachineId:
    """The machine, running."""
    async with QemuEngine(where.state, where.run) as engine:
        demo = DemoMachine(engine, where.state, system)
        running = await demo.running()
        if running is not None:
            console.print("Found the machine still running.")
            if sizes != Sizes():
                console.print("It keeps its memory and processors until it is started again.")
            return running.id
        network = await _network(engine)
        if system.iso is None and system.disk is None:
            spec = await demo.guest_spec(await _guest(where.cache), sizes, network)
        else:
            spec = await demo.own_spec(sizes, network)
        machine = await demo.make(spec)
        with console.status("Starting the machine…"):
            status = await demo.start(machine)
        acceleration = status.acceleration
        if acceleration is not None and acceleration.kind is Accelerator.TCG:
            console.print(f"[yellow]Without KVM:[/yellow] {acceleration.reason}")
        return machine


async def _network(engine: QemuEngine) -> Network:
    """The guest's network: the internet without this host, or none; never wider."""
    why_not = await engine.network_available()
    if why_not is None:
        return Network.INTERNET
    console.print(f"[yellow]The machine gets no network:[/yellow] {why_not}")
    return Network.NONE


class _GivenUp(Exception):
    """Ctrl-C, as the builder's thread hears of it."""


async def _guest(cache: Path) -> GuestBundle:
    """The small desktop, built if need be, with a bar."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    given_up = threading.Event()
    with bar:
        task = bar.add_task("Preparing the demo desktop", total=None)

        said = set[str]()

        def show(step: Step) -> None:
            if given_up.is_set():
                raise _GivenUp
            if not console.is_terminal and step.phase not in said:  # a log shows no bar
                said.add(step.phase)
                say(f"{step.phase} …")
            bar.update(task, description=step.phase, completed=step.done, total=step.total or None)

        try:
            return await asyncio.to_thread(build, "tiny", cache, progress=show)
        except asyncio.CancelledError:
            given_up.set()  # the builder's thread ends at its next report
            raise
