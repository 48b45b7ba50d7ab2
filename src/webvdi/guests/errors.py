"""What can go wrong while a guest is built.

::

    GuestError
    ├── HostNotReady        a program or keyring is missing on this host; names the package
    ├── MirrorUnreachable   the Debian mirror cannot be reached, or does not have what it lists
    ├── ChecksumMismatch    a package is not the one that Debian signed
    ├── NoSpace             the disk is, or would be, full
    ├── RecipeError         the recipe asks for something that its packages do not hold
    └── BuildFailed         anything else; the build log tells more
"""

from pathlib import Path

from webvdi.base.errors import WebvdiError

MIB = 1 << 20


class GuestError(WebvdiError):
    """A guest could not be built."""

    log_path: Path | None = None  # the log of the build that failed, once it is known

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} (build log: {self.log_path})" if self.log_path else message


class HostNotReady(GuestError):
    """This host lacks something; *packages* are the Debian packages that bring it, if any do."""

    def __init__(self, what: str, packages: tuple[str, ...] = ()) -> None:
        remedy = f"; install it with: apt-get install {' '.join(packages)}" if packages else ""
        super().__init__(what + remedy)
        self.packages = packages


class MirrorUnreachable(GuestError):
    """The package mirror did not answer, or no longer has what its index lists."""


class ChecksumMismatch(GuestError):
    """A package file differs from what the signed package index says; it has been removed."""

    def __init__(self, path: Path, *, expected: str, found: str) -> None:
        super().__init__(
            f"{path} is not the file that Debian signed (SHA256 {found}, expected {expected}); "
            "it has been removed: build again to fetch it afresh"
        )
        self.path = path


class NoSpace(GuestError):
    """The disk is too full, with sizes in bytes."""

    def __init__(self, path: Path, *, needed: int, free: int) -> None:
        super().__init__(
            f"not enough disk space at {path}: about {needed / MIB:.0f} MiB needed, "
            f"{free / MIB:.0f} MiB free; make room there, or choose another directory"
        )
        self.path = path
        self.needed = needed
        self.free = free


class RecipeError(GuestError):
    """A recipe is wrong, or its packages no longer hold what it asks for."""


class BuildFailed(GuestError):
    """The build failed in a way this program has no better word for."""
