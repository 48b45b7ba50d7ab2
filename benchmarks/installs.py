"""Puts the peers into a cache directory: their files never mix with the project's own."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Failed

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class NoVnc:
    """Where noVNC and websockify lie."""

    web: Path
    """A directory to serve: noVNC, and a page that uses it with its default settings."""
    websockify: Path


def cache_directory() -> Path:
    """Of benchmarks; it can be removed at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "webvdi" / "benchmarks"


def install_novnc() -> NoVnc:
    """noVNC from npm and websockify from PyPI, as the lock files say; does nothing twice."""
    locks = ("package.json", "package-lock.json", "requirements.txt", "peers/novnc.html")
    digest = hashlib.sha256(b"".join((HERE / lock).read_bytes() for lock in locks)).hexdigest()
    place = cache_directory() / f"novnc-{digest[:16]}"
    installed = NoVnc(place / "web", place / "venv" / "bin" / "websockify")
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        print(f"Installing noVNC and websockify in {place}", file=sys.stderr)
        _install_page(place)
        _install_websockify(place / "venv")
        (place / "complete").touch()
    return installed


def _install_page(place: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, place)
    npm = shutil.which("npm", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if npm is None:
        raise Failed("npm is needed to install noVNC")
    _run(npm, "ci", "--silent", "--no-audit", "--no-fund", cwd=place)
    shutil.copytree(place / "node_modules" / "@novnc" / "novnc", place / "web")
    shutil.copy(HERE / "peers" / "novnc.html", place / "web" / "index.html")


def _install_websockify(venv: Path) -> None:
    _run(sys.executable, "-m", "venv", str(venv))
    pip = (str(venv / "bin" / "python"), "-m", "pip", "install", "-q")
    lock = str(HERE / "requirements.txt")
    _run(*pip, "--disable-pip-version-check", "--require-hashes", "-r", lock)


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
