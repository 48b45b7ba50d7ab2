"""A private apt: Debian's packages on any Debian or Ubuntu host, whatever the host itself runs.

It has its own sources, lists, state and cache in one directory and changes nothing outside.  From
the host's configuration it takes how to reach the network (proxies, certificates), nothing else.
Trust is apt's: the Release file is signed by Debian's archive key, the index's hash is in the
Release file, and each package's hash is in the index.  See apt.conf(5), sources.list(5).
"""

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from webvdi.guests.build_log import BuildLog
from webvdi.guests.errors import BuildFailed, GuestError, MirrorUnreachable, NoSpace, RecipeError
from webvdi.guests.packages import Package, parse_index, verify
from webvdi.guests.progress import Progress, ProgressCallback
from webvdi.guests.requirements import KEYRING, program

ARCHITECTURE = "amd64"
_NETWORK_SETTINGS = re.compile(r'Acquire::(http|https|ftp|socks)::[^"]*"[^"\n]*";')
_STATUS_LINE = re.compile(r"dlstatus:\d+:([0-9.]+):")  # apt, doc/progress-reporting.md
_LISTS_BYTES = 64 << 20  # what the package lists take, unpacked
_NO_SPACE = ("No space left on device", "enough free space")


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where Debian's packages come from."""

    main: str = "http://deb.debian.org/debian"
    security: str = "http://deb.debian.org/debian-security"
    keyring: Path = KEYRING

    def sources(self, suite: str) -> str:
        """Return the text of sources.list for *suite*, its updates and security updates."""
        places = (
            (self.main, suite),
            (self.main, f"{suite}-updates"),
            (self.security, f"{suite}-security"),
        )
        options = f"[arch={ARCHITECTURE} signed-by={self.keyring}]"
        return "".join(f"deb {options} {url} {name} main\n" for url, name in places)


