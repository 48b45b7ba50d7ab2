"""A machine's spec as JSON holds it, for everyone who keeps specs: engines and those above.

The names in the record are the fields of :class:`~webvdi.vmm.machine.MachineSpec`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webvdi.vmm.machine import (
    Accelerator,
    Cdrom,
    DirectKernel,
    Disk,
    DiskFormat,
    MachineSpec,
    Network,
    Profile,
)


def spec_to_record(spec: MachineSpec) -> dict[str, Any]:
    """*spec* as JSON holds it."""
    kernel = spec.kernel
    return {
        "name": spec.name,
        "cpus": spec.cpus,
        "memory_mib": spec.memory_mib,
        "kernel": kernel
        and {
            "kernel": str(kernel.kernel),
            "initrd": kernel.initrd and str(kernel.initrd),
            "cmdline": kernel.cmdline,
        },
        "disks": [
            {
                "path": str(disk.path),
                "format": disk.format,
                "readonly": disk.readonly,
                "boot_order": disk.boot_order,
            }
            for disk in spec.disks
        ],
        "cdroms": [{"path": str(c.path), "boot_order": c.boot_order} for c in spec.cdroms],
        "profile": spec.profile,
        "network": spec.network,
        "accelerator": spec.accelerator,
    }


def spec_from_record(record: Mapping[str, Any]) -> MachineSpec:
    """The spec that :func:`spec_to_record` wrote.

    Raises :class:`KeyError`, :class:`ValueError` or :class:`TypeError` on anything else.
    """
    kernel = record["kernel"]
    return MachineSpec(
        name=record["name"],
        cpus=record["cpus"],
        memory_mib=record["memory_mib"],
        kernel=kernel
        and DirectKernel(
            Path(kernel["kernel"]),
            kernel["initrd"] and Path(kernel["initrd"]),
            kernel["cmdline"],
        ),
        disks=tuple(
            Disk(Path(d["path"]), DiskFormat(d["format"]), d["readonly"], d["boot_order"])
            for d in record["disks"]
        ),
        cdroms=tuple(Cdrom(Path(c["path"]), c["boot_order"]) for c in record["cdroms"]),
        profile=Profile(record["profile"]),
        network=Network(record["network"]),
        accelerator=Accelerator(record["accelerator"]),
    )
