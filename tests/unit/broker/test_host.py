"""What is said about the host."""

from pathlib import Path

import pytest

from webvdi.broker import host
from webvdi.vmm.qemu.doctor import Level, finding


async def test_the_worst_is_said_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def examine(state: Path) -> tuple[object, ...]:
        return (
            finding("disk", Level.OK, "There is room."),
            finding("kvm", Level.WARNING, "There is no KVM.", "Turn it on."),
            finding("qemu", Level.FAILURE, "There is no QEMU.", "Install it."),
        )

    monkeypatch.setattr(host, "examine_host", examine)
    found = await host.findings(tmp_path)
    assert [one.name for one in found] == ["qemu", "kvm", "disk"]
    assert (found[0].level, found[0].remedy) == ("failure", "Install it.")


def test_free_memory_is_known_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    available = host.available_mib()
    assert available is not None
    assert available > 0
    monkeypatch.setattr(host, "_MEMINFO", tmp_path / "none")
    assert host.available_mib() is None