class PrivateApt:
    """One private apt root; not for two builds at once (the store's lock sees to that)."""

    def __init__(self, root: Path, mirror: Mirror, suite: str, log: BuildLog) -> None:
        self._root = root.resolve()
        self._log = log
        self.archives = self._root / "archives"
        self._config = self._root / "apt.conf"
        for name in ("lists/partial", "archives/partial", "cache"):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        (self._root / "status").touch()
        (self._root / "sources.list").write_text(mirror.sources(suite))
        network = self._host_network_settings()
        self.network_settings = tuple(network.splitlines())  # lines of apt.conf(5)
        self._config.write_text(private_config(self._root) + network)

    def update(self, progress: ProgressCallback) -> None:
        """Fetch the package lists, as far as they changed.

        Raises :class:`MirrorUnreachable`, :class:`NoSpace`, :class:`BuildFailed`.
        """
        phase = "Reading Debian's package lists"
        self._acquire(["update"], Progress(phase, 0, 100, "items"), progress, cwd=self._root)

    def candidates(self, names: Iterable[str]) -> list[Package]:
        """Return the newest version of each of *names*, in their order.

        Raises :class:`RecipeError` for a name that the archive does not have.
        """
        names = list(names)
        argv = [program("apt-get").replace("apt-get", "apt-cache"), "show", "--no-all-versions"]
        result = self._log.run([*argv, *names], env=self._environment())
        found = {package.name: package for package in parse_index(result.stdout)}
        missing = [name for name in names if name not in found]
        if missing:
            raise RecipeError(f"the archive has no package {', '.join(missing)}")
        return [found[name] for name in names]

    def closure(self, names: Iterable[str]) -> list[str]:
        """Return the names of what is installed where *names* and all essential packages are.

        Raises :class:`RecipeError` where they cannot be installed together.
        """
        argv = [program("apt-get"), "-qq", "--simulate", "-o", "APT::Install-Recommends=false"]
        argv += ["install", "?essential", "apt", *names]
        result = self._log.run(argv, env=self._environment())
        if result.returncode != 0:
            reason = result.stderr.strip() or result.stdout.strip()
            raise RecipeError(f"the packages cannot be installed together: {reason}")
        return re.findall(r"^Inst (\S+) ", result.stdout, re.MULTILINE)

    def missing(self, packages: Iterable[Package]) -> list[Package]:
        """Return those that still have to be fetched."""
        return [package for package in packages if not self._is_whole(package)]

    def fetch(self, packages: Sequence[Package], progress: ProgressCallback) -> list[Path]:
        """Fetch *packages* as needed, check every one, and return their files in order.

        Raises :class:`ChecksumMismatch`, :class:`MirrorUnreachable`, :class:`NoSpace`,
        :class:`BuildFailed`.
        """
        missing = self.missing(packages)
        if missing:
            size = sum(package.size for package in missing)
            start = Progress(f"Fetching {len(missing)} packages", 0, size, "bytes")
            wanted = [f"{package.name}={package.version}" for package in missing]
            self._acquire(["download", *wanted], start, progress, cwd=self.archives)
        paths = [self.archives / package.file_name for package in packages]
        for path, package in zip(paths, packages, strict=True):
            if not path.exists():
                raise BuildFailed(f"apt-get did not leave {path.name} in {path.parent}")
            verify(path, package)
        return paths

    def _is_whole(self, package: Package) -> bool:
        """Whether the file is there; a shorter one is an interrupted download and goes away."""
        path = self.archives / package.file_name
        if path.exists() and path.stat().st_size < package.size:
            path.unlink()
        return path.exists()

    def _acquire(
        self, arguments: list[str], start: Progress, progress: ProgressCallback, *, cwd: Path
    ) -> None:
        """Run apt-get, reporting its status lines as progress."""
        progress(start)
        reader, writer = os.pipe()
        argv = [program("apt-get"), "-q", "-o", f"APT::Status-Fd={writer}", *arguments]
        self._log.line("$ " + " ".join(argv))
        output = self._root / "apt-get.output"
        with (
            output.open("w+", encoding="utf-8", errors="replace") as captured,
            os.fdopen(reader, encoding="utf-8", errors="replace") as status,
        ):
            try:
                process = subprocess.Popen(
                    argv,
                    env=self._environment(),
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=captured,
                    stderr=subprocess.STDOUT,
                    pass_fds=[writer],
                )
            finally:
                os.close(writer)
            with process:
                try:
                    for line in status:
                        if match := _STATUS_LINE.match(line):
                            progress(_advanced(start, float(match[1])))
                except BaseException:
                    process.terminate()
                    raise
            captured.seek(0)
            text = captured.read()
        self._log.outcome(process.returncode, text)
        if process.returncode != 0:
            needed = start.total if start.unit == "bytes" else _LISTS_BYTES
            raise self._failure(text, needed)
        progress(_advanced(start, 100.0))

    def _failure(self, output: str, needed: int) -> GuestError:
        """Name what went wrong from what apt-get printed."""
        if any(mark in output for mark in _NO_SPACE):
            status = os.statvfs(self._root)
            return NoSpace(self._root, needed=needed, free=status.f_bavail * status.f_frsize)
        errors = [line for line in output.splitlines() if line.startswith(("E: ", "W: ", "Err:"))]
        # "Err:" names a place only, "E:" the reason as well.
        errors.sort(key=lambda line: not line.startswith("E: "))
        reason = errors[0] if errors else "no reason given"
        if any("not signed" in line or "NO_PUBKEY" in line for line in errors):
            return BuildFailed(f"apt does not trust the mirror: {reason}")
        return MirrorUnreachable(
            f"Debian's packages could not be fetched: {reason} – check the network, the proxy "
            "settings in apt's configuration, or choose another mirror"
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "APT_CONFIG": str(self._config), "LC_ALL": "C"}

    def _host_network_settings(self) -> str:
        """Return the host's own apt settings for proxies and certificates."""
        argv = [program("apt-get").replace("apt-get", "apt-config"), "dump"]
        result = self._log.run(argv, env={**os.environ, "LC_ALL": "C"})
        return network_settings(result.stdout)


def network_settings(dump: str) -> str:
    """Return from the output of ``apt-config dump`` the lines on how to reach the network."""
    lines = [line for line in dump.splitlines() if _NETWORK_SETTINGS.fullmatch(line)]
    return "".join(f"{line}\n" for line in lines)


def private_config(root: Path) -> str:
    """Return the apt.conf of a private root."""
    settings = {
        "Dir": root,
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::sourcelist": root / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Etc::trusted": "/dev/null",
        "Dir::Etc::trustedparts": "/dev/null",
        # Passwords for mirrors and proxies stay where the host keeps them.
        "Dir::Etc::netrc": "/etc/apt/auth.conf",
        "Dir::Etc::netrcparts": "/etc/apt/auth.conf.d",
        "Dir::State": root,
        "Dir::State::lists": root / "lists",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Cache::archives": root / "archives",
        "APT::Architecture": ARCHITECTURE,
        "APT::Architectures": ARCHITECTURE,
        # apt run by root would else drop to a user who cannot reach a private directory.
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",  # a mirror that fails is an error, not a warning
        "Acquire::Languages": "none",
        "Acquire::PDiffs": "false",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "20",
        "Acquire::https::Timeout": "20",
    }
    return "".join(f'{key} "{value}";\n' for key, value in settings.items())


def _advanced(start: Progress, percent: float) -> Progress:
    done = min(start.total, int(start.total * percent / 100))
    return Progress(start.phase, done, start.total, start.unit)
