from __future__ import annotations

import asyncio
import errno
from ipaddress import IPv6Address, IPv6Interface, IPv6Network

import pytest

from agents.kernel.netlink import MAIN_TABLE, Netlink, get_sysctl, set_sysctl
from tests.namespaces import Namespaces

pytestmark = pytest.mark.root

PREFIX = IPv6Network("2001:db8:1::/64")
HOST = IPv6Address("2001:db8:1::9")


def test_addresses_are_added_at_once_and_removed(namespaces: Namespaces) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b")
    address = IPv6Interface("2001:db8::1/64")
    with left, Netlink() as netlink:
        netlink.add_address("a", address, nodad=True)
        netlink.add_address("a", address, nodad=True)
        assert address in netlink.addresses("a")
        # The kernel's own link-local address may well be tentative.
        shown = left.run("ip", "-6", "address", "show", "dev", "a", "to", str(address.ip)).stdout
        assert str(address.ip) in shown
        assert "tentative" not in shown
        netlink.remove_address("a", address)
        netlink.remove_address("a", address)
        assert address not in netlink.addresses("a")


def test_a_route_replaces_the_earlier_one(namespaces: Namespaces) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", "fe80::a/64", "fe80::b/64")
    namespaces.link(left, "c", right, "d", "2001:db8::1/64")
    via = IPv6Address("fe80::b")
    with left, Netlink() as netlink:
        netlink.route_replace(PREFIX, oif="c")
        assert netlink.route_lookup(HOST).device == "c"
        netlink.route_replace(PREFIX, oif="a", via=via, source=IPv6Address("2001:db8::1"))
        found = netlink.route_lookup(HOST)
        assert (found.device, found.via) == ("a", via)
        assert found.source == IPv6Address("2001:db8::1")
        assert len(left.run("ip", "-6", "route", "show", str(PREFIX)).stdout.splitlines()) == 1
        netlink.route_delete(PREFIX)
        netlink.route_delete(PREFIX)
        with pytest.raises(OSError, match="unreachable"):
            netlink.route_lookup(HOST)


def test_a_route_that_the_kernel_has_learnt_is_deleted_by_its_router(
    namespaces: Namespaces,
) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", "fe80::a/64", "fe80::b/64")
    for router in ("fe80::b", "fe80::c"):
        default = ("default", "via", router, "dev", "a", "proto", "ra", "metric", "1024")
        left.run("ip", "-6", "route", "append", *default)
    with left, Netlink() as netlink:
        netlink.route_delete(IPv6Network("::/0"), via=IPv6Address("fe80::b"))
    left_over = left.run("ip", "-6", "route", "show", "default").stdout
    assert "fe80::b" not in left_over
    assert "fe80::c" in left_over


def test_a_neighbour_that_is_noted_is_not_asked_for(namespaces: Namespaces) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", "2001:db8::1/64")
    host, link_layer_address = IPv6Address("2001:db8::2"), bytes.fromhex("020000000001")
    with left, Netlink() as netlink:
        netlink.note_neighbour("a", host, link_layer_address)
        netlink.note_neighbour("a", host, link_layer_address)
    (entry,) = left.run("ip", "-6", "neighbour", "show", str(host)).stdout.splitlines()
    assert "lladdr 02:00:00:00:00:01" in entry
    assert "STALE" in entry


def test_a_rule_sends_a_prefix_to_its_own_table(namespaces: Namespaces) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", "2001:db8::1/64")
    source, everywhere = IPv6Network("2001:db8:7::/64"), IPv6Network("::/0")
    with left, Netlink() as netlink:
        netlink.route_replace(everywhere, oif="a", table=1000)
        netlink.rule_add(source, iif="lo", table=1000, priority=100)
        netlink.rule_add(source, iif="lo", table=1000, priority=100)
        rules = left.run("ip", "-6", "rule").stdout.splitlines()
        assert [rule for rule in rules if rule.startswith("100:")] == [
            "100:\tfrom 2001:db8:7::/64 iif lo lookup 1000"
        ]
        netlink.rule_delete(source, iif="lo", table=1000, priority=100)
        netlink.rule_delete(source, iif="lo", table=1000, priority=100)
        assert "1000" not in left.run("ip", "-6", "rule").stdout
        netlink.route_delete(everywhere, table=1000)
        assert left.run("ip", "-6", "route", "show", "table", "all", "default").stdout == ""


def test_a_rule_drops_what_comes_from_elsewhere(namespaces: Namespaces) -> None:
    router = namespaces.new()
    own, everywhere = IPv6Network("2001:db8:7::/64"), IPv6Network("::/0")
    with router, Netlink() as netlink:
        netlink.rule_add(own, iif="lo", table=MAIN_TABLE, priority=1001)
        netlink.rule_add(everywhere, iif="lo", table=None, priority=1002)
        rules = router.run("ip", "-6", "rule").stdout.splitlines()
        assert "1001:\tfrom 2001:db8:7::/64 iif lo lookup main" in rules
        assert "1002:\tfrom all iif lo blackhole" in rules
        netlink.rule_delete(everywhere, iif="lo", table=None, priority=1002)
        assert "blackhole" not in router.run("ip", "-6", "rule").stdout


def test_links_are_made_shaped_and_deleted(namespaces: Namespaces) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b")
    with left, Netlink() as netlink:
        netlink.set_mtu("a", 1400)
        netlink.down("a")
        shown = left.run("ip", "link", "show", "dev", "a").stdout
        assert "mtu 1400" in shown
        assert "state DOWN" in shown
        netlink.delete_link("a")
        netlink.delete_link("a")
        with pytest.raises(OSError, match="No such device"):
            netlink.index("a")


def test_a_refusal_carries_the_reason_of_the_kernel(namespaces: Namespaces) -> None:
    with namespaces.new(), Netlink() as netlink, pytest.raises(OSError, match="Unknown") as caught:
        netlink.add_link("x", "no-such-kind")
    assert caught.value.errno == errno.EOPNOTSUPP


def test_sysctls_are_those_of_the_namespace(namespaces: Namespaces) -> None:
    path = "net/ipv6/conf/all/forwarding"
    with namespaces.new():
        assert get_sysctl(path) == "0"
        set_sysctl(path, 1)
        assert get_sysctl(path) == "1"
    with namespaces.new():
        assert get_sysctl(path) == "0"


def test_it_works_inside_a_running_event_loop(namespaces: Namespaces) -> None:
    async def configure() -> list[IPv6Interface]:
        with Netlink() as netlink:
            netlink.add_address("lo", "2001:db8:ffff::1/128", nodad=True)
            return netlink.addresses("lo")

    with namespaces.new():
        assert IPv6Interface("2001:db8:ffff::1/128") in asyncio.run(configure())
