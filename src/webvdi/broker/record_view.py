"""A machine's record and what the engine says of it, as others see it.  Pure."""

from collections.abc import Sequence
from pathlib import Path

from webvdi.base.errors import StateError
from webvdi.broker.views import DiskView, Kind, MachineView, Phase, Progress
from webvdi.store import MachineRecord
from webvdi.vmm.machine import Machine, MachineSpec, PowerState
from webvdi.vmm.operation import Verb
from webvdi.vmm.rules import OFF, to_do
from webvdi.vmm.spec_record import spec_from_record

_VERBS = (
    Verb.START,
    Verb.STOP,
    Verb.KILL,
    Verb.RESET,
    Verb.PAUSE,
    Verb.RESUME,
    Verb.SAVE,
    Verb.DELETE,
)


def machine_view(
    record: MachineRecord,
    machine: Machine | None,
    *,
    progress: Progress | None,
    sizes: Sequence[int | None],
    viewers: int,
    can_save: bool = True,
) -> MachineView:
    """How *record*'s machine looks; *machine* is the engine's word, None where it knows none.

    *sizes* are those of its disks, as the guest sees them.
    """
    spec = spec_of(record)
    status = machine.status if machine is not None else None
    state = PowerState.STOPPED if status is None else status.state
    acceleration = None if status is None else status.acceleration
    return MachineView(
        id=record.id,
        kind=Kind.MACHINE,
        name=record.name,
        title=record.name,
        phase=Phase(record.phase),
        state=state.value,
        can=_can(record, state, can_save=can_save),
        generation=0 if status is None else status.generation,
        since=None if status is None else status.since,
        detail=_detail(record, machine, progress),
        exit_reason=None if status is None or status.exit is None else status.exit.reason.value,
        progress=progress,
        source=record.source,
        cpus=_wanted(record, "cpus") if spec is None else spec.cpus,
        memory_mib=_wanted(record, "memory_mib") if spec is None else spec.memory_mib,
        network=None if spec is None else spec.network.value,
        profile=None if spec is None else spec.profile.value,
        acceleration=None if acceleration is None else acceleration.kind.value,
        acceleration_reason="" if acceleration is None else acceleration.reason,
        acceleration_code="" if acceleration is None else acceleration.code,
        disks=() if spec is None else _disks(spec, record, sizes),
        cdrom=str(spec.cdroms[0].path) if spec is not None and spec.cdroms else None,
        autostart=record.autostart,
        at_shutdown=record.at_shutdown,
        notes=record.notes,
        created=record.created,
        viewers=viewers,
    )


def spec_of(record: MachineRecord) -> MachineSpec | None:
    """The spec on record."""
    return None if record.spec is None else spec_from_record(record.spec)


def _can(record: MachineRecord, state: PowerState, *, can_save: bool) -> tuple[str, ...]:
    if record.phase != Phase.READY:
        return ("delete",)
    verbs = [verb.value for verb in _VERBS if _fits(verb, state) and (can_save or verb != "save")]
    return (*verbs, "set") if state in OFF else tuple(verbs)


def _fits(verb: Verb, state: PowerState) -> bool:
    try:
        return to_do(verb, state, "")
    except StateError:
        return False


def _detail(record: MachineRecord, machine: Machine | None, progress: Progress | None) -> str:
    if record.phase in (Phase.FAILED, Phase.DELETING):
        return record.failure
    if record.phase == Phase.CREATING:
        return progress.phase if progress is not None else ""
    if machine is None:
        return ""
    status = machine.status
    return status.exit.text if status.exit is not None and status.state in OFF else status.detail


def _disks(
    spec: MachineSpec, record: MachineRecord, sizes: Sequence[int | None]
) -> tuple[DiskView, ...]:
    own = record.directory
    return tuple(
        DiskView(
            name=disk.path.name,
            path=str(disk.path),
            format=disk.format.value,
            size_bytes=size,
            ours=own is not None and disk.path.parent.match(f"*/{own}"),
        )
        for disk, size in zip(spec.disks, sizes, strict=False)
    )


def _wanted(record: MachineRecord, name: str) -> int | None:
    value = record.wanted.get(name)
    return value if isinstance(value, int) else None


def own_directory(record: MachineRecord, state: Path) -> Path | None:
    """Where a machine's own files are."""
    return None if record.directory is None else state / record.directory
