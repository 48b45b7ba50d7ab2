"""Operations: waited for, asked, forgotten."""

import pytest

from webvdi.vmm.errors import LaunchFailed
from webvdi.vmm.machine import MachineId
from webvdi.vmm.operation import Operation, OperationState, Verb


def operation() -> Operation:
    return Operation(Verb.START, MachineId("m"))


async def test_success() -> None:
    it = operation()
    assert it.pending
    it.succeed()
    await it.wait()
    assert it.state is OperationState.DONE
    assert it.error is None
    assert not it.idle


async def test_that_there_was_nothing_to_do_is_told_by_the_first_outcome() -> None:
    it = operation()
    it.succeed(idle=True)
    it.succeed()
    assert it.idle


async def test_failure_is_raised_at_every_wait() -> None:
    it = operation()
    it.fail(LaunchFailed("no"))
    for _ in range(2):
        with pytest.raises(LaunchFailed, match="no"):
            await it.wait()
    assert it.state is OperationState.FAILED


async def test_only_the_first_outcome_counts() -> None:
    it = operation()
    it.fail(LaunchFailed("first"))
    it.succeed()
    it.fail(LaunchFailed("second"))
    with pytest.raises(LaunchFailed, match="first"):
        await it.wait()


async def test_a_wait_that_gives_up_leaves_it_going() -> None:
    it = operation()
    with pytest.raises(TimeoutError):
        await it.wait(0)
    assert it.pending
    it.succeed()
    await it.wait(0)
