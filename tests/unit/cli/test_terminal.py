"""Printing never stops the serving."""

import sys
from pathlib import Path

import pytest
from rich.console import Console

from webvdi.cli import terminal


class ClosedPipe:
    """A terminal that has gone."""

    encoding = "utf-8"

    def write(self, _: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        raise OSError


def test_a_closed_terminal_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=ClosedPipe())  # type: ignore[arg-type]  # all that rich uses
    monkeypatch.setattr(terminal, "console", console)
    terminal.say("hello")


def test_hints_name_the_program_as_it_was_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / ".venv/bin/webvdi")])
    assert terminal.program() == ".venv/bin/webvdi"
    monkeypatch.setattr(sys, "argv", ["/opt/webvdi/bin/webvdi"])
    assert terminal.program() == "/opt/webvdi/bin/webvdi"
    monkeypatch.setattr(sys, "argv", ["/usr/lib/python3/site-packages/webvdi/__main__.py"])
    assert terminal.program() == "webvdi"
