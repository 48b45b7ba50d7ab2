"""What a host needs before it can build guests: one list for installers, ``doctor`` and us."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from webvdi.guests.errors import HostNotReady
from webvdi.guests.recipe import Recipe

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# mke2fs and friends live in directories that an ordinary user's PATH may lack.
SYSTEM_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_SUBORDINATE = (Path("/etc/subuid"), Path("/etc/subgid"))
_STATUS = Path("/proc/self/status")

# Returns where a program, or an absolute path, is on this host; None where it is not.
Finder: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class HostPackage:
    """A Debian/Ubuntu package, and how to see that what we need of it is there."""

    name: str
    provides: str  # a program's name, or the absolute path of a file
    purpose: str
    for_disks: bool = False  # only guests with a system disk need it
    for_users: bool = False  # only builds by an ordinary user need it

    def is_there(self, find: Finder) -> bool:
        """Whether it is installed, or something equivalent is."""
        return find(self.provides) is not None


HOST_PACKAGES: tuple[HostPackage, ...] = (
    HostPackage("apt", "apt-get", "fetches and verifies Debian packages"),
    HostPackage("dpkg", "dpkg-deb", "reads Debian packages"),
    HostPackage("debian-archive-keyring", str(KEYRING), "the keys that Debian signs with"),
    HostPackage("e2fsprogs", "mke2fs", "makes the guest's disks"),
    HostPackage("e2fsprogs", "debugfs", "sets owners on the guest's system disk", for_disks=True),
    HostPackage("mmdebstrap", "mmdebstrap", "installs Debian into a directory", for_disks=True),
    HostPackage("qemu-utils", "qemu-img", "packs the guest's system disk", for_disks=True),
    HostPackage(
        "uidmap",
        "newuidmap",
        "lets an ordinary user install Debian into a directory",
        for_disks=True,
        for_users=True,
    ),
)


def find_program(name: str) -> str | None:
    """Return where *name* (a program, or an absolute path) is on this host, or None."""
    if name.startswith("/"):
        return name if Path(name).exists() else None
    return shutil.which(name) or shutil.which(name, path=":".join(SYSTEM_PATH))


def host_packages(recipe: Recipe | None = None, *, root: bool | None = None) -> list[HostPackage]:
    """Return what a host needs to build *recipe*, or (None) any guest, as root or as a user.

    *root* None asks who runs this.
    """
    root = os.geteuid() == 0 if root is None else root
    disks = recipe is None or recipe.system_disk is not None
    return [
        package
        for package in HOST_PACKAGES
        if (disks or not package.for_disks) and not (root and package.for_users)
    ]


def missing_packages(
    find: Finder = find_program, *, recipe: Recipe | None = None, root: bool | None = None
) -> tuple[HostPackage, ...]:
    """Return what has to be installed before *recipe* (None: any guest) can be built here."""
    needed = host_packages(recipe, root=root)
    return tuple(package for package in needed if not package.is_there(find))


def require(recipe: Recipe, find: Finder = find_program) -> None:
    """Raise :class:`HostNotReady` unless *recipe* can be built on this host."""
    missing = list(missing_packages(find, recipe=recipe))
    if recipe.system_disk is None:  # its data disk is made later
        missing = [package for package in missing if package.name != "e2fsprogs"]
    if missing:
        raise _lacking(missing)
    if recipe.system_disk is not None and os.geteuid() != 0:
        _require_user_namespaces(find)


def _lacking(missing: list[HostPackage]) -> HostNotReady:
    names = tuple(dict.fromkeys(package.name for package in missing))
    if any(name in ("apt", "dpkg") for name in names):
        message = "guests are built from Debian packages, which needs a Debian or Ubuntu host"
        return HostNotReady(message, names)
    what = " and ".join(f"{package.provides} is missing: {package.purpose}" for package in missing)
    return HostNotReady(what, names)


def _require_user_namespaces(find: Finder) -> None:
    """Raise unless this user may be root in a namespace of his own (user_namespaces(7))."""
    if _may_gain_nothing():
        raise HostNotReady(
            "this process may use no setuid programs (NoNewPrivileges), and newuidmap, which "
            "building this guest without root needs, is one; remove NoNewPrivileges from the "
            "service's unit, or build as root"
        )
    user = getpass.getuser()
    for path in _SUBORDINATE:
        lines = path.read_text().splitlines() if path.exists() else []
        if not any(line.partition(":")[0] in (user, str(os.getuid())) for line in lines):
            raise HostNotReady(
                f"{path} gives no ids to {user}, which building this guest without root needs; "
                f"run this as root: usermod --add-subuids 100000-165535 --add-subgids "
                f"100000-165535 {user} – or build as root"
            )
    argv = [find("unshare") or "unshare", "--user", "--map-root-user", "true"]
    if subprocess.run(argv, capture_output=True).returncode != 0:
        raise HostNotReady(
            "this host lets ordinary users make no user namespaces (sysctl "
            "kernel.unprivileged_userns_clone, user.max_user_namespaces, or "
            "kernel.apparmor_restrict_unprivileged_userns), which building this guest without "
            "root needs; allow them, or build as root"
        )


def _may_gain_nothing() -> bool:
    """Whether setuid programs run with our own rights only (prctl(2), PR_SET_NO_NEW_PRIVS)."""
    return "NoNewPrivs:\t1" in _STATUS.read_text()


def program(name: str) -> str:
    """Return the path of a program that :data:`HOST_PACKAGES` lists.

    Raises :class:`HostNotReady`.
    """
    found = find_program(name)
    if found is None:
        owner = next(package for package in HOST_PACKAGES if package.provides == name)
        raise HostNotReady(f"{name} is missing: {owner.purpose}", (owner.name,))
    return found
