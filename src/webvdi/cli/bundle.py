"""What ``webvdi doctor --bundle`` writes: all that helps others to help, and no secret.

Only what is named here goes in, nothing is swept up: no keys, no passwords, no login tokens, no
disks, no notes, no serial logs (guests print what they like on those).
"""

import importlib.metadata
import io
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webvdi import __version__
from webvdi.base.paths import Places
from webvdi.cli.claim import holder_of
from webvdi.cli.output_file import write_output

if TYPE_CHECKING:
    from webvdi.cli.doctor import Examination

MAX_LOG_BYTES = 256 << 10
"""Of each log, its end."""

MAX_LOGS = 20

ENVIRONMENT = (
    *("PATH", "LANG", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"),
    *("WEBVDI_LOG", "WEBVDI_STATE", "WEBVDI_LISTEN", "WEBVDI_URL", "WEBVDI_BEHIND_PROXY"),
    *("WEBVDI_TLS_CERT", "WEBVDI_TLS_KEY", "WEBVDI_TLS_SELF_SIGNED"),
)

_SECRET_NAME = re.compile(r"pass|secret|token|key|cookie|credential", re.IGNORECASE)
_TOKEN = re.compile(r"(token=|join#)[^\s\"'&]+")
_LEFT_OUT = ("notes",)

REDACTED = "(left out)"


def write_bundle(path: Path, where: Places, examination: "Examination", *, force: bool) -> Path:
    """Write the bundle at *path*, for its owner's eyes until they have looked into it."""
    parts = {
        "findings.json": _json([asdict(finding) for finding in examination.findings]),
        "machines.json": _json(redact(list(examination.machines))),
        "journals.json": _json(redact(dict(examination.journals))),
        "versions.json": _json(versions()),
        "settings.json": _json(settings(where)),
        **{f"logs/{name}": data for name, data in logs(where).items()},
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in parts.items():
            member = tarfile.TarInfo(f"webvdi-doctor/{name}")
            member.size, member.mtime, member.mode = len(data), int(time.time()), 0o600
            tar.addfile(member, io.BytesIO(data))
    write_output(path, out.getvalue(), force=force, mode=0o600)
    return path


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def redact(value: Any) -> Any:
    """*value* without what has a secret's name, and without tokens inside texts."""
    if isinstance(value, dict):
        return {
            name: REDACTED if item and _is_secret(str(name)) else redact(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    if isinstance(value, str):
        return _TOKEN.sub(rf"\1{REDACTED}", value)
    return value


def _is_secret(name: str) -> bool:
    return name in _LEFT_OUT or (_SECRET_NAME.search(name) is not None and name != "key_file")


def versions() -> dict[str, Any]:
    """Of everything that takes part."""
    packages = importlib.metadata.requires("webvdi") or []
    names = [re.split(r"[\[<>=~! ;]", package)[0] for package in packages]
    return {
        "webvdi": __version__,
        "python": sys.version,
        "kernel": platform.platform(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "qemu": _first_line("qemu-system-x86_64", "--version"),
        "systemd": _first_line("systemctl", "--version"),
        "packages": {name: _version(name) for name in names},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "missing"
    return (done.stdout or done.stderr).partition("\n")[0]


def settings(where: Places) -> dict[str, Any]:
    """How the service was started, and where things are."""
    holder = holder_of(where.state)
    run = Path(holder.run) if holder is not None else where.run
    try:
        web = json.loads((run / "web.json").read_bytes())
    except (OSError, ValueError):
        web = None
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return {
        "state": str(where.state),
        "run": str(where.run),
        "service": redact(asdict(holder)) if holder is not None else None,
        "web": redact(web),
        "environment": environment,
        "uid": os.getuid(),
        "groups": os.getgroups(),
    }


def logs(where: Places) -> dict[str, bytes]:
    """The ends of our own logs: of guest builds, and of the service where systemd keeps it."""
    found = {}
    for log in sorted(where.cache.rglob("*.log"))[:MAX_LOGS]:
        if log.is_file():
            found[str(log.relative_to(where.cache)).replace("/", "-")] = _end_of(log)
    for flavour in ([], ["--user"]):
        journal = _service_log(flavour)
        if journal:
            found[f"service{''.join(flavour)}.log"] = journal
    return found


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MAX_LOG_BYTES))
        return _clean(file.read(MAX_LOG_BYTES))


def _service_log(flavour: list[str]) -> bytes:
    command = ["journalctl", *flavour, "--unit=webvdi", "--lines=1000", "--no-pager", "--quiet"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return _clean(done.stdout[-MAX_LOG_BYTES:])


def _clean(log: bytes) -> bytes:
    return _TOKEN.sub(rf"\1{REDACTED}", log.decode(errors="replace")).encode()
