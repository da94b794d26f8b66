"""Memberships by sockets: as many groups as it takes, and what the kernel says of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from agents.kernel.group_memberships import GroupMemberships
from agents.wire.addresses import mapped
from tests.namespaces import Namespaces

pytestmark = pytest.mark.root
V4 = [mapped(IPv4Address(f"239.1.1.{n}")) for n in range(50)]
V6 = [IPv6Address(f"ff0e::{n + 1:x}") for n in range(50)]
SOURCES = {
    4: [mapped(IPv4Address(f"198.51.100.{n + 1}")) for n in range(100)],
    6: [IPv6Address(f"2001:db8::{n + 1:x}") for n in range(100)],
}


@pytest.fixture
def host():
    with Namespaces() as namespaces:
        first, second = namespaces.new(), namespaces.new()
        namespaces.link(first, "eth0", second, "eth0")
        first.run("ip", "address", "add", "198.51.100.1/24", "dev", "eth0")
        with first:
            memberships = GroupMemberships("eth0")
            yield first, memberships
            memberships.close()


def groups(host) -> set[str]:
    shown = host.run("ip", "maddress", "show", "dev", "eth0").stdout
    return {line.split()[1] for line in shown.splitlines() if "inet" in line}


def filtered(host, version: int) -> int:
    """How many sources are included by name."""
    name = "mcfilter" if version == 4 else "mcfilter6"
    return len(host.run("cat", f"/proc/thread-self/net/{name}").stdout.splitlines()) - 1


@pytest.mark.parametrize("wanted", [V4, V6])
def test_more_groups_than_a_socket_may_have(host, wanted):
    namespace, memberships = host
    names = [str(group.ipv4_mapped or group) for group in wanted]
    assert all(memberships.want(group, None) for group in wanted)
    assert groups(namespace) >= set(names)
    for group in wanted[:-1]:
        memberships.leave(group)
    assert groups(namespace) & set(names) == {names[-1]}
    memberships.leave(wanted[0])  # it is left already


@pytest.mark.parametrize(("version", "group"), [(4, V4[0]), (6, V6[0])])
def test_sources_by_name_as_far_as_the_kernel_takes_them(host, version, group):
    namespace, memberships = host
    sources = SOURCES[version]
    assert memberships.want(group, frozenset(sources[:2]))
    assert filtered(namespace, version) == 2
    assert memberships.want(group, frozenset(sources[1:4]))
    assert filtered(namespace, version) == 3
    assert memberships.want(group, frozenset(sources))  # igmp_max_msf and mld_max_msf: any source
    assert filtered(namespace, version) == 0
    assert str(group.ipv4_mapped or group) in groups(namespace)
    other = SOURCES[10 - version][0]
    assert memberships.want(group, frozenset({other}))  # it is no source of this family
    assert str(group.ipv4_mapped or group) in groups(namespace)
    memberships.leave(group)
    assert str(group.ipv4_mapped or group) not in groups(namespace)
