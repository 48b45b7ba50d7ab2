"""Builds the small demo desktop from Debian's archive and runs it in a real QEMU.

The build needs the network the first time; its results stay in ``WEBVDI_TEST_CACHE``.
"""

import contextlib
import json
import os
import re
import selectors
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from webvdi.guests import GuestBundle, build, make_data_disk

pytestmark = [pytest.mark.qemu, pytest.mark.timeout(600)]

BOOT_LIMIT_S = 180.0  # under emulation, on a machine that does much else
COMMAND_LIMIT_S = 60.0


class Channel:
    """A unix socket that QEMU listens on, read up to a text or a deadline."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes], deadline: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                assert process.poll() is None, "QEMU ended at its start"
                assert time.monotonic() < deadline, f"QEMU does not listen on {path}"
                os.sched_yield()
        self._socket.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self.text = ""

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def read_until(self, pattern: str, limit_s: float) -> re.Match[str]:
        """Return the match of *pattern*; what was read up to its end is taken out of ``text``."""
        deadline = time.monotonic() + limit_s
        while (match := re.search(pattern, self.text)) is None:
            left = deadline - time.monotonic()
            assert left > 0, f"no {pattern!r} in {limit_s} s, but: {self.text[-2000:]}"
            if not self._selector.select(left):
                continue
            data = self._socket.recv(65536)
            assert data, f"QEMU ended before {pattern!r}: {self.text[-2000:]}"
            self.text += data.decode(errors="replace").replace("\r", "")
        self.text = self.text[match.end() :]
        return match

    def close(self) -> None:
        self._selector.close()
        self._socket.close()


class Machine:
    """One run of the guest."""

    def __init__(self, bundle: GuestBundle, place: Path, disk: Path) -> None:
        deadline = time.monotonic() + COMMAND_LIMIT_S
        self.process = subprocess.Popen(self._argv(bundle, place, disk))
        self.serial = Channel(place / "serial", self.process, deadline)
        self._qmp = Channel(place / "qmp", self.process, deadline)
        self._qmp.read_until(r"\n", COMMAND_LIMIT_S)
        self.command("qmp_capabilities")

    @staticmethod
    def _argv(bundle: GuestBundle, place: Path, disk: Path) -> list[str]:
        devices = (
            "virtio-vga,xres=1280,yres=800",
            "virtio-tablet-pci",
            "virtio-keyboard-pci",
            "qemu-xhci",
            "pcie-root-port,id=port0,chassis=1",
            "virtio-net-pci,netdev=net0,romfile=,bus=port0",
            "virtio-blk-pci,drive=disk0",
        )
        argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config"]
        argv += ["-vnc", f"unix:{place}/vnc"]
        argv += ["-M", "pc-q35-7.2", "-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max"]
        argv += ["-m", str(bundle.memory_mib), "-smp", str(bundle.cpus)]
        argv += ["-kernel", str(bundle.kernel), "-initrd", str(bundle.initrd)]
        argv += ["-append", bundle.cmdline, "-netdev", "user,id=net0"]
        argv += ["-drive", f"file={disk},if=none,id=disk0,format=raw"]
        argv += ["-serial", f"unix:{place}/serial,server=on,wait=on"]
        argv += ["-qmp", f"unix:{place}/qmp,server=on,wait=off"]
        return [*argv, *(word for device in devices for word in ("-device", device))]

    def command(self, name: str, **arguments: object) -> Any:
        """Perform a QMP command; events that come meanwhile are passed over."""
        self._qmp.send(json.dumps({"execute": name, "arguments": arguments}))
        answer = self._qmp.read_until(r'(?m)^\{"(return|error)".*\n', COMMAND_LIMIT_S)
        assert answer[1] == "return", answer[0]
        return json.loads(answer[0])["return"]

    def shell(self, line: str) -> str:
        """Return what a command line prints in the root shell on the serial port."""
        self.serial.text = ""
        # The mark is split, so that the terminal's echo of this line is not taken for it.
        self.serial.send(f"echo be''gin; {line}; echo e''nd\n")
        return self.serial.read_until(r"\nbegin\n((?s:.*?))\n?end\n", COMMAND_LIMIT_S)[1]

    def wait_for_desktop(self) -> None:
        self.serial.read_until("webvdi-guest: boot\n", BOOT_LIMIT_S)
        self.serial.read_until("webvdi-guest: desktop ready\n", BOOT_LIMIT_S)

    def close(self) -> None:
        self.serial.close()
        self._qmp.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def bundle() -> GuestBundle:
    cache = os.environ.get("WEBVDI_TEST_CACHE", "~/.cache/webvdi-test")
    return build("tiny", Path(cache).expanduser())


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data_disk(tmp_path_factory.mktemp("disk") / "home.img", 64)


@contextlib.contextmanager
def running(bundle: GuestBundle, disk: Path, place: Path) -> Iterator[Machine]:
    with contextlib.closing(Machine(bundle, place, disk)) as machine:
        machine.wait_for_desktop()
        yield machine


def wait_until(condition: str) -> str:
    """Return a command line of the guest that ends when *condition* holds."""
    return f"until {condition}; do usleep 50000; done"


@contextlib.contextmanager
def asking_for_size(path: Path, width: int, height: int) -> Iterator[None]:
    """Ask over RFB for another desktop size, and stay connected meanwhile.

    RFC 6143 §7.1 and §7.3; the community's rfbproto, "SetDesktopSize" (251).
    """
    with socket.socket(socket.AF_UNIX) as link, link.makefile("rb") as reader:
        link.connect(str(path))
        reader.read(12)
        link.sendall(b"RFB 003.008\n")
        reader.read(reader.read(1)[0])
        link.sendall(b"\x01")  # security type None
        reader.read(4)
        link.sendall(b"\x01")  # shared
        (length,) = struct.unpack(">20xI", reader.read(24))
        reader.read(length)
        link.sendall(struct.pack(">BxHii", 2, 2, 0, -308))  # Raw, ExtendedDesktopSize
        screen = struct.pack(">IHHHHI", 0, 0, 0, width, height, 0)
        link.sendall(struct.pack(">BxHHBx", 251, width, height, 1) + screen)
        yield


def picture_size(path: Path) -> tuple[int, int]:
    """Return the size of a PNG file in pixels."""
    header = path.read_bytes()[16:24]
    return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")


def test_the_desktop_its_user_and_its_disk(bundle: GuestBundle, disk: Path, tmp_path: Path) -> None:
    with running(bundle, disk, tmp_path) as machine:
        assert machine.shell("whoami") == "root"
        mounts = machine.shell("mount")
        assert "/dev/vda on /home type ext4 (rw" in mounts
        assert machine.shell("su user -c 'id -un; id -u'").split() == ["user", "1000"]
        # Root's rights come by su alone: busybox is setuid, and gives them up for all else.
        assert machine.shell("su user -c 'su -c whoami'") == "root"
        assert "denied" in machine.shell("su user -c 'echo x >/etc/passwd' 2>&1")
        programs = machine.shell("ps")
        assert re.search(r"root +/usr/lib/xorg/Xorg", programs)
        assert re.search(r"user +fluxbox", programs)
        assert re.search(r"user +xterm", programs)
        machine.shell(wait_until("[ -s /etc/resolv.conf ]"))
        assert "inet 10.0.2.15/24" in machine.shell("ip address show eth0")
        assert machine.shell("cat /etc/resolv.conf") == "nameserver 10.0.2.3"
        assert machine.shell("dmesg | grep -i -E 'segfault|general protection|panic'") == ""
        machine.command("screendump", filename=str(tmp_path / "desktop.png"), format="png")
        assert picture_size(tmp_path / "desktop.png") == (1280, 800)

        machine.shell("su user -c 'echo kept >/home/user/note'")
        machine.command("system_powerdown")
        machine.serial.read_until("webvdi-guest: stopped\n", COMMAND_LIMIT_S)
        assert machine.process.wait(COMMAND_LIMIT_S) == 0

    with running(bundle, disk, tmp_path) as machine:
        assert machine.shell("cat /home/user/note") == "kept"
        # Let go of cleanly: the journal had nothing to bring back.
        assert "recovery" not in machine.shell("dmesg | grep EXT4")
        machine.serial.send("su user -c '/usr/lib/webvdi/power poweroff'\n")
        assert machine.process.wait(COMMAND_LIMIT_S) == 0


def test_keyboard_and_desktop_size(bundle: GuestBundle, disk: Path, tmp_path: Path) -> None:
    with running(bundle, disk, tmp_path) as machine:
        for key in [*"id", "spc", ["shift", "dot"], *"typed", "ret"]:
            names = key if isinstance(key, list) else [key]
            keys = [{"type": "qcode", "data": name} for name in names]
            machine.command("send-key", keys=keys)
            # QEMU holds a key for 100 ms; the next one waits in the guest's own time.
            machine.shell("usleep 150000")
        machine.shell(wait_until("[ -s /home/user/typed ]"))
        assert machine.shell("cat /home/user/typed").startswith("uid=1000(user)")

        for width, height in ((1111, 777), (1600, 900)):
            size = f"current {width} x {height},"
            with asking_for_size(tmp_path / "vnc", width, height):
                machine.shell(wait_until(f"DISPLAY=:0 xrandr --current | grep -q '{size}'"))
            machine.command("screendump", filename=str(tmp_path / "x.png"), format="png")
            assert picture_size(tmp_path / "x.png") == (width, height)


def test_guest_without_a_disk_says_so(bundle: GuestBundle, tmp_path: Path) -> None:
    blank = tmp_path / "blank.img"
    blank.touch()
    os.truncate(blank, 1 << 20)
    with running(bundle, blank, tmp_path) as machine:
        assert " /home " not in machine.shell("mount")
        assert machine.shell("su user -c 'echo here >~/x; cat ~/x'") == "here"


def test_second_build_finds_the_first(bundle: GuestBundle) -> None:
    assert build("tiny", bundle.directory.parent.parent) == bundle
