"""Lists of VNC servers in files, as ``webvdi view`` takes them.

Two forms, told apart by the file's name:

``*.toml``
    a table for each target, by its name::

        [office]
        endpoint = "tcp:192.0.2.7:5900"
        title = "The PC in the office"     # optional, as is all that follows
        password_file = "office.password"  # beside this file, or an absolute path
        tls = { ca_file = "ca.pem" }       # see display/tls.py; {} for the system's authorities

anything else
    a line for each target, as websockify's *TokenFile* has it (``name: host:port`` or
    ``name: unix_socket:path``, ``#`` before comments); in place of host and port our own way to
    write endpoints is understood, too.

A directory stands for all files in it; those whose names begin with a dot are passed over.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webvdi.base.errors import Refused
from webvdi.display.endpoint import (
    Endpoint,
    EndpointError,
    TcpEndpoint,
    UnixEndpoint,
    parse_endpoint,
    parse_host_and_port,
)
from webvdi.display.tls import TlsPolicy, TlsPolicyError

MAX_FILE_BYTES: Final = 1 << 20
MAX_TARGETS: Final = 10_000
MAX_TITLE: Final = 200

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEYS: Final = ("endpoint", "title", "password_file", "tls")
_WEBSOCKIFY_LINE: Final = re.compile(r"(\S+?):\s+(\S.*)")
_UNIX_SOCKET: Final = "unix_socket:"


class TargetsInvalid(Refused):
    """A list of targets cannot be used; the message says where, why, and what to write."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="bad_targets")


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """One VNC server that can be looked at."""

    name: str
    """Of the alphabet of session names; unique in a list."""
    title: str
    """For people."""
    endpoint: Endpoint
    password_file: Path | None = None
    """Its first line is the password; whether it can be read is seen when it is."""
    tls: TlsPolicy | None = None


def read_targets(path: Path) -> tuple[NamedTarget, ...]:
    """All targets of a file, or of the files of a directory, in their order.

    Raises :class:`TargetsInvalid`, also if there are none.
    """
    places: dict[str, str] = {}
    targets: list[NamedTarget] = []
    for file in _files(path):
        read = _read_tables if file.suffix == ".toml" else _read_lines
        for target, place in read(file, _text(file)):
            first = places.setdefault(target.name, place)
            if first != place:
                raise TargetsInvalid(
                    f"{place}: there is a target {target.name!r} already, in {first}"
                )
            targets.append(target)
            if len(targets) > MAX_TARGETS:
                raise TargetsInvalid(f"{path} names more than {MAX_TARGETS} targets")
    if not targets:
        raise TargetsInvalid(f"{path} names no targets")
    return tuple(targets)


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        files = sorted(path.iterdir())
        return [file for file in files if file.is_file() and not file.name.startswith(".")]
    except OSError as error:
        raise TargetsInvalid(f"the targets in {path} cannot be read: {error}") from error


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise TargetsInvalid(f"the targets in {file} cannot be read: {error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise TargetsInvalid(f"{file} has more than {MAX_FILE_BYTES} bytes: is it the right file?")
    return text


# --- websockify's lines -----------------------------------------------------------------------


def _read_lines(file: Path, text: str) -> Iterator[tuple[NamedTarget, str]]:
    for number, whole_line in enumerate(text.splitlines(), 1):
        line = whole_line.strip()
        if not line or line.startswith("#"):
            continue
        place = f"{file}, line {number}"
        match = _WEBSOCKIFY_LINE.fullmatch(line)
        if match is None:
            raise TargetsInvalid(
                f"{place}: {line!r} is no target; write NAME: HOST:PORT or NAME: unix_socket:PATH"
            )
        token, where = match[1], match[2].rstrip()
        # Tokens may have capital letters, and names in URLs of ours not.
        name = _checked_name(token.lower(), place)
        try:
            yield NamedTarget(name, token, _websockify_endpoint(where)), place
        except EndpointError as error:
            raise TargetsInvalid(f"{place}: {error}") from error


def _websockify_endpoint(where: str) -> Endpoint:
    if where.startswith(_UNIX_SOCKET) and where != _UNIX_SOCKET:
        return UnixEndpoint(Path(where.removeprefix(_UNIX_SOCKET)))
    if where.partition(":")[0] in ("tcp", "unix", "listen"):
        # A host with such a name and a port is meant only where nothing else can be.
        try:
            return parse_endpoint(where)
        except EndpointError:
            pass
    return TcpEndpoint(*parse_host_and_port(where, where, "HOST:PORT"))


# --- our tables -------------------------------------------------------------------------------


def _read_tables(file: Path, text: str) -> Iterator[tuple[NamedTarget, str]]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetsInvalid(f"{file} is no TOML: {error}") from error
    for name, table in tables.items():
        place = _place(file, text, name)
        if not isinstance(table, dict):
            raise TargetsInvalid(
                f"{place}: {name!r} is no table; write [NAME] and below it the endpoint"
            )
        yield _target(_checked_name(name, place), table, file, place), place


def _place(file: Path, text: str, name: str) -> str:
    """Where the table *name* begins; tomllib does not tell."""
    quoted = re.escape(name)
    beginning = re.compile(rf"\s*\[?\s*[\"']?{quoted}[\"']?\s*[].=]")
    for number, line in enumerate(text.splitlines(), 1):
        if beginning.match(line):
            return f"{file}, line {number}"
    return f"{file}, target {name!r}"


def _target(name: str, table: dict[str, object], file: Path, place: str) -> NamedTarget:
    for key in table:
        if key not in _KEYS:
            raise TargetsInvalid(f"{place}: there is no {key!r}; there are {', '.join(_KEYS)}")
    endpoint = _word(table, "endpoint", place)
    if endpoint is None:
        raise TargetsInvalid(f'{place}: {name!r} has no endpoint; write endpoint = "tcp:HOST:PORT"')
    password_file = _word(table, "password_file", place)
    title = _word(table, "title", place) or name
    if len(title) > MAX_TITLE:
        raise TargetsInvalid(f"{place}: the title has more than {MAX_TITLE} characters")
    try:
        return NamedTarget(
            name,
            title,
            parse_endpoint(endpoint),
            None if password_file is None else _beside(file, password_file),
            _tls(table, file),
        )
    except (EndpointError, TlsPolicyError) as error:
        raise TargetsInvalid(f"{place}: {error}") from error


def _word(table: dict[str, object], key: str, place: str) -> str | None:
    value = table.get(key)
    if value is None or (isinstance(value, str) and value):
        return value
    raise TargetsInvalid(f"{place}: {key!r} must be a text, not {value!r}")


def _tls(table: dict[str, object], file: Path) -> TlsPolicy | None:
    if "tls" not in table:
        return None
    settings = table["tls"]
    policy = TlsPolicy.from_json(settings)
    if policy.ca_file is None:
        return policy
    return TlsPolicy(_beside(file, str(policy.ca_file)), policy.host_name)


def _beside(file: Path, path: str) -> Path:
    """Paths in a file are seen from where the file is."""
    return file.absolute().parent / Path(path).expanduser()


def _checked_name(name: str, place: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise TargetsInvalid(
            f"{place}: {name!r} cannot be a name: those have at most 64 of a-z, 0-9, '-', '_' and "
            "'.', and begin with a letter or digit"
        )
    return name
