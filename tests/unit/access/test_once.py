"""The memory of used things is bounded and forgets what has expired."""

from webvdi.access import once
from webvdi.access.once import Once


def test_expired_entries_are_forgotten() -> None:
    memory = Once()
    assert memory.use("a", expires=5, now=0)
    assert memory.use("b", expires=9, now=6)
    assert memory.remembered() == {"b": 9}


def test_a_full_memory_refuses(monkeypatch: object) -> None:
    memory = Once({str(n): 100.0 for n in range(once.MAX_REMEMBERED)})
    assert not memory.use("one more", expires=100, now=0)
