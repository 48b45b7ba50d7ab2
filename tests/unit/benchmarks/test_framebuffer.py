"""The workload of the framebuffer runs, and says what it should of each case."""

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.workloads import framebuffer


def test_all_cases_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    framebuffer.options(parser)
    figures = tmp_path / "figures.jsonl"
    framebuffer.run(
        parser.parse_args(["--size", "640x400", "--turns", "3", "--json", str(figures)])
    )
    lines = [json.loads(line) for line in figures.read_text().splitlines()]
    cases = {line["case"]: line for line in lines if line["kind"] == "frames"}
    for case in ("full scroll", "full scroll, unsteady", "sideways", "pane scroll"):
        assert cases[case]["moves"] == 1
        assert cases[case]["wrong"] < cases[case]["changed"] / 3
    assert cases["film, full"]["moves"] == 0
    assert all(line["commit_ms"] > 0 for line in cases.values())
    assert "| typed letter |" in capsys.readouterr().out
