"""``webvdi demo`` from end to end, without a browser: a real guest on a real QEMU."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.browserless import LiveViewer, Site
from support.machine import RunningMachine
from support.processes import Program, free_port, gone, wait_until, webvdi
from support.viewer import Picture
from webvdi.base.paths import places
from webvdi.wire.to_viewer import MachineState

pytestmark = pytest.mark.qemu

GUESTS = Path(os.environ.get("WEBVDI_TEST_CACHE") or Path.home() / ".cache/webvdi-test")
MEMTEST_BLUE = (0, 0, 168)
MEMTEST_ISO = Path("/usr/lib/memtest86+/memtest86+x64.iso")


@dataclass
class Demo:
    """A state directory, and the demo run on it."""

    tmp: Path
    options: tuple[str, ...] = ()

    @property
    def state(self) -> Path:
        return self.tmp / "state"

    @property
    def machine(self) -> RunningMachine:
        os.environ["XDG_RUNTIME_DIR"] = str(self.tmp / "run")
        return RunningMachine(self.state, places(self.state).run)

    @contextmanager
    def command(self, *arguments: str) -> Iterator[Program]:
        with webvdi(
            "demo", "--state", str(self.state), *self.options, *arguments, tmp=self.tmp
        ) as program:
            yield program

    @contextmanager
    def served(self) -> Iterator[tuple[Program, Site]]:
        with self.command("--no-auth", "--no-open", "--listen", str(free_port())) as program:
            yield program, Site(program.said(r"Open +(http://\S+)", patience_s=240)[1])

    def ends(self, *arguments: str) -> str:
        """Run to the end; what it said."""
        with self.command(*arguments) as program:
            assert program.process.wait(120) == 0, program.output
        return program.output


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "state").mkdir()
    GUESTS.mkdir(parents=True, exist_ok=True)
    (tmp_path / "state/cache").symlink_to(GUESTS)
    demo = Demo(tmp_path)
    yield demo
    demo.ends("--reset", "--stop")


def machine_is(viewer: LiveViewer, state: MachineState) -> None:
    viewer.listen_until(lambda p: p.machine and p.machine.state is state, state.name)


def test_the_life_of_a_demo(demo: Demo) -> None:
    with demo.served() as (program, site), LiveViewer(site) as viewer:
        viewer.attach()
        machine_is(viewer, MachineState.LIVE)
        demo.machine.wait_for_desktop()
        with demo.machine.serial() as serial:
            assert "/home" in serial.run("mount")
            serial.run("echo kept > /home/user/kept; sync")
        with demo.machine.monitor() as monitor:
            monitor.execute("stop")
            real = monitor.screendump(demo.tmp / "screen")
            viewer.shows(lambda: real)
            monitor.execute("cont")
        qemu = demo.machine.qemu_pid
        program.interrupt()
        assert "keeps running" in program.output
    assert not gone(qemu)

    # A second run finds it; the supervisor's sudden death changes nothing either.
    with demo.served() as (program, site), LiveViewer(site) as viewer:
        assert "still running" in program.output
        assert demo.machine.qemu_pid == qemu
        viewer.attach()
        machine_is(viewer, MachineState.LIVE)
        os.kill(program.process.pid, signal.SIGKILL)
        program.process.wait()
        viewer.broken()
    assert not gone(qemu)

    with demo.served() as (_, site), LiveViewer(site) as viewer:
        assert demo.machine.qemu_pid == qemu
        viewer.attach()
        machine_is(viewer, MachineState.LIVE)
        # The guest switches itself off, and is started again from the page.
        with demo.machine.serial() as serial:
            serial.run("poweroff")
        machine_is(viewer, MachineState.OFF)
        assert viewer.picture.machine is not None
        assert "switched itself off" in viewer.picture.machine.detail
        wait_until(lambda: gone(qemu), "QEMU to end")
        assert "start" in site.machine()["can"]
        assert site.act("start")["state"] == "running"
        machine_is(viewer, MachineState.LIVE)
        demo.machine.wait_for_desktop()
        with demo.machine.serial() as serial:
            assert serial.run("cat /home/user/kept").strip() == "kept"
        # QEMU itself dies: said, and startable again.
        os.kill(demo.machine.qemu_pid, signal.SIGKILL)
        machine_is(viewer, MachineState.OFF)
        assert "SIGKILL" in viewer.picture.machine.detail

    assert "not running" in demo.ends("--stop")
    demo.ends("--reset", "--stop")
    assert not list((demo.state / "machines").iterdir())
    assert not list((demo.state / "files").iterdir())


def test_an_iso_of_the_users_own(demo: Demo) -> None:
    demo.options = ("--iso", str(MEMTEST_ISO), "--memory", "256", "--cpus", "1")
    with demo.served() as (_, site), LiveViewer(site) as viewer:
        viewer.attach()
        machine_is(viewer, MachineState.LIVE)

        def blue(picture: Picture) -> bool:
            return picture.rgb.size > 0 and bool((picture.rgb == MEMTEST_BLUE).all(2).mean() > 0.5)

        viewer.listen_until(blue, "memtest86+ on the screen")


def test_a_disk_of_the_users_own_is_not_written_to(demo: Demo, tmp_path: Path) -> None:
    disk = tmp_path / "own.img"
    # A boot sector that writes "!" to the screen for ever, and to the disk nothing: hlt; jmp.
    code = bytes.fromhex("b8210eb307cd10f4ebfd")
    disk.write_bytes(code.ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
    before = disk.read_bytes()
    demo.options = ("--disk", str(disk), "--memory", "128", "--cpus", "1")
    with demo.served() as (_, site), LiveViewer(site) as viewer:
        viewer.attach()
        machine_is(viewer, MachineState.LIVE)
        viewer.listen_until(lambda p: p.rgb.any(), "the boot sector's letter")
    assert disk.read_bytes() == before
    (overlay,) = demo.state.glob("files/*/disk.qcow2")
    assert overlay.stat().st_size > 0


# ---------------------------------------------------------------- bad input


def refused(tmp_path: Path, *arguments: str, code: int = 1, **env: str) -> str:
    """The one line with which the command ends; nothing is left behind."""
    state = tmp_path / "state"
    with webvdi("demo", "--state", str(state), "--no-open", *arguments, tmp=tmp_path, **env) as it:
        assert it.process.wait(120) == code, it.output
    lines = [line for line in it.output.splitlines() if line.startswith("webvdi: ")]
    assert len(lines) == 1, it.output
    assert "Traceback" not in it.output
    machines = state / "machines"
    assert not machines.exists() or not list(machines.glob("*/run.json"))
    return lines[0]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(510) + b"\x55\xaa" + bytes(1 << 20))
    return path


def listen() -> tuple[str, str]:
    return ("--listen", str(free_port()))


def test_a_missing_disk_is_named(tmp_path: Path) -> None:
    said = refused(tmp_path, "--disk", str(tmp_path / "nothing.qcow2"), *listen())
    assert "nothing.qcow2" in said


def test_a_file_that_is_no_disk_is_told_apart(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + bytes(5000))
    assert "no disk image" in refused(tmp_path, "--disk", str(photo), *listen())
    assert "no CD image" in refused(tmp_path, "--iso", str(photo), *listen())


def test_a_vmdk_is_to_be_converted(tmp_path: Path) -> None:
    vmdk = tmp_path / "windows.vmdk"
    vmdk.write_bytes(b"KDMV" + bytes(5000))
    assert "qemu-img convert" in refused(tmp_path, "--disk", str(vmdk), *listen())


def test_too_little_memory_is_said_in_numbers(tmp_path: Path, disk: Path) -> None:
    said = refused(tmp_path, "--disk", str(disk), "--memory", str(4 << 20), *listen())
    assert "MiB" in said
    assert "memory" in said


def test_two_systems_at_once_are_refused(tmp_path: Path, disk: Path) -> None:
    assert "--iso and --disk" in refused(
        tmp_path, "--disk", str(disk), "--iso", str(MEMTEST_ISO), *listen(), code=2
    )


def test_without_qemu_the_package_is_named(tmp_path: Path, disk: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    said = refused(tmp_path, "--disk", str(disk), *listen(), PATH=str(empty))
    assert "qemu" in said.lower()
    assert "apt" in said


def test_a_second_demo_is_shown_by_the_first(demo: Demo) -> None:
    demo.options = ("--iso", str(MEMTEST_ISO), "--memory", "128", "--cpus", "1")
    with demo.served() as (_, site):
        machine = site.machine()
        second = demo.ends("--no-open", *listen())
        assert "still running" in second
        assert f"Open  {site.url}/" in second
        assert site.machine()["generation"] == machine["generation"]
        with webvdi("url", "--state", str(demo.state), tmp=demo.tmp) as url:
            assert url.process.wait(60) == 0
        assert url.output.strip() == f"{site.url}/"  # it is served without logins


def test_url_without_a_demo_says_how_to_start_one(tmp_path: Path) -> None:
    with webvdi("url", "--state", str(tmp_path / "state"), tmp=tmp_path) as url:
        assert url.process.wait(60) == 1
    assert "webvdi demo" in url.output
