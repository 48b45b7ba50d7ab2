"""The workload of the core runs, and says what it should of each case."""

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.workloads import core


def test_all_cases_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    core.options(parser)
    figures = tmp_path / "figures.jsonl"
    options = ["--size", "640x400", "--turns", "2", "--viewers", "1,3", "--json", str(figures)]
    core.run(parser.parse_args(options))
    lines = [json.loads(line) for line in figures.read_text().splitlines()]
    cases = {(line["case"], line["viewers"]): line for line in lines if line["kind"] == "core"}
    letter = cases["typed letter", 3]
    assert letter["updates"] == 1
    assert letter["update_bytes"] < 2000
    assert letter["encoders_ms"] == 0
    assert all(line["core_ms"] > 0 for line in cases.values())
    assert "| typed letter |" in capsys.readouterr().out
