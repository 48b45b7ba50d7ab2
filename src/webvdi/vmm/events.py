"""Events of an engine: hints that something changed; ``list()`` is the truth."""

from dataclasses import dataclass
from typing import TypeAlias

from webvdi.base.hub import Hub
from webvdi.vmm.machine import MachineId, MachineStatus


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A machine has a new status."""

    machine: MachineId
    status: MachineStatus


@dataclass(frozen=True, slots=True)
class MachineGone:
    """A machine exists no more."""

    machine: MachineId


EngineEvent: TypeAlias = StatusChanged | MachineGone

EventHub: TypeAlias = Hub[EngineEvent]
