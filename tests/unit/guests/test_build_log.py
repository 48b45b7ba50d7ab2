import os
from pathlib import Path

from webvdi.guests.build_log import BuildLog


def test_commands_and_their_ends_are_kept(tmp_path: Path) -> None:
    times = iter([10.0, 10.5, 11.0, 11.0, 11.0])
    log = BuildLog(tmp_path / "logs" / "tiny.log", clock=lambda: next(times))
    result = log.run(["sh", "-c", "echo out; echo oops >&2; exit 3"], env=dict(os.environ))
    log.close()
    assert (result.returncode, result.stdout) == (3, "out\n")
    assert log.path.read_text().splitlines() == [
        "[   0.50] $ sh -c echo out; echo oops >&2; exit 3",
        "[   1.00] oops",
        "[   1.00] ! exit status 3",
    ]


def test_lines_are_there_at_once(tmp_path: Path) -> None:
    log = BuildLog(tmp_path / "tiny.log", clock=lambda: 0.0)
    log.line("= begun\n")
    assert log.path.read_text() == "[   0.00] = begun\n"
    log.close()
