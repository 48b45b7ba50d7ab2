"""From windows to the table."""

from pathlib import Path

from benchmarks.usage import Memory, Share
from benchmarks.workloads.idle import Window, desktops, table


def window(kind: str, number: int, cpu: float, *, processes: int = 1, at: str = "quiet") -> Window:
    """One kind's figures, its memory as large as its cpu."""
    memory = Memory(pss=10 * cpu, rss=20 * cpu)
    return Window(at, kind, number, processes, Share(cpu, 2 * cpu), memory, 0.5)


def test_a_row_for_each_kind_and_one_for_the_service() -> None:
    windows = [
        *(window("web", number, cpu) for number, cpu in ((1, 3.0), (2, 1.0), (3, 2.0))),
        *(window("supervisor", number, 1.0) for number in (1, 2, 3)),
    ]
    assert table(windows).splitlines()[2:] == [
        "| quiet | supervisor | 1.00 (1.00–1.00) | 2.0 (2.0–2.0) | 10 (10–10) | 20 (20–20) |",
        "|  | web | 2.00 (1.00–3.00) | 4.0 (2.0–6.0) | 20 (10–30) | 40 (20–60) |",
        "|  | **the service** | 3.00 (2.00–4.00) | 6.0 (4.0–8.0) | 30 (20–40) | 60 (40–80) |",
    ]


def test_machines_processes_are_shown_and_not_the_services() -> None:
    lines = table(
        [window("web", 1, 1.0), window("QEMU", 1, 50.0, processes=4), window("shepherds", 1, 2.0)]
    ).splitlines()
    assert [line.split(" | ")[1] for line in lines[2:]] == [
        "web",
        "shepherds",
        "QEMU × 4",
        "**the service**",
    ]
    assert lines[-1].split(" | ")[2] == "1.00 (1.00–1.00)"


def test_situations_keep_their_order() -> None:
    lines = table([window("web", 1, 1.0, at="z"), window("web", 1, 1.0, at="a")]).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| z", "| ", "| a", "| "]


def test_desktops_that_are_up(tmp_path: Path) -> None:
    for name, said in (("one", "…\nwebvdi-guest: desktop ready\n"), ("two", "booting")):
        (tmp_path / "machines" / name).mkdir(parents=True)
        (tmp_path / "machines" / name / "serial.log").write_text(said)
    assert desktops(tmp_path) == 1
