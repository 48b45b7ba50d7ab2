"""Where the files of a machine are.

``state_dir/machines/ID`` is on disk and survives everything; ``run_dir/ID`` holds sockets.  All
directories are closed to other users: whoever may open the VNC or QMP socket owns the machine.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from webvdi.vmm.errors import MachineError
from webvdi.vmm.machine import MachineId

MAX_SOCKET_PATH = 107
"""Bytes; ``sockaddr_un.sun_path`` holds 108 with the final NUL (unix(7))."""
SHM = Path("/dev/shm")  # noqa: S108 - used below a directory that is checked to be ours


@dataclass(frozen=True, slots=True)
class MachinePaths:
    """The files of one machine."""

    state: Path
    run: Path

    @property
    def spec(self) -> Path:
        """What it is made of; replaced when it is redefined."""
        return self.state / "machine.json"

    @property
    def launch(self) -> Path:
        """What the shepherd is to start."""
        return self.state / "launch.json"

    @property
    def running(self) -> Path:
        """Which processes run it; written by the shepherd before QEMU begins."""
        return self.state / "run.json"

    @property
    def started(self) -> Path:
        """That the guest was let go, and how it is accelerated."""
        return self.state / "started.json"

    @property
    def intent(self) -> Path:
        """That we mean it to end."""
        return self.state / "intent.json"

    @property
    def asked(self) -> Path:
        """That its guest was asked to end, and until when that counts; nothing was forced."""
        return self.state / "asked.json"

    @property
    def ended(self) -> Path:
        """How QEMU ended; written by the shepherd."""
        return self.state / "exit.json"

    @property
    def saving(self) -> Path:
        """That a save is under way."""
        return self.state / "saving.json"

    @property
    def saved(self) -> Path:
        """That the machine is saved, and what it takes to go on."""
        return self.state / "saved.json"

    @property
    def saved_state(self) -> Path:
        """The saved RAM and devices."""
        return self.state / "saved.state"

    @property
    def saved_state_new(self) -> Path:
        """The same, while QEMU writes it."""
        return self.state / "saved.state.new"

    @property
    def lock(self) -> Path:
        """Held by the machine's shepherd as long as it lives."""
        return self.state / "shepherd.lock"

    @property
    def log(self) -> Path:
        """What QEMU says on stderr, bounded."""
        return self.state / "qemu.log"

    @property
    def serial_log(self) -> Path:
        """What the guest writes to its serial port, bounded."""
        return self.state / "serial.log"

    @property
    def resolv_conf(self) -> Path:
        """What a fenced QEMU finds as /etc/resolv.conf."""
        return self.state / "resolv.conf"

    @property
    def fence(self) -> Path:
        """What netns.py builds around the guest's network."""
        return self.state / "fence.json"

    @property
    def screenshot(self) -> Path:
        """Where QEMU puts a picture for us to read."""
        return self.state / "screenshot"

    @property
    def qmp(self) -> Path:
        """The engine's monitor socket."""
        return self.run / "qmp"

    @property
    def qmp_spare(self) -> Path:
        """A monitor socket for people and repair; QMP takes one client a socket."""
        return self.run / "qmp2"

    @property
    def vnc(self) -> Path:
        """The display."""
        return self.run / "vnc"

    @property
    def serial(self) -> Path:
        """The serial port, both ways."""
        return self.run / "serial"

    @property
    def sockets(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.qmp, self.qmp_spare, self.vnc, self.serial)


def machine_paths(state_dir: Path, run_dir: Path, machine: MachineId) -> MachinePaths:
    """The paths of *machine*.

    Raises :class:`~webvdi.vmm.errors.MachineError` if a socket's path would be too long.
    """
    paths = MachinePaths(state_dir / "machines" / machine, run_dir / machine)
    for socket in paths.sockets:
        length = len(os.fsencode(socket))
        if length > MAX_SOCKET_PATH:
            raise MachineError(
                f"the socket path {socket} has {length} bytes, but the system allows "
                f"{MAX_SOCKET_PATH}: choose a shorter run directory than {run_dir}"
            )
    return paths


def private_directory(path: Path) -> Path:
    """Make *path* a directory that is ours alone, and return it.

    Raises :class:`~webvdi.vmm.errors.MachineError` if somebody else owns it or may write there.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise MachineError(f"cannot make the directory {path}: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise MachineError(f"{path} is not a directory of this user; remove it or use another")
    if found.st_mode & 0o022:
        raise MachineError(f"other users may write to {path}: chmod go-w {path}")
    return path
