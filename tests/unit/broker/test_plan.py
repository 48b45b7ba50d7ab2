"""What a machine is made of."""

from dataclasses import replace
from pathlib import Path

import pytest

from webvdi.broker.disk_files import MIB, DiskFile
from webvdi.broker.plan import GIB, OwnSystem, checked_wish, guest_plan, own_plan
from webvdi.broker.views import DiskMode, NewMachine
from webvdi.broker.wishes import wish_from_json, wish_to_json
from webvdi.guests import DiskPlan, GuestBundle
from webvdi.vmm.errors import InvalidSpec
from webvdi.vmm.machine import Disk, DiskFormat, Network, Profile

OWN = Path("/state/files/m-1")
BUNDLE = GuestBundle(
    recipe="tiny",
    title="Tiny",
    content_hash="h",
    directory=Path("/guests/tiny-h"),
    kernel=Path("/guests/tiny-h/vmlinux"),
    initrd=Path("/guests/tiny-h/initrd.cpio"),
    cmdline="quiet",
    memory_mib=512,
    cpus=1,
    profile="linux",
    disks=(DiskPlan("home", 1024, "ext4", "files"),),
    built_at=0.0,
    recipe_hash="r",
)
DESK = replace(
    BUNDLE,
    recipe="desk",
    disks=(),
    system_disk=Path("/guests/desk-h/s.qcow2"),
    system_disk_mib=8192,
)
RAW = OwnSystem(Path("/os.img"), DiskFormat.RAW, "/os.img", 2 * GIB)
NET = Network.INTERNET


def test_a_guest_in_memory_has_its_data_disks() -> None:
    plan = guest_plan(NewMachine("one", guest="tiny"), BUNDLE, OWN, NET)
    assert plan.files == (DiskFile("home.img", "data", DiskFormat.RAW, 1024 * MIB),)
    assert plan.spec.disks == (Disk(OWN / "home.img", DiskFormat.RAW),)
    assert plan.spec.kernel is not None
    assert plan.spec.kernel.cmdline == "quiet"
    assert (plan.spec.cpus, plan.spec.memory_mib) == (1, 512)


def test_wishes_go_before_a_guests_own_values() -> None:
    wanted = NewMachine("one", guest="tiny", cpus=4, memory_mib=2048, disk_gib=3, profile="generic")
    plan = guest_plan(wanted, BUNDLE, OWN, Network.NONE)
    assert (plan.spec.cpus, plan.spec.memory_mib) == (4, 2048)
    assert plan.spec.profile is Profile.GENERIC
    assert plan.spec.network is Network.NONE
    assert plan.files[0].size_bytes == 3 * GIB


def test_a_guest_with_a_system_disk_gets_an_overlay_of_it() -> None:
    plan = guest_plan(NewMachine("one", guest="desk", disk_gib=20), DESK, OWN, NET)
    (file,) = plan.files
    assert (file.how, file.source, file.size_bytes) == (
        "overlay",
        "/guests/desk-h/s.qcow2",
        20 * GIB,
    )
    assert plan.spec.disks[0].path == OWN / "system.qcow2"
    assert guest_plan(NewMachine("one", guest="desk"), DESK, OWN, NET).files[0].size_bytes is None


def test_a_guest_without_disks_has_none_to_grow() -> None:
    with pytest.raises(InvalidSpec, match="no disk"):
        guest_plan(NewMachine("one", guest="tiny", disk_gib=1), replace(BUNDLE, disks=()), OWN, NET)


def test_an_iso_comes_with_an_empty_disk() -> None:
    plan = own_plan(
        NewMachine("one", iso="/a.iso"), OwnSystem(Path("/a.iso"), None, "/a.iso"), OWN, NET
    )
    assert plan.files == (DiskFile("disk.qcow2", "blank", DiskFormat.QCOW2, 20 * GIB),)
    assert [cdrom.boot_order for cdrom in plan.spec.cdroms] == [2]
    assert plan.spec.disks[0].boot_order == 1


@pytest.mark.parametrize(("mode", "how"), [(DiskMode.COPY, "copy"), (DiskMode.OVERLAY, "overlay")])
def test_a_disk_is_copied_or_overlaid(mode: DiskMode, how: str) -> None:
    plan = own_plan(NewMachine("one", disk="/os.img", disk_mode=mode, disk_gib=4), RAW, OWN, NET)
    (file,) = plan.files
    assert (file.how, file.source, file.source_format) == (how, "/os.img", DiskFormat.RAW)
    assert (file.format, file.size_bytes) == (DiskFormat.QCOW2, 4 * GIB)


def test_a_disk_in_place_needs_no_file() -> None:
    wanted = NewMachine("one", disk="/os.img", disk_mode=DiskMode.IN_PLACE)
    plan = own_plan(wanted, RAW, OWN, NET)
    assert plan.files == ()
    assert plan.spec.disks == (Disk(Path("/os.img"), DiskFormat.RAW, boot_order=1),)
    with pytest.raises(InvalidSpec, match="not grown"):
        own_plan(replace(wanted, disk_gib=9), RAW, OWN, NET)


def test_no_disk_shrinks() -> None:
    with pytest.raises(InvalidSpec, match=r"2\.0 GiB already"):
        own_plan(NewMachine("one", disk="/os.img", disk_gib=1), RAW, OWN, NET)


def test_an_uploaded_disk_is_not_used_in_place() -> None:
    with pytest.raises(InvalidSpec, match="copied or overlaid"):
        checked_wish(NewMachine("one", image="i-1", disk_mode=DiskMode.IN_PLACE))


def test_wishes_and_files_survive_the_record() -> None:
    wanted = NewMachine(
        "one",
        disk="/a",
        disk_format=DiskFormat.RAW,
        disk_mode=DiskMode.OVERLAY,
        autostart=3,
        notes="日本",
    )
    assert wish_from_json(wish_to_json(wanted)) == wanted
    assert wish_from_json({"name": "old", "guest": "tiny"}) == NewMachine("old", guest="tiny")
    file = DiskFile("disk.qcow2", "copy", DiskFormat.QCOW2, None, "/a", DiskFormat.RAW)
    assert DiskFile.from_json(file.to_json()) == file
