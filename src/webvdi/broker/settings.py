"""A machine's settings after a change: what they would be, and what that means in words.  Pure."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from webvdi.broker.plan import checked_network
from webvdi.vmm.errors import InvalidSpec
from webvdi.vmm.machine import Cdrom, MachineSpec

HARDWARE = frozenset({"cpus", "memory_mib", "network", "cdrom", "disk_gib"})
"""What only a machine that is off can change."""

MAX_NOTES = 16 << 10
"""Characters of notes: a request's body, of 64 KiB, holds as many letters of any script."""
MAX_ORDER = 1_000_000
"""The last place in the order of starts."""


def checked_settings(asked: Mapping[str, Any]) -> None:
    """Insist on settings that are not absurd.  Raises ``InvalidSpec``."""
    notes, order = asked.get("notes", ""), asked.get("autostart")
    if len(notes) > MAX_NOTES:
        raise InvalidSpec(f"notes have at most {MAX_NOTES} characters, not {len(notes)}")
    if order is not None and not 0 <= order <= MAX_ORDER:
        raise InvalidSpec(f"the place in the order of starts is a number from 0 to {MAX_ORDER}")


def changed_spec(spec: MachineSpec, asked: Mapping[str, Any], cdrom: Path | None) -> MachineSpec:
    """*spec* with what was *asked* for; *cdrom* is the file that is meant.

    Raises ``InvalidSpec``.
    """
    changes: dict[str, Any] = {k: asked[k] for k in ("name", "cpus", "memory_mib") if k in asked}
    if "network" in asked:
        changes["network"] = checked_network(asked["network"])
    if "cdrom" in asked:
        changes["cdroms"] = () if cdrom is None else (Cdrom(cdrom, _boot_order(spec)),)
    if changes.get("cdroms") == () and not (spec.kernel or spec.disks):
        raise InvalidSpec("without its CD this machine would have nothing to boot")
    return replace(spec, **changes)


def _boot_order(spec: MachineSpec) -> int | None:
    """After the disks, where the machine boots from them."""
    if spec.cdroms:
        return spec.cdroms[0].boot_order
    orders = [disk.boot_order for disk in spec.disks if disk.boot_order is not None]
    return max(orders, default=0) + 1


def in_words(asked: Mapping[str, Any]) -> str:
    """What was changed, for the journal; of notes no more than that."""
    names = {
        "name": "name",
        "notes": "notes",
        "autostart": "start with the service",
        "at_shutdown": "what happens when the host shuts down",
        "cpus": "CPUs",
        "memory_mib": "memory (MiB)",
        "network": "network",
        "cdrom": "CD",
        "disk_gib": "disk size (GiB)",
    }
    parts = [
        names[key] if key == "notes" else f"{names[key]}: {'none' if value is None else value}"
        for key, value in asked.items()
    ]
    return f"Changed {', '.join(parts)}."
