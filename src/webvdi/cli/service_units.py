"""The systemd units, for one user or for the host, and how they are installed.

``webvdi.service`` serves; QEMU is left alone when it stops (``KillMode=process``), so machines live
over a restart or an upgrade.  ``webvdi-machines.service`` does nothing until the host goes down:
then, once the service has ended, it shuts the machines down or saves them.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from webvdi.base.errors import Refused
from webvdi.base.files import write_atomic
from webvdi.base.paths import places
from webvdi.cli.door import ServingOptions, check_both
from webvdi.cli.listen import Listen, check_safe, parse_listen, parse_url
from webvdi.cli.options import LISTEN
from webvdi.cli.terminal import console, note

SYSTEM_STATE = Path("/var/lib/webvdi")

SYSTEM_RUNTIME = Path("/run/webvdi")

SYSTEM_ENVIRONMENT = "/etc/webvdi/env"

USER_ENVIRONMENT = "%h/.config/webvdi/env"
"""Settings of the service, as systemd names the file."""

ACCOUNT = "webvdi"
"""The system service's user."""

DEADLINE_S = 80
"""For all machines together; systemd itself waits 90 s for most services."""

_SERVE = """\
# Written by `webvdi service install`; own settings belong in {settings},
# one NAME=value a line, or in `systemctl {flag}edit webvdi`.
[Unit]
Description=webvdi, operating systems in the browser
Wants=network-online.target webvdi-machines.service
After=network-online.target webvdi-machines.service

[Service]
Type=notify
ExecStart={serve}
ExecReload=/bin/kill -HUP $MAINPID
# Only the servers end: machines have processes of their own, and the next start finds them.
KillMode=process
Restart=on-failure
RestartSec=2
TimeoutStopSec=20
{variables}EnvironmentFile=-{environment}
{account}{hardening}
[Install]
WantedBy={target}
"""

_MACHINES = """\
# Written by `webvdi service install`.
# Does nothing until it is stopped, and that is when the host goes down: it was started before
# webvdi.service, so it is stopped after it, and then has the machines for itself.
[Unit]
Description=Machines of webvdi (shut down or saved with the host)
PartOf={target}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop={shutdown}
TimeoutStopSec={timeout}
{variables}EnvironmentFile=-{environment}
{account}
[Install]
WantedBy={target}
"""

_HARDENING = """\
# QEMU needs /dev/kvm, its own code pages (TCG) and a user namespace for its fenced network.
# Building the large guest needs newuidmap, which is setuid, and writes setuid programs for it.
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
"""

_SYSTEM_HARDENING = """\
ProtectSystem=full
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
DevicePolicy=closed
DeviceAllow=/dev/kvm rw
DeviceAllow=/dev/net/tun rw
# For newuidmap and newgidmap alone.
CapabilityBoundingSet=CAP_SETUID CAP_SETGID
"""

