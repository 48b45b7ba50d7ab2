"""``webvdi machine serial``: a real terminal on one side, a fake machine on the other."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from support.command_line import CommandLine
from support.fake_catalogue import machine_view
from support.processes import wait_until


class Terminal:
    """A pseudo-terminal with the command on it."""

    def __init__(self, webvdi: CommandLine, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        self.seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "webvdi", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=os.environ | {"WEBVDI_STATE": str(webvdi.state), "TERM": "xterm"},
            start_new_session=True,
        )
        os.close(slave)
        os.set_blocking(self.master, False)

    def shows(self, words: bytes) -> None:
        def look() -> bool:
            with suppress(BlockingIOError, OSError):
                self.seen += os.read(self.master, 65536)
            return words in self.seen

        wait_until(look, f"{words!r} on the terminal")

    def types(self, keys: bytes) -> None:
        os.write(self.master, keys)


@contextmanager
def terminal(webvdi: CommandLine, *arguments: str) -> Iterator[Terminal]:
    it = Terminal(webvdi, *arguments)
    try:
        yield it
    finally:
        if it.process.poll() is None:
            it.process.kill()
        it.process.wait()
        os.close(it.master)


def test_keys_go_and_bytes_come_until_the_bracket(webvdi: CommandLine) -> None:
    catalogue = webvdi.fake.catalogue
    catalogue.add(machine_view("alpha"))
    catalogue.say_on_serial("alpha", b"x" * 70_000 + b"\r\nlogin: ")
    with webvdi.service(), terminal(webvdi, "machine", "serial", "alpha") as it:
        it.shows(b"Ctrl-] leaves")
        it.shows(b"login: ")
        it.types(b"root\r\x03")  # Ctrl-C is the guest's
        wait_until(lambda: catalogue.typed_on_serial("alpha") == b"root\r\x03", "the keys")
        catalogue.say_on_serial("alpha", b"\x1b[1mWelcome\x1b[0m")
        it.shows(b"\x1b[1mWelcome\x1b[0m")  # untouched: the guest's programs draw here
        it.types(b"bye\x1dnot this")
        it.shows(b"Left.")
        assert it.process.wait(30) == 0
        assert catalogue.typed_on_serial("alpha") == b"root\r\x03bye"


def test_an_unknown_machine_is_said_before_the_screen_changes(webvdi: CommandLine) -> None:
    with webvdi.service(), terminal(webvdi, "machine", "serial", "nobody") as it:
        it.shows(b"there is no machine named 'nobody'")
        assert it.process.wait(30) == 3


def test_what_fails_meanwhile_gives_the_terminal_back(webvdi: CommandLine) -> None:
    catalogue = webvdi.fake.catalogue
    catalogue.add(machine_view("alpha"))
    with webvdi.service(), terminal(webvdi, "machine", "serial", "alpha") as it:
        it.shows(b"Ctrl-] leaves")
        catalogue._views.clear()
        it.shows(b"there is no machine")
        assert it.process.wait(30) == 3


def test_without_a_terminal_one_can_listen(webvdi: CommandLine) -> None:
    webvdi.fake.catalogue.add(machine_view("alpha"))
    said = webvdi("machine", "serial", "alpha")
    assert said.code == 1
    assert "--follow" in said.err
