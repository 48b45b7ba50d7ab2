import pytest

from unit.guests.synthetic import elf_program, kernel_module
from webvdi.guests import elf


def test_needed_libraries_in_their_order() -> None:
    assert elf.needed(elf_program("libX11.so.6", "libc.so.6")) == ["libX11.so.6", "libc.so.6"]


def test_static_program_needs_nothing() -> None:
    assert elf.needed(elf_program()) == []


def test_relocatable_file_needs_nothing() -> None:
    assert elf.needed(kernel_module("depends=a")) == []


def test_this_python_needs_libc() -> None:
    with open("/proc/self/exe", "rb") as file:  # noqa: PTH123 - follows the link as it is
        needed = elf.needed(file.read())
    assert "libc.so.6" in needed


def test_section() -> None:
    module = kernel_module("license=GPL", "depends=virtio")
    assert elf.section(module, ".modinfo") == b"license=GPL\0depends=virtio\0"
    assert elf.section(module, ".text") == b""


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(64)])
def test_other_files_are_refused(data: bytes) -> None:
    assert not elf.is_elf(data)
    with pytest.raises(ValueError, match="not a 64-bit"):
        elf.needed(data)


def test_damage_is_named_at_every_length() -> None:
    whole = elf_program("libc.so.6")
    for length in range(6, len(whole) - 32):
        with pytest.raises(ValueError, match="ELF"):
            elf.needed(whole[:length])
