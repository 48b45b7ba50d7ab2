"""Tasks have an owner."""

import asyncio
import logging

import pytest

from webvdi.base.tasks import TaskOwner


async def test_close_ends_every_task() -> None:
    ended = []

    async def forever(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    async with TaskOwner("test") as tasks:
        for number in range(3):
            tasks.start(forever(number), name=str(number))
        await asyncio.sleep(0)
    assert sorted(ended) == [0, 1, 2]


async def test_a_failure_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("a bug")

    async with TaskOwner("test") as tasks:
        with caplog.at_level(logging.ERROR):
            await asyncio.wait([tasks.start(fails(), name="bad")])
        await asyncio.sleep(0)
    assert "test/bad failed" in caplog.text
