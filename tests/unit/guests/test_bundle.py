import json
from dataclasses import replace
from pathlib import Path

import pytest

from webvdi.guests.bundle import DESCRIPTION, DiskPlan, GuestBundle, dump_bundle, load_bundle


def sample(directory: Path) -> GuestBundle:
    return GuestBundle(
        recipe="tiny",
        title="Small demo desktop",
        content_hash="c" * 64,
        directory=directory,
        kernel=directory / "vmlinux",
        initrd=directory / "initrd.cpio",
        cmdline="quiet",
        memory_mib=512,
        cpus=1,
        profile="linux",
        disks=(DiskPlan("home", 64, "ext4", "files"),),
        built_at=1.5,
        recipe_hash="r" * 64,
    )


def test_round_trip_follows_the_directory(tmp_path: Path) -> None:
    (tmp_path / DESCRIPTION).write_text(dump_bundle(sample(Path("/somewhere/else"))))
    assert load_bundle(tmp_path) == sample(tmp_path)
    assert sample(tmp_path).name == tmp_path.name


def with_disk(directory: Path) -> GuestBundle:
    disk = directory / "system.qcow2"
    return replace(sample(directory), summary="S", system_disk=disk, system_disk_mib=64)


def test_round_trip_of_a_system_disk(tmp_path: Path) -> None:
    (tmp_path / DESCRIPTION).write_text(dump_bundle(with_disk(Path("/somewhere/else"))))
    assert load_bundle(tmp_path) == with_disk(tmp_path)


def test_description_of_an_older_version_is_read(tmp_path: Path) -> None:
    record = json.loads(dump_bundle(sample(tmp_path)))
    for name in ("summary", "system_disk", "system_disk_mib"):
        del record[name]
    (tmp_path / DESCRIPTION).write_text(json.dumps(record))
    assert load_bundle(tmp_path) == sample(tmp_path)


def test_complete_only_with_its_system_disk(tmp_path: Path) -> None:
    bundle = with_disk(tmp_path)
    bundle.kernel.touch()
    bundle.initrd.touch()
    assert not bundle.is_complete()
    (tmp_path / "system.qcow2").touch()
    assert bundle.is_complete()


def test_complete_only_with_both_files(tmp_path: Path) -> None:
    bundle = sample(tmp_path)
    bundle.kernel.touch()
    assert not bundle.is_complete()
    bundle.initrd.touch()
    assert bundle.is_complete()
    assert not replace(bundle, kernel=tmp_path / "gone").is_complete()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"disks": [{"size": 1}]}', '{"disks": []}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / DESCRIPTION).write_text(text)
    with pytest.raises(ValueError):
        load_bundle(tmp_path)
