"""Goals, by figures that were written to a file and read again."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.goals import Verdict, goals_table, verdicts
from benchmarks.recorded import Recorded, read, read_files
from benchmarks.report import JsonLines
from benchmarks.runs import Rest, Run
from benchmarks.usage import Memory, Share
from benchmarks.workloads.fanout import Cost
from benchmarks.workloads.sessions import State
from benchmarks.workloads.typing import Block

RUN = Run(
    peer="webvdi",
    scene="scroll",
    link="lan",
    round=1,
    seconds=4.0,
    painted=240,
    shown=200,
    ages_ms=[10.0, 20.0, 30.0],
    looks=200,
    torn=0,
    received_bytes=200_000,
    received_in_all=300_000,
    gateway_cpu_s=0.5,
    server_cpu_s=0.5,
    browser_cpu_s=2.0,
    rest=Rest(0.2, 0.5, 1000, 0, 0),
    load=1.0,
)
NOVNC = replace(
    RUN, peer="noVNC", shown=40, received_bytes=4_000_000, rest=Rest(None, 0.5, 9, 9, 5)
)
COST = Cost("webvdi", 1, 1, 8.0, 100.0, 1e6, 1.0, 1.0, 200.0, 1.0)


def block(peer: str, ms: float) -> Block:
    return Block(peer, 1, [ms], [ms], [ms], 1.0, 1.0, 1.0, 1.0)


def state(situation: str, percent: float) -> State:
    memory = Memory(1.0, 2.0)
    return State(situation, memory, memory, [Share(percent, 1.0)], 1.0)


def met(found: Sequence[Verdict]) -> dict[str, bool]:
    return {verdict.what: verdict.met for verdict in found}


def test_frames_and_bytes_are_compared_with_novnc() -> None:
    assert met(verdicts(Recorded(runs=[RUN, NOVNC]))) == {
        "scroll, lan: shown fps": True,
        "scroll, lan: kB a frame": True,
        "scroll, lan: gateway and VNC server, ms a frame": True,
        "scroll, lan: age p95 ms": True,
        "scroll, lan: exact after s": True,
    }
    worse = replace(RUN, shown=90, ages_ms=[152.0], rest=Rest(None, 0.5, 9, 9, 5))
    assert met(verdicts(Recorded(runs=[worse, NOVNC]))) == {
        "scroll, lan: shown fps": False,
        "scroll, lan: kB a frame": True,
        "scroll, lan: gateway and VNC server, ms a frame": True,
        "scroll, lan: age p95 ms": False,
        "scroll, lan: exact after s": False,
    }


def test_medians_decide() -> None:
    runs = [replace(RUN, round=n, shown=shown) for n, shown in ((1, 10), (2, 101), (3, 200))]
    verdict = verdicts(Recorded(runs=[*runs, NOVNC]))[0]
    assert verdict.row == ["scroll, lan: shown fps", "25.2", "10", "2.52", "≥ 2.5 ×", "yes"]


def test_all_bytes_of_the_office() -> None:
    office = [replace(run, scene="office") for run in (RUN, NOVNC)]
    assert met(verdicts(Recorded(runs=office)))["office, lan: kB in all"] is False


def test_keys_may_take_3_ms_more_and_a_third_under_load() -> None:
    quiet = {("lan", ""): [block("webvdi", 15), block("noVNC", 12)]}
    moving = {("lan", "scroll"): [block("webvdi", 70), block("noVNC", 200)]}
    assert met(verdicts(Recorded(blocks=quiet | moving))) == {
        "key to pixel, lan, p50 ms": True,
        "key to pixel, lan, p95 ms": False,
        "key to pixel under scroll, lan, p50 ms": True,
        "key to pixel under scroll, lan, p95 ms": True,
    }


def test_the_server_alone() -> None:
    many = replace(COST, viewers=16, gateway_cpu_s=5.1)
    found = verdicts(Recorded(costs=[COST, many], states=[state("1 viewer at rest", 0.3)]))
    assert [verdict.met for verdict in found] == [False, False]
    assert verdicts(Recorded(costs=[COST])) == []


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "figures.jsonl")
    lines.write("facts", {"machine": "this"})
    lines.write("run", asdict(RUN))
    lines.write("block", {"link": "lan", "under": "", **asdict(block("webvdi", 1.5))})
    lines.write("fanout", asdict(COST))
    lines.write("state", asdict(state("1 viewer at rest", 0.1)))
    recorded = read_files([tmp_path / "figures.jsonl"])
    assert recorded.facts == [{"machine": "this"}]
    assert recorded.runs == [RUN]
    assert recorded.blocks == {("lan", ""): [block("webvdi", 1.5)]}
    assert recorded.costs == [COST]
    assert recorded.states == [state("1 viewer at rest", 0.1)]


def test_lines_of_other_workloads_are_passed_over() -> None:
    assert read([json.dumps({"kind": "window", "cpu": 1})]) == Recorded()


def test_a_table_of_goals() -> None:
    table = goals_table([Verdict("a", 1234.5, None, "≤ 2", False), Verdict("b", 1, 2, "x", True)])
    assert table.splitlines()[2:] == [
        "| a | 1234 |  |  | ≤ 2 | **no** |",
        "| b | 1 | 2 | 0.5 | x | yes |",
    ]
