"""The tables of the typing workload."""

from benchmarks.workloads.typing import Block, comparison, stage_table


def block(peer: str, number: int, ms: float) -> Block:
    return Block(
        peer=peer,
        round=number,
        latencies_ms=[ms, ms + 2],
        drawn_ms=[ms - 1, ms + 1],
        felt_ms=[ms, ms + 4],
        received_bytes=10 * number,
        sent_bytes=31,
        gateway_cpu_ms=1.5,
        server_cpu_ms=0.5,
    )


def test_peers_are_compared_by_the_median_of_their_rounds() -> None:
    blocks = [
        *(block("ours", 1, ms) for ms in (10, 12)),
        block("theirs", 1, 30),
        block("ours", 2, 20),
        block("ours", 3, 40),
    ]
    rows = [[cell.strip() for cell in row.split("|")] for row in comparison(blocks).splitlines()]
    ours, theirs = rows[2], rows[3]
    assert ours[1:4] == ["ours", "8", "21.0 (12.0–41.0)"]
    assert ours[5:7] == ["21.0 (12.0–41.0)", "20.0 (11.0–40.0)"]
    assert ours[8:9] == ["22.0 (13.0–42.0)"]
    assert ours[10:] == ["20 (10–30)", "31 (31–31)", "1.50 (1.50–1.50)", "0.50 (0.50–0.50)", ""]
    assert theirs[1:4] == ["theirs", "2", "31.0 (31.0–31.0)"]


def test_stages_end_with_their_sum() -> None:
    table = stage_table("ours", [{"there": 1.0, "back": 2.0}, {"there": 3.0, "back": 6.0}])
    assert table.splitlines()[2:] == [
        "| there | 2.00 | 2.00 | 2.90 |",
        "| back | 4.00 | 4.00 | 5.80 |",
        "| **all** | 6.00 | 6.00 | 8.70 |",
    ]
