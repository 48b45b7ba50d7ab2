"""The memory of logins that were ended is bounded, and never refuses one more."""

import pytest

from webvdi.access import ended
from webvdi.access.ended import Ended


def test_expired_entries_are_forgotten_in_whatever_order_they_came() -> None:
    memory = Ended({"late": 9.0, "soon": 5.0})
    memory.add("new", expires=8, now=6)
    assert memory.remembered() == {"late": 9, "new": 8}


def test_a_full_memory_forgets_what_ends_soonest_but_never_the_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ended, "MAX_ENDED", 2)
    memory = Ended({"late": 9.0, "soon": 5.0})
    memory.add("sooner still", expires=4, now=0)
    assert memory.remembered() == {"late": 9, "sooner still": 4}


def test_a_repeat_changes_nothing() -> None:
    memory = Ended({"a": 9.0})
    memory.add("a", expires=10, now=0)
    assert "a" in memory
    assert memory.remembered() == {"a": 9}
