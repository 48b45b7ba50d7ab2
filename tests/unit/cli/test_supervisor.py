"""What the supervisor does with signals, on real small processes."""

import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.processes import Program, gone, wait_until

PROGRAM = """
import asyncio, json, signal, sys
from pathlib import Path
from webvdi.cli.notify import Notifier
from webvdi.cli.supervisor import Server, Supervisor

run = Path(sys.argv[1])
child = '''
import os, signal, sys
signal.signal(signal.SIGHUP, lambda *_: print("reloaded", flush=True))
signal.signal(signal.SIGUSR1, lambda *_: os._exit(78))
print("child", os.getpid(), flush=True)
while True: signal.pause()
'''
supervisor = Supervisor([Server("web", ["-c", child], [])], run)
notifier = Notifier()

async def announce():
    notifier.ready()

def reload():
    notifier.reloading()
    supervisor.send("web", signal.SIGHUP)

asyncio.run(supervisor.run(
    lambda: print("ready", flush=True),
    announce=announce, reload=reload, stopping=notifier.stopping))
print("ended in order", flush=True)
"""


@contextmanager
def supervised(tmp: Path, **env: str) -> Iterator[Program]:
    arguments = [sys.executable, "-c", PROGRAM, str(tmp)]
    program = Program(arguments, tmp / "log", env)
    try:
        known(tmp, child_of(program))
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait()


def child_of(program: Program) -> int:
    return int(program.said("child (\\d+)")[1])


def known(run: Path, child: int) -> None:
    """Wait until the supervisor, too, knows that it has this child."""
    pid = run / "web.pid"
    wait_until(lambda: pid.exists() and pid.read_text().strip() == str(child), "the pid file")


def test_a_hang_up_without_a_terminal_is_a_reload(tmp_path: Path) -> None:
    with supervised(tmp_path) as program:
        program.process.send_signal(signal.SIGHUP)
        program.said("reloaded")
        program.process.terminate()
        assert program.process.wait(30) == 0
        assert "ended in order" in program.output
        assert gone(child_of(program))


def test_a_dead_server_is_started_again_and_reloads(tmp_path: Path) -> None:
    with supervised(tmp_path) as program:
        first = child_of(program)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: program.output.count("child ") == 2, "another child")
        second = int(program.output.split()[-1])
        assert second != first
        known(tmp_path, second)
        program.process.send_signal(signal.SIGHUP)
        program.said("reloaded")


def test_systemd_hears_of_each_step(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        with supervised(tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify")) as program:
            assert manager.recv(100).startswith(b"READY=1")
            program.process.send_signal(signal.SIGHUP)
            assert manager.recv(100) == b"RELOADING=1"
            program.process.terminate()
            assert manager.recv(100) == b"STOPPING=1"


def test_a_server_that_gives_up_is_not_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path) as program:
        os.kill(child_of(program), signal.SIGUSR1)
        assert program.process.wait(30) == 1
        assert "the web process cannot work here" in program.output
        assert program.output.count("child ") == 1


def test_a_closed_terminal_ends_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    pid, master = pty.fork()
    if pid == 0:  # the leader of a session on a terminal of its own
        with log.open("a") as out:
            os.dup2(out.fileno(), 1)
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, str(tmp_path)])
    try:
        wait_until(lambda: "child" in log.read_text(), "the child")
        os.close(master)
        wait_until(lambda: "ended in order" in log.read_text(), "its end")
        assert "reloaded" not in log.read_text()
    finally:
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_supervisor_loads_nothing_that_only_its_servers_need() -> None:
    """It lives as long as the service: what it imports is taken from the host for ever."""
    heavy = {"cryptography", "fastapi", "httpx2", "numpy", "pydantic", "sqlalchemy", "uvicorn"}
    question = "import sys, webvdi.cli.main, webvdi.cli.serve; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", question], capture_output=True, text=True, check=True
    )
    assert heavy & set(loaded.stdout.split()) == set()
