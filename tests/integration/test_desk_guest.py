"""Builds the Debian desktop from Debian's archive and runs it on the QEMU engine.

The build needs the network the first time; its results stay in ``WEBVDI_TEST_CACHE``.  It takes
minutes, so all of this is in the deep profile.
"""

import asyncio
import contextlib
import io
import json
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import pytest
from PIL import Image

from conformance.engines import QemuHarness
from integration.test_tiny_guest import asking_for_size
from webvdi.guests import GuestBundle, build
from webvdi.vmm.machine import (
    Accelerator,
    DirectKernel,
    Disk,
    DiskFormat,
    MachineId,
    MachineSpec,
    Network,
    PowerState,
)
from webvdi.vmm.qemu import images

pytestmark = [pytest.mark.qemu, pytest.mark.deep, pytest.mark.timeout(1500)]

BOOT_LIMIT_S = 400.0  # under emulation, on a machine that does much else
COMMAND_LIMIT_S = 120.0
READY = "webvdi-guest: desktop ready"
SPICE, GUEST_AGENT = "com.redhat.spice.0", "org.qemu.guest_agent.0"
_WORKAREA = 36  # height of the panel, pixels


@pytest.fixture(scope="module")
def bundle() -> GuestBundle:
    cache = os.environ.get("WEBVDI_TEST_CACHE", "~/.cache/webvdi-test")
    return build("desk", Path(cache).expanduser())


class Stream:
    """A unix socket that QEMU listens on, read up to a text."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.text = ""

    @classmethod
    async def open(cls, path: Path) -> Self:
        return cls(*await asyncio.open_unix_connection(path))

    def send(self, text: str) -> None:
        self._writer.write(text.encode())

    async def read_until(self, pattern: str, limit_s: float) -> re.Match[str]:
        async with asyncio.timeout(limit_s):
            while (match := re.search(pattern, self.text)) is None:
                data = await self._reader.read(65536)
                assert data, f"QEMU ended before {pattern!r}: {self.text[-2000:]}"
                self.text += data.decode(errors="replace").replace("\r", "")
        self.text = self.text[match.end() :]
        return match

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class Desk:
    """A machine of this guest, with its serial port and its spare monitor."""

    def __init__(self, harness: QemuHarness, bundle: GuestBundle) -> None:
        self.harness = harness
        self.bundle = bundle
        self._open: list[Stream] = []

    async def create(self, *, direct: bool, grow_mib: int = 0) -> MachineId:
        """Make a machine with an overlay on the bundle's disk, as a service would."""
        assert self.bundle.system_disk is not None
        disk = self.harness.directory / ("direct.qcow2" if direct else "firmware.qcow2")
        await images.create_overlay(disk, self.bundle.system_disk, DiskFormat.QCOW2)
        if grow_mib:
            argv = ["qemu-img", "resize", "-q", str(disk), f"+{grow_mib}M"]
            assert await (await asyncio.create_subprocess_exec(*argv)).wait() == 0
        kernel = DirectKernel(self.bundle.kernel, self.bundle.initrd, self.bundle.cmdline)
        spec = MachineSpec(
            "desk",
            cpus=self.bundle.cpus,
            memory_mib=self.bundle.memory_mib,
            kernel=kernel if direct else None,
            # With a kernel given, QEMU keeps the first place in the boot order for that.
            disks=(Disk(disk, boot_order=None if direct else 0),),
            network=Network.OPEN,
            accelerator=Accelerator.TCG,
        )
        return await self.harness.engine.create(spec, key=disk.stem)

    async def boot(self, machine: MachineId) -> None:
        """Start it, and wait until the desktop is there and the serial port has its shell."""
        began = time.monotonic()
        await (await self.harness.engine.start(machine)).wait(COMMAND_LIMIT_S)
        self.serial = await self._stream(machine, "serial")
        log = await self.harness.engine.serial(machine)
        assert log is not None
        async with asyncio.timeout(BOOT_LIMIT_S):
            while READY.encode() not in log.read_bytes():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.1)
        load = os.getloadavg()[0]
        print(f"desktop after {time.monotonic() - began:.1f} s, load {load:.1f}")  # noqa: T201

    async def _stream(self, machine: MachineId, name: str) -> Stream:
        stream = await Stream.open(self.harness.run_dir / machine / name)
        self._open.append(stream)
        return stream

    async def shell(self, line: str) -> str:
        """Return what a command line prints in the root shell on the serial port."""
        # The mark is split, so that the terminal's echo of this line is not taken for it.
        self.serial.send(f"echo be''gin; {line}; echo e''nd\n")
        found = await self.serial.read_until(r"\nbegin\n((?s:.*?))\n?end\n", COMMAND_LIMIT_S)
        return found[1]

    async def qmp(self, machine: MachineId, *commands: dict[str, Any]) -> list[Any]:
        """Perform commands on the spare monitor; return what each answered."""
        stream = await self._stream(machine, "qmp2")
        answers = []
        for command in ({"execute": "qmp_capabilities"}, *commands):
            stream.send(json.dumps(command))
            found = await stream.read_until(r'(?m)^\{"(return|error)".*\n', COMMAND_LIMIT_S)
            assert found[1] == "return", found[0]
            answers.append(json.loads(found[0])["return"])
        await stream.close()
        self._open.remove(stream)
        return answers[1:]

    async def open_ports(self, machine: MachineId, count: int) -> None:
        """Wait until a program of the guest holds each of the agents' ports open."""
        opened: dict[str, bool] = {}
        try:
            async with asyncio.timeout(COMMAND_LIMIT_S):
                while sum(opened.values()) < count:
                    (chardevs,) = await self.qmp(machine, {"execute": "query-chardev"})
                    agents = [one for one in chardevs if one["label"].startswith("agent")]
                    opened = {one["label"]: one["frontend-open"] for one in agents}
                    await asyncio.sleep(0.5)
        except TimeoutError:
            units = await self.shell(
                "SYSTEMD_COLORS=0 systemctl status 'spice*' 'qemu-guest*' | cat"
            )
            pytest.fail(f"ports that are open: {opened}\n{units}")

    async def picture(self, machine: MachineId) -> Image.Image:
        png = await self.harness.engine.screenshot(machine)
        return Image.open(io.BytesIO(png)).convert("RGB")

    async def close(self) -> None:
        for stream in self._open:
            await stream.close()


