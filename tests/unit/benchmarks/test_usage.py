"""What the kernel's texts say, and who the router's children are."""

import os

import pytest

from benchmarks.usage import (
    Count,
    Memory,
    Share,
    count_of,
    memory_of,
    named_workers,
    parse_rollup,
    parse_wake_ups,
    share,
)

ROLLUP = """\
55d0c0a00000-7ffd1c9fe000 ---p 00000000 00:00 0                          [rollup]
Rss:               40960 kB
Pss:               20480 kB
Pss_Dirty:          9216 kB
Shared_Clean:      12288 kB
"""


def test_memory_of_a_process() -> None:
    assert parse_rollup(ROLLUP) == Memory(pss=20.0, rss=40.0)


def test_memory_of_a_process_that_has_just_ended() -> None:
    with pytest.raises(ValueError, match="no Rss and Pss"):
        parse_rollup("")


def test_memory_adds_up() -> None:
    assert Memory(1, 2) + Memory(3, 5) == Memory(4, 7)


def test_memory_of_this_process_and_one_that_is_not_there() -> None:
    memory = memory_of([os.getpid(), 2**22 + 1])
    assert 1 < memory.pss <= memory.rss


def test_wake_ups() -> None:
    status = "Name:\tx\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n"
    assert parse_wake_ups(status) == 150
    assert parse_wake_ups("") == 0


def test_a_window() -> None:
    assert share(Count(10.0, 100), Count(10.5, 400), 100.0) == Share(0.5, 3.0)


def test_a_thread_that_ended_takes_its_count_along() -> None:
    assert share(Count(10.0, 100), Count(9.0, 50), 10.0) == Share(0.0, 0.0)


def test_what_this_process_took() -> None:
    count = count_of([os.getpid()])
    assert count.cpu_s > 0
    assert count.wake_ups >= 0


def test_the_first_worker_is_the_spare() -> None:
    assert named_workers({}, [10]) == {10: "spare"}


def test_a_lookout_comes_beside_the_spare_and_goes() -> None:
    looked = named_workers({10: "spare"}, [10, 11])
    assert looked == {10: "spare", 11: "lookout"}
    assert named_workers(looked, [10]) == {10: "spare"}


def test_a_session_takes_the_spare() -> None:
    assert named_workers({10: "spare"}, [10, 11], hired=True) == {
        10: "session worker",
        11: "spare",
    }
    assert named_workers({10: "spare", 11: "lookout"}, [10, 11, 12], hired=True) == {
        10: "session worker",
        11: "lookout",
        12: "spare",
    }


def test_all_newcomers() -> None:
    assert named_workers({}, [10, 11]) == {11: "spare", 10: "lookout"}
