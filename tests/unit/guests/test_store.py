import errno
import itertools
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from webvdi.guests import store
from webvdi.guests.bundle import DESCRIPTION, GuestBundle, dump_bundle
from webvdi.guests.errors import NoSpace


def put(cache: Path, name: str, built_at: float, recipe: str = "tiny") -> GuestBundle:
    directory = cache / "bundles" / name
    directory.mkdir(parents=True)
    for file in ("vmlinux", "initrd.cpio"):
        (directory / file).write_bytes(b"x")
    bundle = GuestBundle(
        recipe=recipe,
        title="",
        content_hash=name,
        directory=directory,
        kernel=directory / "vmlinux",
        initrd=directory / "initrd.cpio",
        cmdline="",
        memory_mib=1,
        cpus=1,
        profile="linux",
        disks=(),
        built_at=built_at,
        recipe_hash="r",
    )
    (directory / DESCRIPTION).write_text(dump_bundle(bundle))
    return bundle


def test_bundles_newest_first_and_only_whole_ones(tmp_path: Path) -> None:
    old, new = put(tmp_path, "old", 1), put(tmp_path, "new", 2)
    put(tmp_path, "halved", 3).kernel.unlink()
    (tmp_path / "bundles" / "stray").mkdir()
    assert store.bundles(tmp_path) == [new, old]
    assert store.bundles(tmp_path / "nowhere") == []


def test_newest_of_a_recipe(tmp_path: Path) -> None:
    put(tmp_path, "a", 1)
    b = put(tmp_path, "b", 2)
    put(tmp_path, "c", 3, recipe="other")
    assert store.newest(tmp_path, "tiny", "r") == b
    assert store.newest(tmp_path, "tiny", "changed") is None


def test_prune_keeps_the_newest_of_each_recipe_and_what_is_in_use(tmp_path: Path) -> None:
    for name, built_at in (("a", 1), ("b", 2), ("c", 3)):
        put(tmp_path, name, built_at)
    put(tmp_path, "other", 0, recipe="other")
    assert store.prune(tmp_path, keep=["a"]) == ["b"]
    assert {bundle.name for bundle in store.bundles(tmp_path)} == {"a", "c", "other"}


def test_working_directory_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with store.working_directory(tmp_path) as work:
            (work / "vmlinux").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_rubbish_of_a_killed_build_goes(tmp_path: Path) -> None:
    (tmp_path / "building" / "left").mkdir(parents=True)
    with store.working_directory(tmp_path) as work:
        assert list((tmp_path / "building").iterdir()) == [work]


def mountinfo(place: Path, target: Path) -> Path:
    """A mount table as proc(5) describes it, with *target* mounted."""
    table = place / "mountinfo"
    escaped = str(target).replace(" ", "\\040")
    table.write_text(
        f"22 1 0:20 / / rw - ext4 /dev/vda rw\n36 22 0:27 / {escaped} rw - tmpfs x rw\n"
    )
    return table


@pytest.mark.parametrize("below", ["x/dev/shm", "with space/proc", "."])
def test_what_is_mounted_in_rubbish_is_left_alone(tmp_path: Path, below: str) -> None:
    building = tmp_path / "building"
    (building / below).mkdir(parents=True, exist_ok=True)
    (building / below / "of the host").touch()
    table = mountinfo(tmp_path, building / below)
    assert not store.remove_rubbish(building, table)
    assert (building / below / "of the host").exists()


def test_rubbish_without_mounts_goes(tmp_path: Path) -> None:
    (tmp_path / "building" / "x").mkdir(parents=True)
    table = mountinfo(tmp_path, tmp_path / "building-of-others")
    assert store.remove_rubbish(tmp_path / "building", table)
    assert store.remove_rubbish(tmp_path / "building", table)  # gone already


def test_build_beside_rubbish_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "building" / "x").mkdir(parents=True)
    table = mountinfo(tmp_path, tmp_path / "building" / "x")
    remove = store.remove_rubbish
    monkeypatch.setattr(store, "remove_rubbish", lambda path: remove(path, table))
    with store.working_directory(tmp_path) as work:
        assert work.is_dir()
    assert (tmp_path / "building" / "x").is_dir()


def test_publish_shows_a_bundle_whole(tmp_path: Path) -> None:
    seen: list[bool] = []
    target = tmp_path / "bundles" / "tiny-1"
    with store.working_directory(tmp_path) as work:
        (work / "vmlinux").write_bytes(b"kernel")
        seen.append(target.exists())
        assert store.publish(work, tmp_path, "tiny-1") == target
    assert seen == [False]
    assert (target / "vmlinux").read_bytes() == b"kernel"
    assert target.stat().st_mode & 0o777 == 0o755


def test_publish_syncs_before_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def synced(descriptor: int) -> None:
        calls.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    rename = Path.rename

    def renamed(self: Path, target: Path) -> Path:
        calls.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    with store.working_directory(tmp_path) as work:
        (work / "vmlinux").touch()
        store.publish(work, tmp_path, "tiny-1")
        assert calls == ["vmlinux", work.name, "rename", "bundles"]


def test_publish_replaces_a_damaged_bundle(tmp_path: Path) -> None:
    put(tmp_path, "tiny-1", 1)
    with store.working_directory(tmp_path) as work:
        store.publish(work, tmp_path, "tiny-1")
    assert list((tmp_path / "bundles" / "tiny-1").iterdir()) == []


def hold_lock(cache: Path, held: Event, let_go: Event) -> None:
    with store.build_lock(cache, on_wait=lambda: None):
        held.set()
        let_go.wait()


@contextmanager
def another_build(cache: Path) -> Iterator[Event]:
    """A process that has the lock until the event is set, at the latest until the end."""
    context = multiprocessing.get_context("spawn")
    held, let_go = context.Event(), context.Event()
    other = context.Process(target=hold_lock, args=(cache, held, let_go))
    other.start()
    try:
        assert held.wait(60)
        yield let_go
    finally:
        let_go.set()
        other.join(60)


def test_second_builder_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def on_wait() -> None:
        order.append("waits")
        waiting.set()

    def second() -> None:
        with store.build_lock(tmp_path, on_wait=on_wait):
            order.append("has it")

    with another_build(tmp_path) as let_go:
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(60)
        assert set(order) == {"waits"}
        let_go.set()
        thread.join(60)
    assert order[-1] == "has it"


def test_who_waits_can_give_up(tmp_path: Path) -> None:
    asked = itertools.count()

    def on_wait() -> None:
        if next(asked) == 2:
            raise KeyboardInterrupt

    with (
        another_build(tmp_path),
        pytest.raises(KeyboardInterrupt),
        store.build_lock(tmp_path, on_wait=on_wait),
    ):
        raise AssertionError


def test_free_lock_is_taken_at_once(tmp_path: Path) -> None:
    waits: list[None] = []
    append: Callable[[], None] = lambda: waits.append(None)  # noqa: E731
    for _ in range(2):
        with store.build_lock(tmp_path / "new", on_wait=append):
            pass
    assert waits == []


def test_space_is_asked_for_beforehand(tmp_path: Path) -> None:
    store.require_space(tmp_path, 1)
    with pytest.raises(NoSpace, match=r"about \d+ MiB needed, \d+ MiB free") as caught:
        store.require_space(tmp_path, 1 << 60)
    assert caught.value.path == tmp_path
    assert caught.value.needed == 1 << 60


def test_disk_full() -> None:
    assert store.is_disk_full(OSError(errno.ENOSPC, "full"))
    assert store.is_disk_full(OSError(errno.EDQUOT, "quota"))
    assert not store.is_disk_full(OSError(errno.EIO, "broken"))
