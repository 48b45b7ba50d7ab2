import pytest

from unit.guests.synthetic import kernel_module
from webvdi.guests.kernel_modules import (
    ModuleInfo,
    load_order,
    module_name,
    modules_alias,
    modules_dep,
    read_module,
)


def needs(**modules: str) -> dict[str, ModuleInfo]:
    return {name: ModuleInfo(tuple(text.split()), ()) for name, text in modules.items()}


VIRTIO = needs(gpu="drm virtio", drm="", virtio="ring", ring="", net="virtio failover", failover="")


def test_name_of_a_file() -> None:
    assert module_name("kernel/drivers/char/virtio-rng.ko") == "virtio_rng"


def test_modinfo() -> None:
    data = kernel_module("license=GPL", "alias=virtio:d1v*", "alias=x", "depends=virtio-ring,drm")
    assert read_module(data) == ModuleInfo(("virtio_ring", "drm"), ("virtio:d1v*", "x"))


def test_module_that_needs_nothing() -> None:
    assert read_module(kernel_module("depends=", "name=drm")) == ModuleInfo((), ())


def test_what_is_needed_comes_first_and_once() -> None:
    assert load_order(["gpu", "net"], VIRTIO) == ["drm", "ring", "virtio", "gpu", "failover", "net"]


def test_wanted_names_may_have_dashes() -> None:
    assert load_order(["a-b"], needs(a_b="")) == ["a_b"]


def test_missing_module_is_named() -> None:
    with pytest.raises(KeyError, match="absent"):
        load_order(["a"], needs(a="absent"))


def test_circle_is_named() -> None:
    with pytest.raises(ValueError, match="a > b > a"):
        load_order(["a"], needs(a="b", b="a"))


def test_modules_dep_lists_the_first_to_load_last() -> None:
    paths = {name: f"kernel/{name}.ko" for name in ("gpu", "drm", "virtio", "ring")}
    assert modules_dep(paths, VIRTIO).splitlines() == [
        "kernel/drm.ko:",
        "kernel/gpu.ko: kernel/virtio.ko kernel/ring.ko kernel/drm.ko",
        "kernel/ring.ko:",
        "kernel/virtio.ko: kernel/ring.ko",
    ]


def test_modules_alias() -> None:
    infos = {"gpu": ModuleInfo((), ("virtio:d16v*", "pci:x")), "drm": ModuleInfo((), ())}
    assert modules_alias(infos) == "alias virtio:d16v* gpu\nalias pci:x gpu\n"
