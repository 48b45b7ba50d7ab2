"""Rights that end: on time, at once, also for those who are away."""

import asyncio
import time

from webvdi.managed.messages import ViewerId
from webvdi.managed.rights import EXPIRED, MAX_BARRED, REVOKED, Rights

ONE, TWO, THREE = ViewerId(1), ViewerId(2), ViewerId(3)


class Door:
    """Rights, a clock on the wall that is set by hand, and who was shown out."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.out: list[tuple[ViewerId, str]] = []
        self.rights = Rights(lambda viewer, why: self.out.append((viewer, why)), lambda: self.time)


async def test_a_revoked_share_takes_its_viewers_and_no_others() -> None:
    door = Door()
    door.rights.enter(ONE, "k1", "s", 0)
    door.rights.enter(TWO, "k2", "t", 0)
    door.rights.enter(THREE, "k3", "s", 0)
    door.rights.revoke("s")
    door.rights.revoke("s")
    assert door.out == [(ONE, REVOKED), (THREE, REVOKED)]
    assert [door.rights.words_for(key) for key in ("k1", "k2", "k3")] == [REVOKED, None, REVOKED]


async def test_access_ends_by_the_clock_on_the_wall_however_it_is_set() -> None:
    door = Door()
    door.rights.enter(ONE, "k1", "s", 1010.0)
    door.rights.enter(TWO, "k2", "", 0)
    door.time = 1009.9
    door.rights.check()
    assert door.out == []
    door.time = 5000.0  # the host slept
    door.rights.check()
    assert door.out == [(ONE, EXPIRED)]
    assert door.rights.words_for("k1") == EXPIRED
    door.rights.close()


async def test_it_is_looked_at_by_itself() -> None:
    gone = asyncio.Event()
    rights = Rights(lambda *_: gone.set())
    rights.enter(ONE, "k", "", time.time() + 0.05)
    async with asyncio.timeout(5):
        await gone.wait()


async def test_who_will_not_come_back_is_not_kept() -> None:
    door = Door()
    door.rights.enter(ONE, "k1", "s", 1010.0)
    door.rights.forget(ONE)
    door.time = 2000.0
    door.rights.check()
    door.rights.revoke("s")
    assert door.out == []


async def test_what_is_remembered_of_ended_access_is_bounded() -> None:
    door = Door()
    for number in range(MAX_BARRED + 1):
        door.rights.enter(ViewerId(number), f"k{number}", "s", 0)
    door.rights.revoke("s")
    assert door.rights.words_for("k0") is None
    assert door.rights.words_for(f"k{MAX_BARRED}") == REVOKED
