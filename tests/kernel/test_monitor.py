from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv6Address

import pytest

from agents.kernel.monitor import (
    AddressChange,
    AddressState,
    CarrierChange,
    Change,
    LinkLayerChange,
    Monitor,
)
from agents.kernel.netlink import Netlink, set_sysctl
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

ADDRESS = IPv6Address("2001:db8::1")


@pytest.fixture
def node(namespaces: Namespaces) -> Namespace:
    return namespaces.new()


@pytest.fixture
def other(namespaces: Namespaces, node: Namespace) -> Namespace:
    made = namespaces.new()
    namespaces.link(node, "a", made, "b")
    return made


@pytest.fixture
def monitor(node: Namespace, other: Namespace) -> Iterator[Monitor]:
    with node:
        made = Monitor("a")
    yield made
    made.close()


def collect(monitor: Monitor, last: Callable[[list[Change]], bool]) -> list[Change]:
    changes: list[Change] = []

    def attempt() -> bool:
        changes.extend(monitor.read())
        return last(changes)

    eventually(attempt)
    return changes


def states(monitor: Monitor, until: AddressState) -> list[AddressState]:
    """The states of the one address, up to the given one."""
    end = AddressChange(ADDRESS, until)
    changes = collect(monitor, lambda seen: end in seen)
    return [
        change.state
        for change in changes
        if isinstance(change, AddressChange) and change.address == ADDRESS
    ]


def test_detection_makes_an_address_tentative_then_preferred(
    node: Namespace, monitor: Monitor
) -> None:
    with node, Netlink() as netlink:
        set_sysctl("net/ipv6/conf/a/accept_dad", 1)
        set_sysctl("net/ipv6/neigh/a/retrans_time_ms", 100)
        netlink.add_address("a", f"{ADDRESS}/64")
    assert states(monitor, "preferred") == ["tentative", "preferred"]
    assert monitor.states[ADDRESS] == "preferred"


def test_optimistic_addresses_are_told_apart(node: Namespace, monitor: Monitor) -> None:
    with node:
        for name in ("accept_dad", "optimistic_dad", "use_optimistic"):
            set_sysctl(f"net/ipv6/conf/a/{name}", 1)
        set_sysctl("net/ipv6/neigh/a/retrans_time_ms", 100)
    node.run("ip", "address", "add", f"{ADDRESS}/64", "dev", "a", "optimistic")
    assert states(monitor, "preferred") == ["optimistic", "preferred"]


def test_a_duplicate_is_reported(node: Namespace, other: Namespace, monitor: Monitor) -> None:
    with other, Netlink() as netlink:
        netlink.add_address("b", f"{ADDRESS}/64", nodad=True)
    with node, Netlink() as netlink:
        set_sysctl("net/ipv6/conf/a/accept_dad", 1)
        netlink.add_address("a", f"{ADDRESS}/64")
    assert states(monitor, "duplicate") == ["tentative", "duplicate"]


def test_deprecation_and_removal(node: Namespace, monitor: Monitor) -> None:
    with node, Netlink() as netlink:
        netlink.add_address("a", f"{ADDRESS}/64", nodad=True)
    assert states(monitor, "preferred") == ["preferred"]
    lifetimes = ("valid_lft", "100", "preferred_lft", "0")
    node.run("ip", "address", "change", f"{ADDRESS}/64", "dev", "a", *lifetimes)
    assert states(monitor, "deprecated") == ["deprecated"]
    with node, Netlink() as netlink:
        netlink.remove_address("a", f"{ADDRESS}/64")
    assert states(monitor, "removed") == ["removed"]
    assert ADDRESS not in monitor.states


def test_what_is_there_at_the_start_is_known(node: Namespace, other: Namespace) -> None:
    with node, Netlink() as netlink:
        netlink.add_address("a", f"{ADDRESS}/64", nodad=True)
        monitor = Monitor("a")
    assert monitor.carrier
    assert monitor.states[ADDRESS] == "preferred"
    # The kernel's own link-local address may be ready only now.
    assert ADDRESS not in [getattr(change, "address", ADDRESS) for change in monitor.read()]
    monitor.close()


def test_the_carrier_follows_the_other_end(
    node: Namespace, other: Namespace, monitor: Monitor
) -> None:
    with other, Netlink() as netlink:
        netlink.down("b")
    collect(monitor, lambda seen: CarrierChange(False) in seen)
    assert not monitor.carrier
    with other, Netlink() as netlink:
        netlink.up("b")
    changes = collect(monitor, lambda seen: CarrierChange(True) in seen)
    assert [change for change in changes if isinstance(change, CarrierChange)] == [
        CarrierChange(True)
    ]


def test_another_link_layer_address_and_the_first_one_again(
    node: Namespace, monitor: Monitor
) -> None:
    with node, Netlink() as netlink:
        first = netlink.link_layer_address("a")
    other = bytes.fromhex("02000000beef")
    for address, back in ((other, False), (first, True)):
        node.run("ip", "link", "set", "dev", "a", "address", address.hex(":"))
        changes = collect(monitor, lambda seen: any(isinstance(c, LinkLayerChange) for c in seen))
        assert [c for c in changes if isinstance(c, LinkLayerChange)] == [
            LinkLayerChange(address, back)
        ]


def test_other_interfaces_are_none_of_its_business(node: Namespace, monitor: Monitor) -> None:
    with node, Netlink() as netlink:
        monitor.read()
        netlink.add_address("lo", f"{ADDRESS}/128", nodad=True)
        netlink.add_address("a", "2001:db8::2/64", nodad=True)
    end = AddressChange(IPv6Address("2001:db8::2"), "preferred")
    assert AddressChange(ADDRESS, "preferred") not in collect(monitor, lambda seen: end in seen)
