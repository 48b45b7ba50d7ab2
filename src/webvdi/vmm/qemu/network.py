"""What a guest's network is made of: the card, and the fence around network ``internet``.

The fence (built by ``netns.py``) lets the guest reach name service and the internet, but not
this host, its neighbours on the wire, or private networks.  It is drawn when the machine starts:
a public address that the host gets later is not inside it.
"""

import hashlib
import ipaddress
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webvdi.vmm.errors import Unavailable
from webvdi.vmm.machine import MachineId, Network, Profile
from webvdi.vmm.qemu import programs
from webvdi.vmm.qemu.argv import PORTS
from webvdi.vmm.qemu.records import write_record

NETNS_PROGRAM = Path(__file__).with_name("netns.py")
REASON = "no_network"
"""The label of every refusal here."""
TRIAL_TIMEOUT_S = 20.0
"""A trial takes 0.3 s on an idle host."""

CLOSED = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "10.0.0.0/8",  # private (RFC 1918)
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # link-local (RFC 3927), cloud metadata among it
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved
    )
)
"""What is never the internet; the inner network's own subnet is more specific and stays open."""

# Not 10.0.2.0/24, which QEMU's user network gives to the guest.
_CANDIDATES = tuple(
    ipaddress.IPv4Network(network)
    for network in ("198.18.77.0/24", "198.19.77.0/24", "10.213.77.0/24", "192.168.213.0/24")
)
_NAME_SERVER = 3
"""slirp4netns(1): the third address of its subnet is its name server."""
_WIDEST_NEIGHBOURHOOD = 8
"""A shorter prefix on an interface is a tunnel's trick, not a neighbourhood."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The plan of one fenced network."""

    subnet: ipaddress.IPv4Network
    unreachable: tuple[ipaddress.IPv4Network, ...]

    @property
    def name_server(self) -> ipaddress.IPv4Address:
        """Where QEMU sends the guest's name queries."""
        return self.subnet[_NAME_SERVER]


def mac_address(machine: MachineId) -> str:
    """The machine's own address, the same at every start, in QEMU's range 52:54:00."""
    tail = hashlib.sha256(machine.encode()).digest()[:3]
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in tail)


def plug_commands(
    network: Network, profile: Profile, machine: MachineId
) -> list[tuple[str, dict[str, object]]]:
    """The QMP commands, in order, that plug the network card; none for no network."""
    if network is Network.NONE:
        return []
    backend: dict[str, object] = {"type": "user", "id": "net0"}
    if network is Network.INTERNET:
        backend["ipv6"] = False
    driver = "virtio-net-pci" if profile is Profile.LINUX else "e1000e"
    card: dict[str, object] = {
        "driver": driver,
        "id": "nic0",
        "netdev": "net0",
        "bus": PORTS[0],
        "mac": mac_address(machine),
        "romfile": "",  # nobody boots from it, and its code costs a second of every start
    }
    return [("netdev_add", backend), ("device_add", card)]


def plan_fence(addresses: Iterable[ipaddress.IPv4Interface]) -> Fence:
    """The fence for a host that has *addresses*."""
    own = list(addresses)
    closed = list(CLOSED)
    for address in own:
        neighbourhood = address.network
        if neighbourhood.prefixlen < _WIDEST_NEIGHBOURHOOD:
            neighbourhood = ipaddress.IPv4Network(address.ip)
        if not address.ip.is_loopback:  # the namespace has a loopback of its own
            closed.append(neighbourhood)
    for subnet in _CANDIDATES:
        if not any(subnet.overlaps(address.network) for address in own):
            return Fence(subnet, tuple(ipaddress.collapse_addresses(closed)))
    tried = ", ".join(map(str, _CANDIDATES))
    raise Unavailable(
        f"every subnet for the isolated network is in use on this host ({tried})",
        reason=REASON,
    )


def addresses_in(listing: str) -> list[ipaddress.IPv4Interface]:
    """The addresses in the output of ``ip -json -4 address``."""
    links: list[Mapping[str, Any]] = json.loads(listing)
    return [
        ipaddress.IPv4Interface(f"{entry['local']}/{entry['prefixlen']}")
        for link in links
        for entry in link.get("addr_info", ())
        if entry.get("family") == "inet"
    ]


def missing_part() -> str | None:
    """What this host lacks for network ``internet``, without trying; None if nothing."""
    for program, package in (("slirp4netns", "slirp4netns"), ("ip", "iproute2")):
        if shutil.which(program) is None:
            return f"{program} is not installed; on Debian and Ubuntu: apt install {package}"
    tun = Path("/dev/net/tun")
    if not os.access(tun, os.R_OK | os.W_OK):
        state = "may not be opened by this user" if tun.exists() else "does not exist"
        return f"{tun} {state} (modprobe tun, or pass the device to the container)"
    if not Path("/etc/resolv.conf").exists():
        return "the host has no /etc/resolv.conf, hence no name service to pass on"
    return None


async def write_fence(fence_file: Path, resolv_conf: Path) -> None:
    """Write what ``netns.py`` is told, for the host as it is now.

    Raises :class:`~webvdi.vmm.errors.Unavailable`.
    """
    lack = missing_part()
    if lack is not None:
        raise unavailable(lack)
    ip = shutil.which("ip") or "ip"
    fence = plan_fence(addresses_in(await _run(ip, "-json", "-4", "address")))
    _write_fence(fence, ip, fence_file, resolv_conf)


def _write_fence(fence: Fence, ip: str, fence_file: Path, resolv_conf: Path) -> None:
    resolv_conf.write_text(f"nameserver {fence.name_server}\n", encoding="ascii")
    record = {
        "slirp4netns": [
            shutil.which("slirp4netns"),
            "--configure",
            "--mtu=65520",  # fewer, larger packets between two programs on one host
            "--disable-host-loopback",
            "--enable-sandbox",
            "--enable-seccomp",
            f"--cidr={fence.subnet}",
        ],
        "ip": ip,
        "unreachable": [str(network) for network in fence.unreachable],
        "resolv_conf": str(resolv_conf),
    }
    write_record(fence_file, record)


def fenced(argv: list[str], fence: Path) -> list[str]:
    """*argv* run inside the fence that the file *fence* describes; a mere trial if empty."""
    return [sys.executable, "-I", "-S", str(NETNS_PROGRAM), str(fence), *argv]


async def fence_obstacle() -> str | None:
    """Why a fence cannot be built here, found out by building one; None if it can."""
    with tempfile.TemporaryDirectory(prefix="webvdi-net-") as name:
        directory = Path(name)
        try:
            await write_fence(directory / "fence.json", directory / "resolv.conf")
            await _run(*fenced([], directory / "fence.json"))
        except Unavailable as error:
            return str(error)
    return None


async def _run(*argv: str) -> str:
    try:
        done = await programs.run(*argv, timeout_s=TRIAL_TIMEOUT_S)
    except TimeoutError:
        raise unavailable(f"{argv[0]} did not finish") from None
    except OSError as error:
        raise unavailable(f"{argv[0]} cannot be run: {error.strerror}") from error
    if done.code != 0:
        raise unavailable(done.err.strip() or f"{argv[0]} failed")
    return done.out


def unavailable(why: str) -> Unavailable:
    """The refusal to start a machine whose fence cannot be built."""
    return Unavailable(f"network 'internet' is not to be had on this host: {why}", reason=REASON)
