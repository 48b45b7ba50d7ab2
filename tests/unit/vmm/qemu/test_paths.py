"""Directories of ours alone, and names that fit into a socket address."""

from pathlib import Path

import pytest

from webvdi.vmm.errors import MachineError
from webvdi.vmm.machine import MachineId
from webvdi.vmm.qemu.paths import MAX_SOCKET_PATH, machine_paths, private_directory

MACHINE = MachineId("m0123456789")


def test_the_longest_socket_path_fits_and_no_longer() -> None:
    longest = len("/" + MACHINE + "/serial")
    run = Path("/" + "r" * (MAX_SOCKET_PATH - longest - 1))
    paths = machine_paths(Path("/s"), run, MACHINE)
    assert max(len(str(path)) for path in paths.sockets) == MAX_SOCKET_PATH
    with pytest.raises(MachineError, match=r"107.*shorter run directory"):
        machine_paths(Path("/s"), Path(f"{run}r"), MACHINE)
    with pytest.raises(MachineError):  # bytes count, not characters
        machine_paths(Path("/s"), Path(str(run)[:-1] + "ä"), MACHINE)


def test_a_private_directory_is_made_closed(tmp_path: Path) -> None:
    made = private_directory(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    assert private_directory(made) == made


def test_a_directory_of_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(private_directory(tmp_path / "target"))
    with pytest.raises(MachineError, match="not a directory of this user"):
        private_directory(tmp_path / "link")
    shared = private_directory(tmp_path / "shared")
    shared.chmod(0o770)
    with pytest.raises(MachineError, match="chmod go-w"):
        private_directory(shared)
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="cannot make"):
        private_directory(tmp_path / "file" / "below")
