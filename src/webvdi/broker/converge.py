"""What is to be done next about a machine: one pure decision for making, repairing and removing.

The record says what should be, engine and files say what is.  Each step brings them closer, may be
repeated, and may be cut off at any point: whoever opens the state directory next decides again.
That is all there is to repair::

    creating:  plan → files → known to the engine → ready → (started)
    failed:    not known to the engine, no files; the record stays, to say why
    deleting:  not known to the engine → no files → forgotten
    ready:     known to the engine, with the same spec

Files come before the engine's record when a machine is made, and go after it: an engine never
knows a machine whose disks are missing, and no disk is left without a record that names it.
"""

from dataclasses import dataclass
from enum import StrEnum

from webvdi.broker.views import Phase


class Step(StrEnum):
    """What may be done next."""

    PLAN = "plan"
    """Find out which files and which spec the wanted machine has, and record them."""
    MAKE_FILES = "make_files"
    REGISTER = "register"
    """Let the engine know it."""
    SETTLE = "settle"
    """Record that it is ready."""
    START = "start"
    """Start it, as its making asked for, and record that this was done."""
    REDEFINE = "redefine"
    """Give the engine the spec on record."""
    YIELD = "yield"
    """Record the engine's spec: the machine runs with it, so it is what is true."""
    UNREGISTER = "unregister"
    REMOVE_FILES = "remove_files"
    FORGET = "forget"
    """Remove the record."""
    ADOPT = "adopt"
    """Make a record for a machine that the engine knows and we do not."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A machine as record, engine and files show it."""

    phase: Phase | None
    """None without a record."""
    planned: bool = False
    """The record has a spec."""
    files_complete: bool = False
    """Every file of the plan is there, whole."""
    files_left: bool = False
    """There is something in the machine's own directory."""
    known: bool = False
    """The engine knows it."""
    same_spec: bool = True
    """The engine's spec is the one on record (or it does not know the machine)."""
    off: bool = True
    """It is stopped or crashed, so that its spec may change (or it is unknown)."""
    start: bool = False
    """It is to be started as soon as it is ready."""


def next_step(facts: Facts) -> Step | None:
    """The next step; None where all is as it should be."""
    match facts.phase:
        case None:
            return Step.ADOPT if facts.known else None
        case Phase.CREATING:
            return _creating(facts)
        case Phase.READY:
            return _ready(facts)
        case Phase.FAILED:
            return _removing(facts)
        case Phase.DELETING:
            return _removing(facts) or Step.FORGET


def _creating(facts: Facts) -> Step:
    if not facts.planned:
        return Step.PLAN
    if facts.known:
        return Step.SETTLE
    return Step.REGISTER if facts.files_complete else Step.MAKE_FILES


def _ready(facts: Facts) -> Step | None:
    if not facts.known:
        return Step.REGISTER  # the engine's directory was lost or restored; the disks are here
    if not facts.same_spec:
        return Step.REDEFINE if facts.off else Step.YIELD
    return Step.START if facts.start else None


def _removing(facts: Facts) -> Step | None:
    if facts.known:
        return Step.UNREGISTER
    return Step.REMOVE_FILES if facts.files_left else None
