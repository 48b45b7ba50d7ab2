"""The table of verbs and states: every pair has an answer."""

import pytest

from webvdi.base.errors import StateError
from webvdi.vmm.machine import PowerState
from webvdi.vmm.operation import Verb
from webvdi.vmm.rules import OFF, to_do


def refusal(verb: Verb, state: PowerState) -> StateError | None:
    try:
        to_do(verb, state, "m")
    except StateError as error:
        return error
    return None


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("state", list(PowerState))
def test_a_refusal_names_states_in_which_the_verb_has_something_to_do(
    verb: Verb, state: PowerState
) -> None:
    refused = refusal(verb, state)
    if refused is not None:
        assert refused.state == state
        required = [PowerState(word) for word in refused.required.split(" or ")]
        assert state not in required
        assert all(to_do(verb, other, "m") for other in required)


@pytest.mark.parametrize("state", list(PowerState))
def test_there_is_always_a_way_out(state: PowerState) -> None:
    assert to_do(Verb.DELETE, state, "m")
    assert to_do(Verb.KILL, state, "m") is (state not in OFF)


def test_some_pairs() -> None:
    assert to_do(Verb.START, PowerState.CRASHED, "m")
    assert not to_do(Verb.START, PowerState.RUNNING, "m")
    assert not to_do(Verb.PAUSE, PowerState.PAUSED, "m")
    with pytest.raises(StateError, match="cannot start the machine 'm'"):
        to_do(Verb.START, PowerState.PAUSED, "m")
