"""The command line of QEMU: a pure function of what is wanted and what there is.

The *device frame* is fixed.  Clones of a running machine need the very same devices in the very
same places, so nothing here depends on the moment, and whatever comes and goes (the network
card) is plugged over QMP into one of four spare ports.

``-k`` is never used: it would make QEMU translate keys that we send as scancodes.
"""

from dataclasses import dataclass
from pathlib import Path

from webvdi.vmm.machine import Accelerator, Cdrom, Disk, MachineSpec, Profile
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.probe import QemuFeatures

QMP_FD = 3
"""Where QEMU finds the engine's monitor socket, listening already: nobody polls for it."""
QMP_SPARE_FD = 4
PORTS = ("port0", "port1", "port2", "port3")
"""The spare ports for plugging; the network card sits in the first."""
TRANSLATION_BUFFER_MIB = 128
"""TCG's cache of translated code; its default grows with the guest's RAM up to 1 GiB."""
SCREEN = "xres=1280,yres=800"
"""The size a guest starts with; a common laptop's, and as large as models like to see."""


@dataclass(frozen=True, slots=True)
class HostChoices:
    """What was decided on this host for this start."""

    features: QemuFeatures
    accelerator: Accelerator
    """KVM or TCG."""
    ram_file: Path
    binary: str = "qemu-system-x86_64"
    incoming: bool = False
    """Wait for a saved state instead of booting."""


def escaped(path: Path | str) -> str:
    """*path* inside an option list, where a comma ends the value unless doubled."""
    return str(path).replace(",", ",,")


def argv(spec: MachineSpec, paths: MachinePaths, host: HostChoices) -> list[str]:
    """The whole command line."""
    return [
        host.binary,
        *_base(spec, host),
        *_frame(spec, host.features),
        *_kernel(spec),
        *_drives(spec),
        *_outlets(paths, host.features),
        *(["-incoming", "defer"] if host.incoming else []),
    ]


def _base(spec: MachineSpec, host: HostChoices) -> list[str]:
    size = f"{spec.memory_mib}M"
    ram = f"memory-backend-file,id=m0,size={size},mem-path={escaped(host.ram_file)},share=on"
    kvm = host.accelerator is Accelerator.KVM
    tcg = f"tcg,thread=multi,tb-size={TRANSLATION_BUFFER_MIB}"
    return [
        *("-name", f"{spec.name},debug-threads=on"),
        *("-nodefaults", "-no-user-config"),
        "-S",  # the network card is plugged before the first instruction
        *("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
        # The PS/2 controller stays (its default): firmware and boot loaders read keys there.
        *("-machine", f"{host.features.machine_type},memory-backend=m0,vmport=off"),
        *("-accel", "kvm" if kvm else tcg),
        *("-cpu", "host" if kvm else "max"),
        *("-smp", str(spec.cpus)),
        *("-m", size),
        *("-object", ram),
    ]


def _frame(spec: MachineSpec, features: QemuFeatures) -> list[str]:
    devices = ["qemu-xhci,id=usb"]
    devices += [
        f"pcie-root-port,id={port},chassis={number},slot={number}"
        for number, port in enumerate(PORTS, 1)
    ]
    devices.append("virtio-serial-pci,id=vserial")
    devices.append(_screen(features))
    if spec.profile is Profile.LINUX:
        devices += ["virtio-tablet-pci,id=tablet", "virtio-keyboard-pci,id=keyboard"]
    else:
        devices.append("usb-tablet,id=tablet,bus=usb.0")
    devices.append("virtio-rng-pci,id=rng,rng=rng0")
    if "vmgenid" in features.devices:
        # Tells the guest after a clone that its random state is not its own any more.
        devices.append("vmgenid,guid=auto")
    words = ["-object", "rng-random,id=rng0,filename=/dev/urandom"]
    for device in devices:
        words += ["-device", device]
    return words


def _screen(features: QemuFeatures) -> str:
    # Only virtio-vga lets the viewer choose the size; VGA is there where its module is missing.
    return f"virtio-vga,id=video,{SCREEN}" if "virtio-vga" in features.devices else "VGA,id=video"


def _kernel(spec: MachineSpec) -> list[str]:
    if spec.kernel is None:
        return []
    words = ["-kernel", str(spec.kernel.kernel)]
    if spec.kernel.initrd is not None:
        words += ["-initrd", str(spec.kernel.initrd)]
    if spec.kernel.cmdline:
        words += ["-append", spec.kernel.cmdline]
    return words


def _drives(spec: MachineSpec) -> list[str]:
    words: list[str] = []
    generic = spec.profile is Profile.GENERIC
    for number, disk in enumerate(spec.disks):
        words += _blocks(f"disk{number}", disk)
        front = f"ide-hd,bus=ide.{number}" if generic else "virtio-blk-pci"
        words += ["-device", f"{front},{_drive(f'disk{number}', disk)}"]
    first_port = len(spec.disks) if generic else 0
    for number, cdrom in enumerate(spec.cdroms):
        words += _blocks(f"cdrom{number}", cdrom)
        front = f"ide-cd,bus=ide.{first_port + number}"
        words += ["-device", f"{front},{_drive(f'cdrom{number}', cdrom)}"]
    return words


def _blocks(name: str, drive: Disk | Cdrom) -> list[str]:
    image_format = drive.format.value if isinstance(drive, Disk) else "raw"
    readonly = "off" if isinstance(drive, Disk) and not drive.readonly else "on"
    tail = f"read-only={readonly},discard=unmap"
    return [
        "-blockdev",
        f"driver=file,node-name={name}-file,filename={escaped(drive.path)},{tail}",
        "-blockdev",
        f"driver={image_format},node-name={name},file={name}-file,{tail}",
    ]


def _drive(name: str, drive: Disk | Cdrom) -> str:
    order = "" if drive.boot_order is None else f",bootindex={drive.boot_order}"
    return f"drive={name},id={name}-device{order}"


def _outlets(paths: MachinePaths, features: QemuFeatures) -> list[str]:
    serial = f"path={escaped(paths.serial)},server=on,wait=off"
    # logappend lets the shepherd cut the log while QEMU writes it.
    log = f"logfile={escaped(paths.serial_log)},logappend=on"
    # The D-Bus display needs no client to be of use: its mere presence keeps the refresh timer,
    # which VNC alone lets fall asleep up to 3 s, at 30 ms.
    display = "dbus,p2p=yes" if "dbus" in features.displays else "none"
    return [
        *("-chardev", f"socket,id=serial0,{serial},{log}"),
        *("-serial", "chardev:serial0"),
        *("-display", display),
        *("-vnc", f"unix:{escaped(paths.vnc)},share=force-shared"),
        *("-chardev", f"socket,id=qmp0,fd={QMP_FD},server=on,wait=off"),
        *("-mon", "chardev=qmp0,mode=control"),
        *("-chardev", f"socket,id=qmp1,fd={QMP_SPARE_FD},server=on,wait=off"),
        *("-mon", "chardev=qmp1,mode=control"),
    ]
