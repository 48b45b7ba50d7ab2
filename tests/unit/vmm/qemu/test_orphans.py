"""Processes of machines that are no more, told by their command lines."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from webvdi.vmm.qemu.argv import escaped
from webvdi.vmm.qemu.orphans import end_orphans, find_orphans


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def run(processes: list[subprocess.Popen[bytes]], words: list[str]) -> int:
    """A process with *words* on its command line, that does nothing."""
    process = subprocess.Popen(["sh", "-c", "read x", *words], stdin=subprocess.PIPE)
    processes.append(process)
    return process.pid


@pytest.mark.parametrize("name", ["machines", "a, b"])
async def test_only_our_own_are_found_and_ended(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]], name: str
) -> None:
    machines = tmp_path / name
    lines = {
        "shepherd": ["shepherd.py", f"{machines}/m1/launch.json", "7"],
        "fence": ["netns.py", f"{machines}/m2/fence.json", "qemu"],
        "qemu": ["-chardev", f"socket,id=s,logfile={escaped(machines)}/m3/serial.log,logappend=on"],
        "known": ["shepherd.py", f"{machines}/m4/launch.json", "1"],
        "another engine's": ["shepherd.py", f"{machines}-2/m1/launch.json", "1"],
        "below another": ["shepherd.py", f"/elsewhere{machines}/m1/launch.json", "1"],
        "an editor": ["vi", f"{machines}/m1/machine.json"],
    }
    running = {role: run(processes, words) for role, words in lines.items()}
    found = find_orphans(machines, {"m4"})
    assert {(orphan.machine, orphan.process.pid) for orphan in found} == {
        ("m1", running["shepherd"]),
        ("m2", running["fence"]),
        ("m3", running["qemu"]),
    }
    await end_orphans(found)
    assert find_orphans(machines, {"m4"}) == []
    assert [process.poll() is None for process in processes] == [False] * 3 + [True] * 4


async def test_nothing_to_end(tmp_path: Path) -> None:
    assert find_orphans(tmp_path, ()) == []
    await end_orphans([])
