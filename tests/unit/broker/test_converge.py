"""The one decision about making, repairing and removing: a table, and what it comes to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.broker.converge import Facts, Step, next_step
from webvdi.broker.views import Phase

CREATING = Facts(Phase.CREATING)
READY = Facts(Phase.READY, planned=True, files_complete=True, files_left=True, known=True)

TABLE = [
    # nothing, and strangers
    (Facts(None), None),
    (Facts(None, files_left=True), None),  # files without a record are nobody's to remove
    (Facts(None, known=True), Step.ADOPT),
    # making, cut off at any point
    (CREATING, Step.PLAN),
    (replace(CREATING, files_left=True), Step.PLAN),
    (replace(CREATING, planned=True), Step.MAKE_FILES),
    (replace(CREATING, planned=True, files_left=True), Step.MAKE_FILES),
    (replace(CREATING, planned=True, files_complete=True), Step.REGISTER),
    (replace(CREATING, planned=True, files_complete=True, known=True), Step.SETTLE),
    (replace(CREATING, planned=True, files_complete=True, known=True, start=True), Step.SETTLE),
    # ready
    (READY, None),
    (replace(READY, off=False), None),
    (replace(READY, start=True), Step.START),
    (replace(READY, start=True, off=False), Step.START),  # a repeat, for an engine
    (replace(READY, known=False), Step.REGISTER),
    (replace(READY, files_complete=False), None),  # a lost disk is not made anew, empty
    (replace(READY, known=False, files_complete=False), Step.REGISTER),
    (replace(READY, same_spec=False), Step.REDEFINE),
    (replace(READY, same_spec=False, off=False), Step.YIELD),
    (replace(READY, same_spec=False, start=True), Step.REDEFINE),
    # failed: undone, but for the record
    (Facts(Phase.FAILED), None),
    (Facts(Phase.FAILED, planned=True, files_left=True), Step.REMOVE_FILES),
    (Facts(Phase.FAILED, planned=True, files_left=True, known=True), Step.UNREGISTER),
    # deleting: the engine first, the record last
    (replace(READY, phase=Phase.DELETING), Step.UNREGISTER),
    (replace(READY, phase=Phase.DELETING, off=False), Step.UNREGISTER),
    (replace(READY, phase=Phase.DELETING, known=False), Step.REMOVE_FILES),
    (replace(READY, phase=Phase.DELETING, known=False, files_left=False), Step.FORGET),
    (Facts(Phase.DELETING), Step.FORGET),
]


@pytest.mark.parametrize(("facts", "step"), TABLE)
def test_the_table(facts: Facts, step: Step | None) -> None:
    assert next_step(facts) is step


EFFECTS: dict[Step, dict[str, object]] = {
    Step.PLAN: {"planned": True},
    Step.MAKE_FILES: {"files_complete": True, "files_left": True},
    Step.REGISTER: {"known": True, "same_spec": True, "off": True},
    Step.SETTLE: {"phase": Phase.READY},
    Step.START: {"off": False, "start": False},
    Step.REDEFINE: {"same_spec": True},
    Step.YIELD: {"same_spec": True},
    Step.UNREGISTER: {"known": False, "same_spec": True, "off": True},
    Step.REMOVE_FILES: {"files_left": False, "files_complete": False},
    Step.FORGET: {"phase": None},
    Step.ADOPT: {"phase": Phase.READY, "planned": True, "same_spec": True, "start": False},
}


any_facts = st.builds(
    Facts,
    phase=st.sampled_from([None, *Phase]),
    planned=st.booleans(),
    files_complete=st.booleans(),
    files_left=st.booleans(),
    known=st.booleans(),
    same_spec=st.booleans(),
    off=st.booleans(),
    start=st.booleans(),
)


@given(any_facts)
def test_every_world_comes_to_rest_where_its_record_wants_it(facts: Facts) -> None:
    began = facts.phase
    for _ in range(len(Step)):
        step = next_step(facts)
        if step is None:
            break
        facts = replace(facts, **EFFECTS[step])  # type: ignore[arg-type]
    assert next_step(facts) is None
    match began:
        case Phase.CREATING | Phase.READY:
            assert (facts.phase, facts.known, facts.same_spec) == (Phase.READY, True, True)
            assert not facts.start
        case Phase.FAILED:
            assert (facts.phase, facts.known, facts.files_left) == (Phase.FAILED, False, False)
        case Phase.DELETING:
            assert (facts.phase, facts.known, facts.files_left) == (None, False, False)
        case None:
            assert facts.known == (facts.phase is Phase.READY)
