"""The way of a keystroke is put together from notes of many places."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.stages import (
    STAGES,
    Incomplete,
    Logs,
    Note,
    durations,
    journey,
    parse_painter,
    parse_tap,
)

DOWN, SHOWN = 1000.0, 1030.0

PAGE = [
    Note(990, "received", 80),
    Note(990, "drawn"),
    Note(1001, "sent", 12),
    Note(1004, "received", 5),  # an acknowledgement of the input
    Note(1020, "received", 100),
    Note(1021, "drawn"),
    Note(1022, "drawn"),
    Note(1024, "received", 9),
]
BROWSER = [
    Note(995, "up", 20),
    Note(1002, "up", 20),
    Note(1003.5, "down", 7),
    Note(1019, "down", 102),
]
LINK = [Note(1003, "up", 16), Note(1003.2, "down", 9), Note(1018, "down", 104)]
SERVER = [
    Note(1003.9, "up", 10, 3),  # a request for an update, on its way already
    Note(1004, "up", 12, 255),
    Note(1006.5, "down", 10),
    Note(1016, "down", 700),
]
PAINTER = [(900.0, 900.1), (1005.0, 1006.0)]
OURS = Logs(PAGE, {"browser": BROWSER, "link": LINK, "server": SERVER}, PAINTER)
THEIRS = Logs(PAGE, {"browser": BROWSER, "server": SERVER}, PAINTER)


def milliseconds(logs: Logs) -> list[float]:
    return list(durations(DOWN, journey(DOWN, SHOWN, logs)).values())


def test_every_stage_of_a_keystroke() -> None:
    assert milliseconds(OURS) == [1, 1, 1, 1, 1, 1, 10, 2, 1, 1, 2, 8]
    assert [moment.stage for moment in journey(DOWN, SHOWN, OURS)] == list(STAGES.values())


def test_a_gateway_without_a_link_has_fewer_stages() -> None:
    assert milliseconds(THEIRS) == [1, 1, 2, 1, 1, 10, 3, 1, 2, 8]


def test_the_stages_add_up() -> None:
    assert sum(milliseconds(OURS)) == SHOWN - DOWN


def without(notes: Sequence[Note], what: str) -> list[Note]:
    return [note for note in notes if note.what != what]


@pytest.mark.parametrize(
    "logs",
    [
        replace(OURS, page=without(PAGE, "sent")),
        replace(OURS, page=without(PAGE, "drawn")),
        replace(OURS, page=without(PAGE, "received")),
        replace(OURS, taps={"browser": BROWSER, "server": without(SERVER, "down")}),
        replace(OURS, taps={"browser": BROWSER, "server": SERVER[:1]}),
        replace(OURS, painter=PAINTER[:1]),
        replace(OURS, painter=[(1005.0, 1031.0)]),
    ],
)
def test_a_gap_is_told(logs: Logs) -> None:
    with pytest.raises(Incomplete):
        journey(DOWN, SHOWN, logs)


def test_a_taps_log_is_read_and_put_in_order() -> None:
    lines = ["1.5 down 80 0\n", "1.25 up 8 4\n"]
    assert parse_tap(lines) == [Note(1250, "up", 8, 4), Note(1500, "down", 80, 0)]


def test_the_painters_trace_is_read() -> None:
    assert parse_painter(["1.5 1.75\n"]) == [(1500, 1750)]
