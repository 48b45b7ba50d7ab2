"""Why a machine ended, from what was left behind."""

import signal
from typing import Any

import pytest

from webvdi.vmm.machine import ExitReason, PowerState
from webvdi.vmm.qemu.exits import MAX_WORDS, Wish, classify, last_words, state_after

TERMINATED = "qemu-system-x86_64: terminating on signal 15 from pid 1 (init)\n"


def ended(**more: object) -> dict[str, Any]:
    return {"generation": 1, "when": 5.0, "code": 0, "signal": None, "words": "", **more}


@pytest.mark.parametrize(
    ("record", "flags", "reason"),
    [
        (ended(), "started", ExitReason.GUEST_POWEROFF),
        (ended(), "started intended", ExitReason.REQUESTED),
        (ended(), "started asked", ExitReason.SHUT_DOWN),
        (ended(), "started asked intended", ExitReason.SHUT_DOWN),
        (ended(), "started overdue intended", ExitReason.OVERDUE),
        (ended(words=TERMINATED), "started", ExitReason.KILLED),
        (ended(words=TERMINATED), "started asked", ExitReason.KILLED),
        (ended(words=TERMINATED), "started asked intended", ExitReason.REQUESTED),
        (ended(code=None, signal=9), "started overdue intended", ExitReason.OVERDUE),
        (ended(code=None, signal=11), "started asked", ExitReason.CRASHED),
        (ended(words=TERMINATED), "started intended", ExitReason.REQUESTED),
        (ended(code=None, signal=9), "started", ExitReason.KILLED),
        (ended(code=None, signal=9), "started intended", ExitReason.REQUESTED),
        (ended(code=None, signal=11), "started", ExitReason.CRASHED),
        (ended(code=None, signal=6), "started intended", ExitReason.CRASHED),
        (ended(code=None, signal=31), "", ExitReason.CRASHED),
        (ended(code=1, words="no"), "started", ExitReason.CRASHED),
        (ended(code=1, words="no"), "", ExitReason.START_FAILED),
        (ended(code=0), "", ExitReason.START_FAILED),
        (ended(reason="unknown"), "started rebooted", ExitReason.UNKNOWN),
        (None, "started", ExitReason.UNKNOWN),
        (None, "started rebooted", ExitReason.HOST_REBOOTED),
        (None, "started intended", ExitReason.REQUESTED),
        (None, "started asked", ExitReason.UNKNOWN),
        (None, "started overdue intended", ExitReason.OVERDUE),
    ],
)
def test_reasons(record: dict[str, Any] | None, flags: str, reason: ExitReason) -> None:
    how = classify(
        record,
        wish=Wish("intended" in flags, "asked" in flags, 30.0 if "overdue" in flags else None),
        started="started" in flags,
        rebooted="rebooted" in flags,
    )
    assert how.reason is reason
    assert how.when == (5.0 if record else None)
    assert ("within 30 s" in how.text) is (reason is ExitReason.OVERDUE)


def test_the_signal_is_read_from_the_words() -> None:
    how = classify(ended(words=TERMINATED), wish=Wish(), started=True, rebooted=False)
    assert how.signal == signal.SIGTERM


@pytest.mark.parametrize("reason", list(ExitReason))
def test_states(reason: ExitReason) -> None:
    how = classify(ended(reason=reason), wish=Wish(), started=True, rebooted=False)
    crashed = reason in (ExitReason.CRASHED, ExitReason.KILLED)
    assert state_after(how) is (PowerState.CRASHED if crashed else PowerState.STOPPED)


def test_last_words() -> None:
    text = (
        "qemu-system-x86_64: warning: TCG doesn't support requested feature: CPUID.01H\n"
        "sent tapfd=5 for tap0\n"
        "qemu-system-x86_64: -kernel x: invalid kernel header\n\n"
    )
    assert last_words(text) == "-kernel x: invalid kernel header"
    assert last_words("a\nb\n") == "a / b"
    assert last_words("") == ""


def test_many_words_are_cut_in_front() -> None:
    words = last_words("x" * 5000 + "end")
    assert len(words) == MAX_WORDS
    assert words.startswith("…")
    assert words.endswith("end")
