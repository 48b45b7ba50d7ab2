"""Debian packages as the signed index describes them (deb-control(5), Debian policy §5.1)."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webvdi.guests.errors import ChecksumMismatch

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Package:
    """One version of one package."""

    name: str
    version: str
    architecture: str
    size: int  # bytes of the .deb
    sha256: str
    depends: str  # the field as it stands

    @property
    def file_name(self) -> str:
        """The name that apt gives to the file (a colon in the version is escaped)."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


def parse_index(text: str) -> Iterator[Package]:
    """Yield the packages of an index, or of what ``apt-cache show`` prints.

    Raises ``ValueError`` for a record without hash or size: what cannot be checked is not used.
    """
    for stanza in text.split("\n\n"):
        if not stanza.strip():
            continue
        fields = dict(re.findall(r"^([A-Za-z0-9-]+): *(.*)$", stanza, re.MULTILINE))
        try:
            yield Package(
                name=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
                size=int(fields["Size"]),
                sha256=fields["SHA256"],
                depends=fields.get("Depends", ""),
            )
        except KeyError as error:
            name = fields.get("Package", "a package")
            raise ValueError(f"the index record of {name} lacks {error}") from error


def depends_on(package: Package, pattern: str) -> str | None:
    """Return the first package in Depends whose whole name matches the regular expression."""
    for part in re.split(r"[,|]", package.depends):
        name = part.strip().partition(" ")[0]
        if re.fullmatch(pattern, name):
            return name
    return None


def sha256_of(path: Path) -> str:
    """Return the SHA256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def verify(path: Path, package: Package) -> None:
    """Check the file at *path* against the index; a wrong one is removed.

    Raises :class:`ChecksumMismatch`.
    """
    found = sha256_of(path)
    if found != package.sha256:
        path.unlink()
        raise ChecksumMismatch(path, expected=package.sha256, found=found)
