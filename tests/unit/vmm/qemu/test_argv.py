"""The command line, against goldens; ``argv_cases`` writes them."""

from pathlib import Path

import pytest

from unit.vmm.qemu.argv_cases import CASES, GOLDENS, as_text, command_line
from webvdi.vmm.qemu.argv import escaped


@pytest.mark.parametrize("case", CASES)
def test_goldens(case: str) -> None:
    assert as_text(command_line(case)) == (GOLDENS / f"{case}.txt").read_text(encoding="utf-8")


def test_every_golden_has_a_case() -> None:
    assert {path.stem for path in GOLDENS.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_what_must_never_be_there(case: str) -> None:
    words = command_line(case)
    assert "-k" not in words  # QEMU would translate keys that we send as scancodes
    assert "-nic" not in words
    assert "-netdev" not in words
    assert "-no-reboot" not in words
    assert not any("tcp:" in word or "websocket" in word for word in words)


def test_commas_are_doubled() -> None:
    assert escaped(Path("/a,b,,c")) == "/a,,b,,,,c"
