"""What a save leaves on disk, and what makes it void."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from webvdi.vmm.errors import RestoreFailed, SaveFailed
from webvdi.vmm.machine import Accelerator, Disk, DiskFormat, MachineSpec
from webvdi.vmm.qemu import saved
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.probe import QemuFeatures
from webvdi.vmm.qemu.records import read_record, write_record

FEATURES = QemuFeatures(
    (7, 2, 22), "pc-q35-7.2", frozenset({"dbus"}), frozenset({"virtio-vga", "vmgenid"})
)
STATE = b"the state of a machine"


@pytest.fixture
def paths(tmp_path: Path) -> MachinePaths:
    return MachinePaths(tmp_path, tmp_path / "run")


@pytest.fixture
def spec(tmp_path: Path) -> MachineSpec:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(512))
    disks = (
        Disk(tmp_path / "a", DiskFormat.RAW),
        Disk(tmp_path / "b", DiskFormat.RAW, readonly=True),
    )
    return MachineSpec("m", disks=disks)


def save(paths: MachinePaths, spec: MachineSpec, how: Accelerator = Accelerator.TCG) -> saved.Saved:
    """All steps of a save of generation 3."""
    write_record(paths.started, {"generation": 3})
    write_record(paths.launch, {"builder": saved.builder_record(FEATURES, how)})
    builder = saved.builder_of(read_record(paths.launch), "m")
    saved.begin(paths, 3, resume=True)
    fd = saved.open_new(paths.saved_state_new)
    os.write(fd, STATE)
    os.close(fd)
    assert saved.read(paths) is None
    saved.commit(paths, 3, builder, len(STATE))
    kept = saved.read(paths)
    assert kept is not None
    saved.mark_disks(paths, kept, spec)
    kept = saved.read(paths)
    assert kept is not None
    return kept


def left(paths: MachinePaths) -> set[str]:
    return {path.name for path in paths.state.glob("sav*")}


def test_a_save_is_there_when_its_record_is(paths: MachinePaths, spec: MachineSpec) -> None:
    kept = save(paths, spec)
    assert (kept.generation, kept.size_bytes) == (3, len(STATE))
    assert left(paths) == {"saved.json", "saved.state"}
    saved.require_usable(kept, paths, spec)
    saved.discard(paths)
    saved.discard(paths)
    assert left(paths) == set()
    assert saved.read(paths) is None


def test_half_a_state_is_replaced(paths: MachinePaths, spec: MachineSpec) -> None:
    saved.begin(paths, 3, resume=False)
    paths.saved_state_new.write_bytes(b"half a state of another time")
    assert saved.begun(paths, 3) == {"generation": 3, "resume": False}
    assert saved.begun(paths, 4) is None
    save(paths, spec)
    assert paths.saved_state.read_bytes() == STATE


def test_a_save_that_is_given_up_leaves_nothing(paths: MachinePaths) -> None:
    saved.begin(paths, 3, resume=False)
    os.close(saved.open_new(paths.saved_state_new))
    saved.give_up(paths)
    assert left(paths) == set()


def test_what_is_saved_is_void_once_the_machine_has_run(
    paths: MachinePaths, spec: MachineSpec
) -> None:
    save(paths, spec)
    write_record(paths.started, {"generation": 4})
    assert saved.read(paths) is None


@pytest.mark.parametrize("nonsense", [{}, {"generation": 3}, {"generation": 3, "builder": 1}])
def test_a_record_that_makes_no_sense(paths: MachinePaths, nonsense: dict[str, object]) -> None:
    write_record(paths.saved, nonsense)
    assert saved.read(paths) is None


def test_disks_are_looked_at(paths: MachinePaths, spec: MachineSpec) -> None:
    kept = save(paths, spec)
    os.utime(spec.disks[1].path, (0, 0))  # read-only: the guest has written nothing there
    saved.require_usable(kept, paths, spec)
    os.utime(spec.disks[0].path, (0, 0))
    with pytest.raises(RestoreFailed, match="/a was changed after that"):
        saved.require_usable(kept, paths, spec)
    spec.disks[0].path.unlink()
    with pytest.raises(RestoreFailed, match="/a was changed"):
        saved.require_usable(kept, paths, spec)


def test_marks_are_made_once(paths: MachinePaths, spec: MachineSpec) -> None:
    kept = save(paths, spec)
    os.utime(spec.disks[0].path, (0, 0))
    saved.mark_disks(paths, kept, spec)
    again = saved.read(paths)
    assert again == kept


def test_the_builder_must_match(paths: MachinePaths, spec: MachineSpec) -> None:
    kept = save(paths, spec)
    newer = replace(
        FEATURES, version=(7, 2, 30), devices=FEATURES.devices | {"more"}, displays=frozenset()
    )
    found = saved.features_for(kept, newer, "m")
    assert found == replace(newer, devices=FEATURES.devices)
    with pytest.raises(
        RestoreFailed, match=r"saved by QEMU 7\.2\.22, and this host now has 8\.2\.0"
    ):
        saved.features_for(kept, replace(FEATURES, version=(8, 2, 0)), "m")
    with pytest.raises(RestoreFailed, match="no virtio-vga any more"):
        saved.features_for(kept, replace(FEATURES, devices=frozenset({"vmgenid"})), "m")


def test_under_kvm_the_processor_must_match(
    paths: MachinePaths, spec: MachineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = save(paths, spec, Accelerator.KVM)
    saved.require_same_processor(kept, "m")
    monkeypatch.setattr(saved, "cpu_identity", lambda: "another")
    with pytest.raises(RestoreFailed, match="another kind of processor"):
        saved.require_same_processor(kept, "m")
    saved.discard(paths)
    saved.require_same_processor(save(paths, spec), "m")


def test_the_name_of_a_processor(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    one = "processor : 0\nvendor_id : A\nmodel : 1\ncpu MHz : {}\nflags : fpu\n\n"
    path.write_text(one.format(1000) + one.format(1))
    slow = saved.cpu_identity(path)
    path.write_text(one.format(2000))
    assert saved.cpu_identity(path) == slow
    path.write_text(one.format(2000).replace("fpu", "fpu avx"))
    assert saved.cpu_identity(path) != slow


def test_a_machine_of_an_earlier_webvdi_says_what_to_do() -> None:
    records: list[dict[str, object] | None] = [None, {}, {"builder": {}}]
    for record in records:
        with pytest.raises(SaveFailed, match="shut it down and start it once"):
            saved.builder_of(record, "m")
