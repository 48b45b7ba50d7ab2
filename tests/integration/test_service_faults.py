"""kill -9 at every point of the broker's use cases, and the next process finds all sound."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.service_faults import SCENARIOS, qemus

TESTS = Path(__file__).parents[1]
FAKE = [name for name in SCENARIOS if not name.startswith("real-")]
# Of the real engine a handful in the fast profile, all points in the deep one.
REAL = [("real-create", (12, 13, 14, 16)), ("real-stop", (0, 1, 2)), ("real-delete", (2, 3, 4, 6))]


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A directory with a short name: socket paths have at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="wvf-") as name:
        yield Path(name)


def killed(engine: str, scenario: str, root: Path, points: tuple[int, ...] = ()) -> list[str]:
    """Kill the scenario at *points*, or everywhere; where it was killed."""
    path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    command = [sys.executable, "-m", "support.service_faults", engine, scenario, str(root)]
    result = subprocess.run(
        [*command, *map(str, points)],
        capture_output=True,
        text=True,
        timeout=280 if points or engine == "fake" else 1800,
        env=os.environ | {"PYTHONPATH": path},
    )
    outcomes = [json.loads(line) for line in result.stdout.splitlines()]
    assert outcomes, result.stderr
    last = outcomes[-1]
    assert last["outcome"] in ("ok", "past the end"), f"{last['where']}: {last['outcome']}"
    assert result.returncode == 0, result.stderr
    return [outcome["where"] for outcome in outcomes if outcome["outcome"] == "ok"]


@pytest.mark.parametrize("scenario", FAKE)
def test_no_point_of_death_leaves_anything_behind(scenario: str, tmp_path: Path) -> None:
    where = killed("fake", scenario, tmp_path)
    assert len(where) >= 4, where


@pytest.mark.qemu
@pytest.mark.parametrize(("scenario", "points"), REAL)
def test_real_machines_neither(scenario: str, points: tuple[int, ...], short_tmp: Path) -> None:
    where = killed("real", scenario, short_tmp, points)
    assert len(where) == len(points), where
    assert qemus(short_tmp) == []


@pytest.mark.qemu
@pytest.mark.deep
@pytest.mark.timeout(2000)
@pytest.mark.parametrize("scenario", [name for name, _ in REAL])
def test_real_machines_at_every_point(scenario: str, short_tmp: Path) -> None:
    killed("real", scenario, short_tmp)
    assert qemus(short_tmp) == []
