"""Kernel modules: which others they need, and the tables that modprobe reads.

A package of Debian's kernel holds no ``modules.dep``; that is made at installation.  All that is in
it, each module says about itself in its ``.modinfo`` section.
Source: modules.dep(5), depmod(8); Linux, include/linux/module.h (MODULE_INFO).
"""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from webvdi.guests import elf


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """What a module says about itself."""

    depends: tuple[str, ...]
    aliases: tuple[str, ...]


def module_name(path: str) -> str:
    """Return a module's name for the path of its file (``.../virtio-rng.ko`` is virtio_rng)."""
    return posixpath.basename(path).partition(".")[0].replace("-", "_")


def read_module(data: bytes) -> ModuleInfo:
    """Read the ``.modinfo`` section of the module file *data*.

    Raises ``ValueError`` if it is not an (uncompressed) module.
    """
    pairs = [
        entry.decode(errors="replace").partition("=")
        for entry in elf.section(data, ".modinfo").split(b"\0")
        if entry
    ]
    depends = [value for key, _, value in pairs if key == "depends"]
    return ModuleInfo(
        depends=tuple(name.replace("-", "_") for name in ",".join(depends).split(",") if name),
        aliases=tuple(value for key, _, value in pairs if key == "alias"),
    )


def load_order(wanted: Iterable[str], modules: Mapping[str, ModuleInfo]) -> list[str]:
    """Return *wanted* and everything they need, each after what it needs.

    Raises ``KeyError`` naming a module that *modules* lacks, ``ValueError`` for a circle.
    """
    order: list[str] = []
    underway: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in underway:
            raise ValueError(f"modules need each other: {' > '.join([*underway, name])}")
        underway.append(name)
        for dependency in modules[name].depends:
            visit(dependency)
        order.append(underway.pop())

    for name in wanted:
        visit(name.replace("-", "_"))
    return order


def modules_dep(paths: Mapping[str, str], modules: Mapping[str, ModuleInfo]) -> str:
    """Return the text of ``modules.dep`` for modules at *paths* (relative to the file's place)."""
    lines = []
    for name, path in sorted(paths.items()):
        # modprobe(8) loads the list from its end: the last is what nothing else here needs.
        needs = [paths[need] for need in reversed(load_order([name], modules)[:-1])]
        lines.append(" ".join([f"{path}:", *needs]))
    return "\n".join(lines) + "\n"


def modules_alias(modules: Mapping[str, ModuleInfo]) -> str:
    """Return the text of ``modules.alias``."""
    lines = [f"alias {alias} {name}" for name in sorted(modules) for alias in modules[name].aliases]
    return "\n".join(lines) + "\n"
