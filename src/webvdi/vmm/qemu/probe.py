"""Which QEMU there is: its version, newest q35 machine type, displays and devices.

Asking takes four runs of QEMU; the answer is cached by the binary's path, size and date.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from webvdi.vmm.errors import LaunchFailed
from webvdi.vmm.qemu import programs
from webvdi.vmm.qemu.records import Record, read_record, write_record

PROBE_TIMEOUT_S = 20.0
"""Each question takes 0.1 s on an idle host."""
WANTED_DEVICES = frozenset({"virtio-vga", "vmgenid"})
"""Those without which the device frame has something else."""

Version: TypeAlias = tuple[int, int, int]
OLDEST: Version = (6, 2, 0)


@dataclass(frozen=True, slots=True)
class QemuFeatures:
    """What a QEMU binary has."""

    version: Version
    machine_type: str
    """The newest versioned q35, such as ``pc-q35-7.2``."""
    displays: frozenset[str]
    devices: frozenset[str]
    """Those of :data:`WANTED_DEVICES` that it has."""


def find_qemu(binary: str) -> Path:
    """The program *binary*.  Raises :class:`~webvdi.vmm.errors.LaunchFailed`."""
    found = shutil.which(binary)
    if found is None:
        raise LaunchFailed(
            f"QEMU is not installed ({binary} was not found); on Debian and Ubuntu: "
            "apt install qemu-system-x86 qemu-utils qemu-system-gui slirp4netns",
            argv=[binary],
        )
    return Path(found).resolve()


def identity(binary: Path) -> str:
    """Differs when *binary* is another program than before."""
    found = binary.stat()
    return f"{binary} {found.st_size} {found.st_mtime_ns}"


async def probe(binary: Path, cache: Path) -> QemuFeatures:
    """Ask *binary* what it has, or read what it said before from the file *cache*.

    Raises :class:`~webvdi.vmm.errors.LaunchFailed`.
    """
    name = identity(binary)
    known = _from_record(read_record(cache), name)
    if known is not None:
        return known
    version, machines, displays, devices = [
        await ask(binary, *question)
        for question in (["--version"], ["-M", "help"], ["-display", "help"], ["-device", "help"])
    ]
    features = QemuFeatures(
        parse_version(version),
        newest_q35(machines),
        parse_displays(displays),
        parse_devices(devices) & WANTED_DEVICES,
    )
    if features.version < OLDEST:
        raise LaunchFailed(
            f"{binary} is QEMU {'.'.join(map(str, features.version))}; "
            f"webvdi needs {'.'.join(map(str, OLDEST))} or newer",
            argv=[str(binary), "--version"],
            output=version,
        )
    write_record(cache, _to_record(features, name))
    return features


async def ask(binary: Path, *question: str) -> str:
    """What *binary* prints when asked *question*."""
    try:
        done = await programs.run(binary, *question, timeout_s=PROBE_TIMEOUT_S)
    except TimeoutError:
        raise LaunchFailed(f"{binary} did not answer {question[0]}", argv=question) from None
    except OSError as error:
        raise _unusable(binary, question, str(error.strerror), None) from error
    if done.code != 0:
        raise _unusable(binary, question, done.err.strip(), done.code)
    return done.out


def parse_version(text: str) -> Version:
    """The version in the output of ``--version``."""
    found = re.search(r"version (\d+)\.(\d+)(?:\.(\d+))?", text)
    if found is None:
        raise LaunchFailed(f"this is no QEMU: {text[:80]!r}", output=text)
    return int(found[1]), int(found[2]), int(found[3] or 0)


def newest_q35(text: str) -> str:
    """The newest versioned q35 in the output of ``-M help``."""
    found = re.findall(r"^(pc-q35-(\d+)\.(\d+)(?:\.(\d+))?)\s", text, re.MULTILINE)
    if not found:
        raise LaunchFailed("this QEMU has no q35 machine: it is not for x86-64", output=text)
    newest: str = max(found, key=lambda m: (int(m[1]), int(m[2]), int(m[3] or 0)))[0]
    return newest


def parse_displays(text: str) -> frozenset[str]:
    """The displays in the output of ``-display help``."""
    return frozenset(re.findall(r"^([a-z][a-z0-9-]*)$", text, re.MULTILINE))


def parse_devices(text: str) -> frozenset[str]:
    """The devices in the output of ``-device help``."""
    return frozenset(re.findall(r'^name "([^"]+)"', text, re.MULTILINE))


def _unusable(
    binary: Path, question: Sequence[str], words: str, exit_code: int | None
) -> LaunchFailed:
    return LaunchFailed(
        f"{binary} cannot be used; it said: {words or 'nothing'}",
        exit_code=exit_code,
        argv=[str(binary), *question],
        output=words,
    )


def _to_record(features: QemuFeatures, name: str) -> Record:
    return {
        "binary": name,
        "version": features.version,
        "machine_type": features.machine_type,
        "displays": sorted(features.displays),
        "devices": sorted(features.devices),
    }


def _from_record(record: Record | None, name: str) -> QemuFeatures | None:
    if record is None or record.get("binary") != name:
        return None
    major, minor, micro = record["version"]
    return QemuFeatures(
        (major, minor, micro),
        record["machine_type"],
        frozenset(record["displays"]),
        frozenset(record["devices"]),
    )
