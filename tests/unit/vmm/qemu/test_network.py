"""The network card and the plan of the fence; that it holds is an integration test."""

import ipaddress
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.vmm.errors import Unavailable
from webvdi.vmm.machine import MachineId, Network, Profile
from webvdi.vmm.qemu import network
from webvdi.vmm.qemu.network import CLOSED, plan_fence, plug_commands

MACHINE = MachineId("m1")
addresses = st.builds(
    lambda ip, prefix: ipaddress.IPv4Interface(f"{ip}/{prefix}"),
    st.ip_addresses(v=4),
    st.integers(1, 32),
)


def test_the_card_has_the_same_address_at_every_start() -> None:
    first = network.mac_address(MACHINE)
    assert re.fullmatch(r"52:54:00(:[0-9a-f]{2}){3}", first)
    assert network.mac_address(MACHINE) == first
    assert network.mac_address(MachineId("m2")) != first


def test_no_network_is_no_card() -> None:
    assert plug_commands(Network.NONE, Profile.LINUX, MACHINE) == []


@pytest.mark.parametrize(
    ("profile", "driver"), [(Profile.LINUX, "virtio-net-pci"), (Profile.GENERIC, "e1000e")]
)
def test_the_card_is_what_the_guest_knows(profile: Profile, driver: str) -> None:
    (_, backend), (_, card) = plug_commands(Network.OPEN, profile, MACHINE)
    assert backend == {"type": "user", "id": "net0"}
    assert card["driver"] == driver
    assert card["bus"] == "port0"
    assert card["romfile"] == ""


def test_the_isolated_network_has_no_ipv6() -> None:
    backend = plug_commands(Network.INTERNET, Profile.LINUX, MACHINE)[0][1]
    assert backend["ipv6"] is False


def covered(plan: network.Fence, ip: ipaddress.IPv4Address) -> bool:
    return any(ip in net for net in plan.unreachable) and ip not in plan.subnet


@given(st.lists(addresses, max_size=6))
def test_every_address_of_the_host_is_outside(own: list[ipaddress.IPv4Interface]) -> None:
    try:
        plan = plan_fence(own)
    except Unavailable:
        return
    for address in own:
        assert address.ip.is_loopback or covered(plan, address.ip)
    for closed in CLOSED:
        assert any(closed.subnet_of(net) for net in plan.unreachable)
    routes = list(plan.unreachable)  # `ip route add` refuses a route that is there
    assert len(set(routes)) == len(routes)
    assert plan.name_server in plan.subnet
    assert not plan.subnet.overlaps(ipaddress.IPv4Network("10.0.2.0/24"))


def test_neighbours_are_closed_but_not_half_the_internet() -> None:
    plan = plan_fence([ipaddress.IPv4Interface("203.0.113.9/24")])
    assert covered(plan, ipaddress.IPv4Address("203.0.113.77"))
    wide = plan_fence([ipaddress.IPv4Interface("128.0.0.5/1")])
    assert covered(wide, ipaddress.IPv4Address("128.0.0.5"))
    assert not covered(wide, ipaddress.IPv4Address("128.0.0.6"))


def test_a_subnet_that_the_host_uses_is_avoided() -> None:
    plan = plan_fence([ipaddress.IPv4Interface("198.18.77.9/32")])
    assert str(plan.subnet) == "198.19.77.0/24"


def test_no_subnet_is_left() -> None:
    with pytest.raises(Unavailable, match="in use") as caught:
        plan_fence(
            [ipaddress.IPv4Interface(f"{a}/8") for a in ("198.0.0.1", "10.0.0.1", "192.0.0.1")]
        )
    assert caught.value.reason == "no_network"


def test_addresses_of_a_listing() -> None:
    listing = """[{"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1",
    "prefixlen":8}]},{"ifname":"down","addr_info":[]},{"ifname":"x"},{"addr_info":[
    {"family":"inet6","local":"::1","prefixlen":128},
    {"family":"inet","local":"192.0.2.2","prefixlen":24}]}]"""
    assert list(map(str, network.addresses_in(listing))) == ["127.0.0.1/8", "192.0.2.2/24"]


def test_a_fenced_command_line() -> None:
    words = network.fenced(["qemu", "-S"], Path("/f.json"))
    assert words[-3:] == ["/f.json", "qemu", "-S"]
    assert words[1:3] == ["-I", "-S"]