_ACCOUNT = f"""\
User={ACCOUNT}
Group={ACCOUNT}
SupplementaryGroups=kvm
StateDirectory=webvdi
StateDirectoryMode=0700
CacheDirectory=webvdi
RuntimeDirectory=webvdi
RuntimeDirectoryMode=0700
# The running machines' sockets are in it.
RuntimeDirectoryPreserve=yes
Environment=XDG_RUNTIME_DIR={SYSTEM_RUNTIME} WEBVDI_STATE={SYSTEM_STATE}
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """One file for systemd."""

    name: str
    text: str


def units(
    *,
    user: bool,
    command: str,
    serving: Sequence[str] = (),
    state: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> list[Unit]:
    """The units.

    *command* is how systemd calls us: an absolute path, perhaps with arguments.  *serving* are
    options of ``webvdi serve``, *variables* the environment that both units have.
    """
    where = f" --state {_word(str(state.absolute()))}" if state is not None else ""
    options = "".join(f" {_word(word)}" for word in serving)
    environ = "".join(f"Environment={_assignment(*pair)}\n" for pair in (variables or {}).items())
    account = "" if user else _ACCOUNT
    target = "default.target" if user else "multi-user.target"
    environment = USER_ENVIRONMENT if user else SYSTEM_ENVIRONMENT
    serve = _SERVE.format(
        flag="--user " if user else "",
        settings=environment.replace("%h", "~"),
        environment=environment,
        variables=environ,
        serve=f"{command} serve --no-open{options}{where}",
        account=account,
        hardening=_HARDENING + ("" if user else _SYSTEM_HARDENING),
        target=target,
    )
    if user:  # a user's manager knows nothing of the network
        serve = serve.replace("network-online.target ", "")
    machines = _MACHINES.format(
        shutdown=f"{command} shutdown --host --deadline {DEADLINE_S}s{where}",
        timeout=DEADLINE_S + 10,
        variables=environ,
        environment=environment,
        account=account,
        target=target,
    )
    return [Unit("webvdi.service", serve), Unit("webvdi-machines.service", machines)]


def _word(text: str) -> str:
    """*text* as one word of a command line in a unit (systemd.service(5), COMMAND LINES)."""
    return _quoted(text.replace("$", "$$"))


def _assignment(name: str, value: str) -> str:
    """A variable as ``Environment=`` takes it; there, ``$`` means nothing (systemd.exec(5))."""
    return _quoted(f"{name}={value}")


def _quoted(text: str) -> str:
    text = text.replace("%", "%%")
    if re.fullmatch(r"[\w@%+=:,./$\[\]-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def serving_words(options: ServingOptions) -> list[str]:
    """*options* as ``webvdi serve`` takes them, in any directory; defaults are left out.

    Raises :class:`Refused` for what cannot be meant.
    """
    host, port = parse_listen(options.listen)
    check_both(options)
    if options.url is not None:
        parse_url(options.url)
    files = {"--tls-cert": options.tls_cert, "--tls-key": options.tls_key}
    given = {
        "--listen": None if (host, port) == parse_listen(LISTEN) else options.listen,
        **{name: None if file is None else str(file.absolute()) for name, file in files.items()},
        "--behind-proxy": options.behind_proxy,
        "--url": options.url,
    }
    words = [word for name, value in given.items() if value is not None for word in (name, value)]
    return [*words, "--tls-self-signed"] if options.tls_self_signed else words


def same_places(*, user: bool, state: Path | None) -> dict[str, str]:
    """The variables by which a unit finds what the command line finds here.

    The user's systemd has an environment of its own, whatever the shell's says.  With a *state*
    that is named, and for the host's own account, none is needed.
    """
    if not user or state is not None:
        return {}
    here = places()
    homes = {"XDG_STATE_HOME": here.state.parent, "XDG_CACHE_HOME": here.cache.parent}
    return {name: str(home.absolute()) for name, home in homes.items()}


def _why_not_safe(options: ServingOptions) -> str:
    """Why ``webvdi serve`` would refuse these options; empty if it would not."""
    host, port = parse_listen(options.listen)
    certificate = options.tls_cert or (Path("self-signed") if options.tls_self_signed else None)
    try:
        check_safe(Listen(host, port, certificate, None, options.behind_proxy), auth=options.auth)
    except Refused as error:
        return str(error)
    return ""


def install(
    user: bool | None, serving: ServingOptions, state: Path | None, *, only_print: bool
) -> None:
    """Write the units, or print them.  Raises :class:`Refused`."""
    root = os.geteuid() == 0
    for_user = not root if user is None else user
    found = units(
        user=for_user,
        command=our_command(),
        serving=serving_words(serving),
        state=state,
        variables=same_places(user=for_user, state=state),
    )
    unsafe = _why_not_safe(serving)
    if unsafe:
        settings = (USER_ENVIRONMENT if for_user else SYSTEM_ENVIRONMENT).replace("%h", "~")
        note(
            "webvdi.service will not start with these options, unless "
            f"{settings} has more: {unsafe}"
        )
    if only_print:
        for unit in found:
            sys.stdout.write(f"# --- {unit.name}\n{unit.text}\n")
        return
    if not for_user and not root:
        raise Refused(
            "units for the host are written by root: use sudo, or leave out --system",
            reason="not_root",
        )
    if serving.tls_cert is not None and serving.tls_key is not None:
        from webvdi.cli.certificate import check_pair

        check_pair(serving.tls_cert, serving.tls_key)
    directory = directory_for(user=for_user)
    directory.mkdir(parents=True, exist_ok=True)
    for unit in found:
        write_atomic(directory / unit.name, unit.text.encode(), mode=0o644)
        console.print(f"Wrote {directory / unit.name}", markup=False)
    console.print(next_steps(user=for_user), markup=False)


def directory_for(*, user: bool) -> Path:
    """Where systemd looks for units that an administrator, or a user, wrote."""
    if not user:
        return Path("/etc/systemd/system")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "systemd/user"


def next_steps(*, user: bool) -> str:
    """What is left to do by hand."""
    if user:
        return (
            "Now:\n"
            "  loginctl enable-linger        (so that it starts with the host, not your login)\n"
            "  systemctl --user daemon-reload\n"
            "  systemctl --user enable --now webvdi-machines webvdi\n"
            "  webvdi url                    (a login link)"
        )
    return (
        "Now:\n"
        f"  useradd --system --home-dir {SYSTEM_STATE} --shell /usr/sbin/nologin {ACCOUNT}\n"
        f"  usermod --add-subuids 300000-365535 --add-subgids 300000-365535 {ACCOUNT}"
        "    (to build the guest `desk`)\n"
        "  systemctl daemon-reload\n"
        "  systemctl enable --now webvdi-machines webvdi\n"
        f"  sudo -u {ACCOUNT} WEBVDI_STATE={SYSTEM_STATE} XDG_RUNTIME_DIR={SYSTEM_RUNTIME} "
        "webvdi url    (a login link)"
    )


def our_command() -> str:
    """How systemd finds us: the installed program's path, else this Python with our module.

    In the program's own path ``$`` means nothing to systemd, so it is not doubled there.
    """
    ours = Path(sys.argv[0])
    if ours.name == "webvdi" and ours.exists():
        return _quoted(str(ours.absolute()))
    found = shutil.which("webvdi")
    return _quoted(str(Path(found).absolute())) if found else f"{_quoted(sys.executable)} -m webvdi"
