from pathlib import Path

import pytest

from unit.guests.synthetic import kernel_module, tree_of
from webvdi.guests.assemble import add_modules, add_own_files, set_user_id
from webvdi.guests.errors import RecipeError
from webvdi.guests.tree import Directory, File, FileTree

BASE = "usr/lib/modules/6.1.0-56-amd64"


def kernel() -> FileTree:
    return tree_of(
        {
            "boot/vmlinuz-6.1.0-56-amd64": b"",
            f"{BASE}/kernel/virtio/virtio-net.ko": kernel_module("depends=failover", "alias=v:1"),
            f"{BASE}/kernel/net/failover.ko": kernel_module("depends="),
            f"{BASE}/kernel/other.ko": kernel_module("depends=", "alias=o:1"),
        }
    )


def test_modules_with_their_tables() -> None:
    chosen = FileTree()
    add_modules(chosen, kernel(), ["virtio_net"])
    assert f"{BASE}/kernel/net/failover.ko" in chosen
    assert f"{BASE}/kernel/other.ko" not in chosen
    dep, alias = (chosen.get(f"{BASE}/modules.{name}") for name in ("dep", "alias"))
    assert isinstance(dep, File)
    assert b"kernel/virtio/virtio-net.ko: kernel/net/failover.ko\n" in dep.data
    assert alias == File(b"alias v:1 virtio_net\n")


def test_missing_module_is_named() -> None:
    with pytest.raises(RecipeError, match="no module 'gone'"):
        add_modules(FileTree(), kernel(), ["gone"])


def test_scripts_become_executable(tmp_path: Path) -> None:
    (tmp_path / "etc" / "empty").mkdir(parents=True)
    (tmp_path / "init").write_text("#!/bin/sh\n")
    (tmp_path / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    chosen = FileTree()
    add_own_files(chosen, tmp_path)
    assert chosen.get("init") == File(b"#!/bin/sh\n", 0o755)
    assert chosen.get("etc/hosts") == File(b"127.0.0.1 localhost\n", 0o644)
    assert chosen.get("etc/empty") == Directory()


def test_set_user_id() -> None:
    chosen = tree_of({"usr/bin/busybox": File(b"x", 0o755)})
    set_user_id(chosen, "usr/bin/busybox")
    assert chosen.get("usr/bin/busybox") == File(b"x", 0o4755)
    with pytest.raises(RecipeError, match="no program usr/bin/su"):
        set_user_id(chosen, "usr/bin/su")
