"""The figures and tables of the moving workloads."""

from dataclasses import replace

import pytest

from benchmarks.moving_report import HEAD, table
from benchmarks.runs import Rest, Run
from benchmarks.workloads import moving
from benchmarks.workloads.moving import turns

REST = Rest(0.2, 0.5, 1000, 0, 0)
RUN = Run(
    peer="ours",
    scene="scroll",
    link="lan",
    round=1,
    seconds=4.0,
    painted=240,
    shown=100,
    ages_ms=[10.0, 20.0, 30.0],
    looks=200,
    torn=20,
    received_bytes=500_000,
    received_in_all=600_000,
    gateway_cpu_s=1.0,
    server_cpu_s=0.5,
    browser_cpu_s=2.0,
    rest=REST,
    load=1.0,
)


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_figures_of_a_run() -> None:
    assert (RUN.fps, RUN.bytes_per_frame, RUN.mbit) == (25.0, 5000.0, 1.0)
    assert RUN.server_side_ms == 15.0
    assert RUN.cpu_ms(RUN.browser_cpu_s) == 20.0


def test_medians_of_rounds_with_their_spread() -> None:
    runs = [replace(RUN, round=n, shown=shown) for n, shown in ((1, 100), (2, 120), (3, 80))]
    head, _, row = cells(table(runs))
    assert head == list(HEAD)
    assert row[:5] == [
        "scroll, lan",
        "ours",
        "25.0 (20.0–30.0)",
        "20 (20–20)",
        "29 (29–29)",
    ]
    assert row[-4:] == ["0.20 (0.20–0.20)", "0.50 (0.50–0.50)", "0 (0–0)", "10 (10–10)"]


def test_peers_and_links_have_rows_of_their_own() -> None:
    theirs = replace(RUN, peer="theirs", ages_ms=[], shown=0, rest=replace(REST, exact_s=None))
    far = replace(RUN, link="80ms")
    rows = cells(table([RUN, theirs, far]))[2:]
    assert [row[:2] for row in rows] == [
        ["scroll, lan", "ours"],
        ["", "theirs"],
        ["scroll, 80ms", "ours"],
    ]
    assert rows[1][3] == "none seen"
    assert rows[1][-4] == "never"


def test_a_picture_that_was_exact_in_some_rounds() -> None:
    never = replace(RUN, round=2, rest=replace(REST, exact_s=None))
    assert cells(table([RUN, never]))[2][-4] == "1 of 2 rounds"


def test_one_round_has_no_spread() -> None:
    assert cells(table([RUN]))[2][2:4] == ["25.0", "20"]


def test_a_run_in_a_line() -> None:
    assert str(RUN) == (
        "scroll, lan, ours: 25.0 fps of 60, age 20/29 ms, 5.0 kB a frame, 1.0 Mbit/s, exact 0.20 s "
        "(allowed 0.50), torn 20/200, load 1.0"
    )
    assert "age -" in str(replace(RUN, ages_ms=[]))


def test_peers_change_their_order_with_each_round() -> None:
    assert [turns("ab", number) for number in (1, 2, 3)] == [["a", "b"], ["b", "a"], ["a", "b"]]
    assert turns("abc", 2) == ["c", "b", "a"]


class Clock:
    """Stands still but for sleeps; also a page whose looks are known."""

    def __init__(self, looks: list[tuple[float, str]]) -> None:
        self.now = 0.0
        self._looks = looks

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def digests(self) -> list[tuple[float, str]]:
        return [(1000 * at, digest) for at, digest in self._looks if at <= self.now]


def about(seconds: float) -> object:
    """To a look more or less."""
    return pytest.approx(seconds, abs=0.11)


def exact_at(
    monkeypatch: pytest.MonkeyPatch, looks: list[tuple[float, str]], still_s: float = 1e9
) -> tuple[float | None, float]:
    """When it was exact, and how long it was waited for, at most 3 s."""
    clock = Clock(looks)
    monkeypatch.setattr(moving, "time", clock)
    return moving.until_exact(clock, "wanted", 3.0, still_s), clock.now


def test_an_exact_picture_must_stay_exact_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exact_at(monkeypatch, [(0, "wanted")]) == (0, about(0.4))
    looks = [(0.0, "x"), (0.2, "wanted"), (0.4, "x"), (0.5, "wanted"), (0.6, "wanted")]
    assert exact_at(monkeypatch, looks) == (0.5, about(0.9))


def test_what_never_becomes_exact_is_waited_for_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exact_at(monkeypatch, [(0, "x"), (2, "y")]) == (None, about(3.05))
    assert exact_at(monkeypatch, [(0, "x"), (2.9, "wanted")]) == (2.9, about(3.05))


def test_nothing_is_waited_for_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    found, waited = exact_at(monkeypatch, [(0, "x"), (0.5, "x")], still_s=1.0)
    assert (found, waited) == (None, about(1.55))
