"""What a Managed Server remembers of its sessions."""

import json
from pathlib import Path

import pytest

from webvdi.managed.book import Book, SessionRecord


def test_records_outlive_the_process_and_passwords_do_not(tmp_path: Path) -> None:
    memory = tmp_path / "sessions.json"
    book = Book(memory)
    book.put(SessionRecord("a", "A", "unix:/a", "1", password="secret"))
    book.put(SessionRecord("b", "B", "unix:/b", "1"))
    book.drop("b")
    assert "secret" not in memory.read_text()
    again = Book(memory)
    assert [record.name for record in again] == ["a"]
    assert again.get("a") == SessionRecord("a", "A", "unix:/a", "1")
    assert not again.drop("b")


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "a", "unknown": 1}]', "null"])
def test_a_damaged_memory_is_begun_anew(tmp_path: Path, text: str) -> None:
    memory = tmp_path / "sessions.json"
    memory.write_text(text)
    book = Book(memory)
    assert list(book) == []
    book.put(SessionRecord("a", "A", "unix:/a", "1"))
    assert json.loads(memory.read_text())[0]["name"] == "a"


def test_a_memory_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    book = Book(tmp_path / "nowhere" / "sessions.json")
    book.put(SessionRecord("a", "A", "unix:/a", "1"))
    assert book.get("a") is not None
