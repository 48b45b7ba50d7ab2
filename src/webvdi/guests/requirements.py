"""What a host needs before it can build guests: one list for installers, ``doctor`` and us."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from webvdi.guests.errors import HostNotReady

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# mke2fs and friends live in directories that an ordinary user's PATH may lack.
SYSTEM_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")

# Returns where a program, or an absolute path, is on this host; None where it is not.
Finder: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class HostPackage:
    """A Debian/Ubuntu package, and how to see that what we need of it is there."""

    name: str
    provides: str  # a program's name, or the absolute path of a file
    purpose: str

    def is_there(self, find: Finder) -> bool:
        """Whether it is installed, or something equivalent is."""
        return find(self.provides) is not None


HOST_PACKAGES: tuple[HostPackage, ...] = (
    HostPackage("apt", "apt-get", "fetches and verifies Debian packages"),
    HostPackage("dpkg", "dpkg-deb", "reads Debian packages"),
    HostPackage("debian-archive-keyring", str(KEYRING), "the keys that Debian signs with"),
    HostPackage("e2fsprogs", "mke2fs", "makes the guest's data disk"),
)


def find_program(name: str) -> str | None:
    """Return where *name* (a program, or an absolute path) is on this host, or None."""
    if name.startswith("/"):
        return name if Path(name).exists() else None
    return shutil.which(name) or shutil.which(name, path=":".join(SYSTEM_PATH))


def missing_packages(
    find: Finder = find_program,
) -> tuple[HostPackage, ...]:
    """Return what has to be installed before guests can be built here."""
    return tuple(package for package in HOST_PACKAGES if not package.is_there(find))


def require(*names: str, find: Finder = find_program) -> None:
    """Raise :class:`HostNotReady` unless the host packages *names* are there."""
    missing = [package for package in missing_packages(find) if package.name in names]
    if not missing:
        return
    if any(package.name in ("apt", "dpkg") for package in missing):
        message = "guests are built from Debian packages, which needs a Debian or Ubuntu host"
        raise HostNotReady(message, tuple(package.name for package in missing))
    what = " and ".join(f"{package.provides} is missing: {package.purpose}" for package in missing)
    raise HostNotReady(what, tuple(package.name for package in missing))


def program(name: str) -> str:
    """Return the path of a program that :data:`HOST_PACKAGES` lists.

    Raises :class:`HostNotReady`.
    """
    found = find_program(name)
    if found is None:
        owner = next(package for package in HOST_PACKAGES if package.provides == name)
        raise HostNotReady(f"{name} is missing: {owner.purpose}", (owner.name,))
    return found
