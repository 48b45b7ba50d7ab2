"""The files of a machine, and processes that cannot be mistaken."""

import os
import subprocess
from pathlib import Path

import pytest

from webvdi.vmm.qemu.records import (
    ProcessId,
    generation_of,
    process_of,
    read_record,
    write_record,
)


def test_records_are_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    assert read_record(path) is None
    write_record(path, {"generation": 3})
    assert read_record(path) == {"generation": 3}
    assert read_record(path, 3) == {"generation": 3}
    assert read_record(path, 4) is None
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]
    for nonsense in ("", "{", "[1]", "\xff"):
        path.write_text(nonsense, encoding="latin-1")
        assert read_record(path) is None


@pytest.mark.parametrize(
    ("record", "generation"), [(None, 0), ({}, 0), ({"generation": 2}, 2), ({"generation": ""}, 0)]
)
def test_generations(record: dict[str, object] | None, generation: int) -> None:
    assert generation_of(record) == generation


def ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_a_process_is_its_number_and_its_start() -> None:
    me = ProcessId(os.getpid(), ticks(os.getpid()))
    assert me.alive()
    assert not ProcessId(me.pid, me.started + 1).alive()
    assert not ProcessId(2**22 + 1, 1).alive()


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen(["sleep", "600"])
    it = ProcessId(child.pid, ticks(child.pid))
    assert it.alive()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not it.alive()
    child.wait()
    assert not it.alive()


def test_processes_in_records() -> None:
    record = {"qemu": {"pid": 1, "started": 2}}
    assert process_of(record, "qemu") == ProcessId(1, 2)
    assert process_of(record, "shepherd") is None
    assert process_of(None, "qemu") is None
