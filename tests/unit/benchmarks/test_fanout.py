"""The tables of the workloads without a page."""

from benchmarks.usage import Memory, Share
from benchmarks.workloads import fanout, sessions
from benchmarks.workloads.fanout import Cost
from benchmarks.workloads.sessions import State


def cost(viewers: int, number: int, gateway_s: float) -> Cost:
    return Cost("ours", viewers, number, 10.0, 100.0, 2e5, gateway_s, 0.5, 200.0, 1.0)


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_crowds_are_put_beside_the_smallest() -> None:
    costs = [cost(1, 1, 0.5), cost(16, 1, 2.5), cost(1, 2, 0.5), cost(16, 2, 2.5)]
    one, many = cells(fanout.table(costs))[2:]
    assert one[:3] == ["ours", "1", "10.0 (10.0–10.0)"]
    assert one[3:8] == ["2.0 (2.0–2.0)", "5 (5–5)", "5 (5–5)", "10.0 (10.0–10.0)", "1.00 ×"]
    assert many[6:8] == ["30.0 (30.0–30.0)", "3.00 ×"]


def test_what_a_session_and_a_viewer_take() -> None:
    sizes = {"nobody has looked yet": 100.0, "1 viewer at rest": 160.0, "16 viewers at rest": 190.0}
    states = [State(name, Memory(size, 0), Memory(0, 0), [], 1.0) for name, size in sizes.items()]
    assert sessions.table(states).splitlines()[-3:] == [
        "A session with its first viewer: 60.0 MiB.",
        "",
        "Each further viewer: 2.00 MiB.",
    ]


def test_situations_with_and_without_windows() -> None:
    memory, workers = Memory(200.0, 300.0), Memory(50.0, 60.0)
    shares = [Share(0.1, 1.0), Share(0.2, 2.0), Share(0.3, 3.0)]
    states = [State("rest", memory, workers, shares, 1.0), State("moves", memory, workers, [], 2.0)]
    rows = cells(sessions.table(states))[2:]
    assert rows == [
        ["rest", "0.20 (0.10–0.30)", "2.0 (1.0–3.0)", "200.0", "50.0", "1.0"],
        ["moves", "", "", "200.0", "50.0", "2.0"],
    ]
