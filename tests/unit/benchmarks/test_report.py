"""Tables and JSON lines."""

import json
from pathlib import Path

import pytest

from benchmarks.report import JsonLines, markdown_table, spread
from benchmarks.samples import Spread


def test_a_table() -> None:
    table = markdown_table(("who", "ms", "bytes"), [["a", "1.0", "7"], ["b", "2.5", "80"]])
    assert table.splitlines() == [
        "| who | ms | bytes |",
        "| --- | ---: | ---: |",
        "| a | 1.0 | 7 |",
        "| b | 2.5 | 80 |",
    ]


def test_a_row_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="another number of columns"):
        markdown_table(("who", "ms"), [["a"]])


def test_a_spread() -> None:
    assert spread(Spread(12.34, 10, 20.06)) == "12.3 (10.0–20.1)"
    assert spread(Spread(79.6, 79, 80), 0) == "80 (79–80)"


def test_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "figures.jsonl"
    file.write_text("from an earlier run")
    lines = JsonLines(file)
    lines.write("facts", {"cores": 2})
    lines.write("block", {"peer": "a"})
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert written == [{"kind": "facts", "cores": 2}, {"kind": "block", "peer": "a"}]


def test_without_a_path_nothing_is_written() -> None:
    JsonLines(None).write("facts", {})
