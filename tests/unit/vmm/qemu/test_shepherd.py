"""The shepherd as a program, with small programs in QEMU's place."""

import fcntl
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from webvdi.vmm.qemu import shepherd
from webvdi.vmm.qemu.launch import SHEPHERD_PROGRAM


@pytest.fixture
def directory() -> Iterator[Path]:
    with TemporaryDirectory(prefix="wv") as name:
        yield Path(name)


def config(directory: Path, *argv: str, generation: int = 1) -> Path:
    record = {
        "generation": generation,
        "boot_id": "this boot",
        "argv": list(argv),
        "listen": {"3": str(directory / "a"), "4": str(directory / "b")},
        "remove": [str(directory / name) for name in ("a", "b", "ram")],
        "keep": [str(directory / "ram")],
        **{name: str(directory / name) for name in ("lock", "run", "exit", "log", "serial_log")},
    }
    (directory / "ram").touch()
    path = directory / "launch.json"
    path.write_text(json.dumps(record))
    return path


def run(path: Path, generation: int = 1) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SHEPHERD_PROGRAM), str(path), str(generation)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def ended(directory: Path) -> dict[str, Any]:
    """What ``exit`` says, once the shepherd has let go of its lock."""
    with (directory / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    record: dict[str, Any] = json.loads((directory / "exit").read_text())
    return record


@pytest.mark.parametrize(
    ("script", "code", "signal"),
    [("exit 0", 0, None), ("exit 3", 3, None), ("kill -9 $$", None, 9), ("kill $$", None, 15)],
)
def test_the_end_is_written_down(
    directory: Path, script: str, code: int | None, signal: int | None
) -> None:
    done = run(config(directory, "sh", "-c", f"echo out; echo words >&2; {script}"))
    assert (done.returncode, done.stderr) == (0, "")
    record = ended(directory)
    assert (record["generation"], record["code"], record["signal"]) == (1, code, signal)
    assert record["words"] == "out\nwords\n"
    assert (directory / "log").read_text() == "out\nwords\n"
    assert not {"a", "b", "ram"} & {path.name for path in directory.iterdir()}


def test_who_runs_is_written_before_it_begins(directory: Path) -> None:
    run(config(directory, "sh", "-c", f"cat {directory}/run; echo $$; ls -l /proc/$$/fd >&2"))
    words = ended(directory)["words"]
    record, end = json.JSONDecoder().raw_decode(words)
    assert record["boot_id"] == "this boot"
    assert record["qemu"]["pid"] == int(words[end:].split()[0])
    assert record["shepherd"]["pid"] != record["qemu"]["pid"]


def test_the_program_finds_the_sockets_listening_under_their_numbers(directory: Path) -> None:
    script = (
        "import os,socket\n"
        "for fd in (3, 4):\n"
        "    listener = socket.socket(fileno=os.dup(fd))\n"
        "    print(listener.getsockname()[-1], os.get_inheritable(fd))\n"
        "print(sorted(os.listdir('/proc/self/fd'))[:5])\n"
    )
    run(config(directory, sys.executable, "-c", script))
    lines = ended(directory)["words"].splitlines()
    assert lines[:2] == ["a True", "b True"]
    assert lines[2].startswith("['0', '1', '2', '3', '4'")


def test_a_program_that_does_not_exist(directory: Path) -> None:
    assert run(config(directory, "/absent/qemu")).returncode == 0
    record = ended(directory)
    assert record["code"] == shepherd.NOT_RUN
    assert record["words"] == "cannot run /absent/qemu: No such file or directory\n"


def test_a_start_that_was_dealt_with_is_not_repeated(directory: Path) -> None:
    path = config(directory, "true")
    run(path)
    ended(directory)
    again = run(path)
    assert again.returncode == 1
    assert "dealt with already" in again.stderr
    assert run(config(directory, "true", generation=2), 2).returncode == 0
    assert ended(directory)["generation"] == 2


def test_a_shepherd_that_comes_too_late_goes(directory: Path) -> None:
    done = run(config(directory, "true", generation=2), 1)
    assert done.returncode == 1
    assert "given up" in done.stderr
    assert not (directory / "run").exists()


def test_a_second_shepherd_waits_then_goes(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shepherd, "LOCK_TIMEOUT_S", 0.1)
    with (directory / "lock").open("a") as held, (directory / "lock").open("a") as lock:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RuntimeError, match="another shepherd"):
            shepherd._take(lock)


def test_what_cannot_be_prepared_is_told(directory: Path) -> None:
    path = config(directory, "true")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "listen": {"3": "/absent/socket"}}))
    done = run(path)
    assert done.returncode == 1
    assert "No such file" in done.stderr


def test_a_chatterbox_is_kept_within_bounds(directory: Path) -> None:
    run(config(directory, "sh", "-c", "yes | head -c 3000000; echo end"))
    words = ended(directory)["words"]
    assert len(words) == shepherd.TAIL_BYTES
    assert words.endswith("y\nend\n")
    assert (directory / "log").stat().st_size == shepherd.LOG_BYTES


def test_a_long_serial_log_is_cut(directory: Path) -> None:
    log = directory / "serial.log"
    log.write_bytes(b"x" * shepherd.SERIAL_BYTES)
    shepherd._cut(log)
    assert log.stat().st_size == shepherd.SERIAL_BYTES
    with log.open("ab") as file:
        file.write(b"y")
    shepherd._cut(log)
    assert log.stat().st_size == 0
    assert (directory / "serial.log.old").stat().st_size == shepherd.SERIAL_BYTES
    shepherd._cut(directory / "absent")


def test_a_stale_socket_does_not_matter(directory: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(directory / "a"))
    assert run(config(directory, "true")).returncode == 0
    assert ended(directory)["code"] == 0


def test_it_imports_the_standard_library_only() -> None:
    for program in ("shepherd.py", "netns.py"):
        path = SHEPHERD_PROGRAM.with_name(program)
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(path)!r})"],
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
