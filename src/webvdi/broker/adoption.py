"""Records for machines that the engine knows and the store does not.

They are of versions before the store (the demo's, whose files are in a directory named after the
engine's key), or the store's file was lost.  Nothing is moved, and what was made for a machine
goes on belonging to it.  Pure.
"""

from collections.abc import Collection
from dataclasses import replace
from hashlib import blake2s

from webvdi.broker.views import DiskMode, MachineSource, NewMachine, Phase
from webvdi.broker.wishes import source_of, wish_to_json
from webvdi.store import MachineRecord
from webvdi.vmm.machine import Machine
from webvdi.vmm.spec_record import spec_to_record

_DEMO = "demo"
_DEMO_ISO, _DEMO_DISK = "demo-iso-", "demo-disk-"


def adopted(machine: Machine, names: Collection[str], *, now: float) -> MachineRecord:
    """A record for *machine*; *names* are taken.  The same machine always gets the same id."""
    ours = machine.key.startswith("m-")
    identity = (
        machine.key if ours else f"m-{blake2s(machine.key.encode(), digest_size=5).hexdigest()}"
    )
    wanted = _wish(machine)
    known = machine.key == _DEMO or machine.key.startswith((_DEMO_ISO, _DEMO_DISK))
    source = _source(machine, wanted) if known else {"kind": "adopted"}
    return MachineRecord(
        id=identity,
        key=machine.key,
        name=_free_name(machine.spec.name, names),
        phase=Phase.READY,
        wanted=wish_to_json(wanted),
        source=source,
        spec=spec_to_record(machine.spec),
        files=None,
        directory=f"files/{machine.key}" if ours else machine.key if known else None,
        images=(),
        autostart=None,
        at_shutdown=wanted.at_shutdown,
        notes="",
        created=now,
        start=False,
        failure="",
        exit_noted="",
    )


def _wish(machine: Machine) -> NewMachine:
    """What the demo of then would ask for now."""
    spec = machine.spec
    wish = NewMachine(spec.name)
    if machine.key == _DEMO:
        return replace(wish, guest="tiny")
    if machine.key.startswith(_DEMO_ISO) and spec.cdroms:
        return replace(wish, iso=str(spec.cdroms[0].path))
    return wish


def _source(machine: Machine, wanted: NewMachine) -> MachineSource:
    if machine.key.startswith(_DEMO_DISK):
        return {"kind": "disk", "mode": DiskMode.OVERLAY.value}
    return source_of(wanted, None)


def _free_name(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name[:60]}-{number}" in taken:
        number += 1
    return f"{name[:60]}-{number}"