@pytest.fixture
async def desk(bundle: GuestBundle) -> AsyncIterator[Desk]:
    with TemporaryDirectory(prefix="wv") as directory:
        async with QemuHarness(Path(directory)) as harness:
            machine = Desk(harness, bundle)
            yield machine
            await machine.close()


def until(condition: str) -> str:
    """A command line of the guest that ends when *condition* holds."""
    return f"until {condition}; do sleep 0.2; done"


def is_the_desktop(picture: Image.Image) -> bool:
    """Whether wallpaper (many colours, by rows) and panel (one dark colour) are there."""
    width, height = picture.size
    sky = [picture.getpixel((width // 2, y)) for y in range(0, height - 2 * _WORKAREA, 20)]
    panel = picture.getpixel((width // 2, height - _WORKAREA // 2))
    assert isinstance(panel, tuple)
    return len(set(sky)) > 5 and max(panel) < 64


def plug(name: str, number: int, path: Path) -> list[dict[str, Any]]:
    """Monitor commands that plug an agent's port."""
    address = {"type": "unix", "data": {"path": str(path)}}
    backend = {"type": "socket", "data": {"addr": address, "server": True, "wait": False}}
    port = {"driver": "virtserialport", "bus": "vserial.0", "nr": number, "name": name}
    port |= {"chardev": f"agent{number}", "id": f"port-agent{number}"}
    return [
        {"execute": "chardev-add", "arguments": {"id": f"agent{number}", "backend": backend}},
        {"execute": "device_add", "arguments": port},
    ]


async def test_the_desktop_booted_directly(desk: Desk, tmp_path: Path) -> None:
    machine = await desk.create(direct=True)
    await desk.boot(machine)

    assert await desk.shell("whoami") == "root"
    assert await desk.shell("sudo -u user sudo whoami") == "root"
    programs = await desk.shell("ps axo user:16,args")
    assert re.search(r"user +openbox", programs)
    assert re.search(r"user +lxpanel", programs)
    await desk.shell(until("grep -q nameserver /etc/resolv.conf"))
    assert "inet 10.0.2.15/24" in await desk.shell("ip -4 address")
    assert await desk.shell("systemctl --failed --no-legend --plain --no-pager") == ""
    assert await desk.shell("dpkg --audit; locale -a | grep -c ja_JP") == "1"
    assert await desk.shell("dmesg | grep -E 'segfault|general protection|Call Trace'") == ""

    await desk.shell(until("DISPLAY=:0 xprop -root _NET_WORKAREA | grep -q ' 764'"))
    async with asyncio.timeout(COMMAND_LIMIT_S):
        while not is_the_desktop(await desk.picture(machine)):  # noqa: ASYNC110 - QEMU says nothing
            await asyncio.sleep(0.5)
    assert (await desk.picture(machine)).size == (1280, 800)

    # The desktop follows the viewer's window.
    for width, height in ((1112, 778), (1600, 900)):
        size = f"current {width} x {height},"
        with asking_for_size(desk.harness.run_dir / machine / "vnc", width, height):
            await desk.shell(until(f"DISPLAY=:0 xrandr --current | grep -q '{size}'"))
        assert (await desk.picture(machine)).size == (width, height)

    # Both agents take up their ports, plugged while the machine runs.
    ports = (SPICE, GUEST_AGENT)
    for number, name in enumerate(ports, start=1):
        await desk.qmp(machine, *plug(name, number, tmp_path / name))
    await desk.shell(until(f"[ -e /dev/virtio-ports/{SPICE} ]"))
    await desk.open_ports(machine, len(ports))

    # The power button shuts it down, and what was written stays.
    await desk.shell("sudo -u user sh -c 'echo kept >~/note'")
    await (await desk.harness.engine.stop(machine)).wait(COMMAND_LIMIT_S)
    assert (await desk.harness.engine.get(machine)).state is PowerState.STOPPED
    await desk.boot(machine)
    assert await desk.shell("cat /home/user/note") == "kept"


async def test_the_same_disk_booted_by_firmware_and_grown(desk: Desk) -> None:
    machine = await desk.create(direct=False, grow_mib=4096)
    await desk.boot(machine)
    await desk.shell(until("systemctl show -p ActiveState webvdi-grow | grep -q =inactive"))
    megabytes = int(await desk.shell("df -m --output=size / | tail -1"))
    assert megabytes > desk.bundle.system_disk_mib + 3500


def test_second_build_finds_the_first(bundle: GuestBundle) -> None:
    assert build("desk", bundle.directory.parent.parent) == bundle
