"""An island with native multicast and two gateways: who speaks only IGMP and MLD is in the overlay.

``h1, h2, n2, n3`` are on one Ethernet; ``n1, n2, n3`` on a network with unicast only.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.kernel.overlay_hosts import Host, Programs, unicast_only
from tests.namespaces import Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root
GROUPS = ("239.2.2.2", "ff0e::22")


@dataclass
class Island:
    far: Host
    gateways: list[Host]
    hosts: list[Programs]

    def queriers(self, version: str) -> list[Host]:
        return [
            host
            for host in self.gateways
            if host.running and host.status()["link"]["querier"][version]
        ]


def _join_the_island(
    namespaces: Namespaces, bridge: object, namespace: object, number: int
) -> None:
    port = f"to{number}"
    namespaces.link(bridge, port, namespace, "isle")
    bridge.run("ip", "link", "set", port, "master", "lan")
    namespace.run("ip", "address", "add", f"10.9.0.{number}/24", "dev", "isle")
    namespace.add_address("isle", f"2001:db8:9::{number}/64")


@pytest.fixture(scope="module")
def island(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Island]:
    with ExitStack() as stack:
        far, *gateways = stack.enter_context(unicast_only(3, tmp_path_factory.mktemp("island")))
        namespaces = stack.enter_context(Namespaces())
        bridge = namespaces.new()
        bridge.run("ip", "link", "add", "lan", "type", "bridge", "mcast_snooping", "0")
        bridge.run("ip", "link", "set", "lan", "up")
        plain = [namespaces.new(), namespaces.new()]
        for number, namespace in enumerate([*(host.namespace for host in gateways), *plain], 1):
            _join_the_island(namespaces, bridge, namespace, number)
        far.start(query_interval="2s")
        for host in gateways:
            host.interface = "isle"
            own = {"name": "isle", "kind": "ethernet", "addresses": None}
            host.start(interface=own)
        eventually(lambda: all(host.knows() == 2 for host in (far, *gateways)))
        yield Island(far, gateways, [Programs(namespace, "isle") for namespace in plain])


def wanted_far_away(island: Island, group: str, members: list[Host]) -> bool:
    names = {f"n{host.number}" for host in members}
    known = island.far.status()["members"]
    return names <= {m["name"] for m in known if group in m["groups"]}


def wanted_by_the_far_one(island: Island, group: str) -> bool:
    return all(
        group in member["groups"]
        for host in island.gateways
        for member in host.status()["members"]
        if member["name"] == "n1"
    )


def payloads(name: str) -> list[bytes]:
    return [f"{name} {n}".encode() for n in range(100)]


@pytest.mark.parametrize("group", GROUPS)
def test_packets_cross_once_in_both_directions(island: Island, group: str) -> None:
    """Small ones, too, which Ethernet pads."""
    first, second = island.hosts
    listeners = [host.listen(group) for host in (island.far, first)]
    eventually(lambda: wanted_far_away(island, group, island.gateways))
    eventually(lambda: wanted_by_the_far_one(island, group))
    version = "6" if ":" in group else "4"
    eventually(lambda: len(island.queriers(version)) == 1)
    out, back = payloads(f"out {group}"), payloads(f"in {group}")
    second.send(group, out)
    for listener in listeners:
        listener.wait_for(out)
    island.far.send(group, back)
    for listener in listeners:
        listener.wait_for(out + back)
    more = payloads("more")
    second.send(group, more)
    senders = ("2001:db8:9::4", "fd80::1") if ":" in group else ("10.9.0.4", "10.80.0.1")
    for listener in listeners:
        listener.wait_for(out + back + more)
        assert listener.sources == {*senders}
        listener.close()


def test_each_packet_was_carried_by_one_of_the_two(island: Island) -> None:
    """And nothing that had come from elsewhere went out again."""
    links = [host.status()["link"] for host in island.gateways]
    assert sum(link.get("sent", 0) for link in links) == 200 * len(GROUPS)
    assert sum(link.get("delivered", 0) for link in links) == 100 * len(GROUPS)
    assert sum(link.get("not from here", 0) for link in links) >= 300 * len(GROUPS)


def test_another_gateway_takes_over(island: Island) -> None:
    """Long before the next query, which is due after two minutes."""
    group = GROUPS[1]
    listeners = [host.listen(group) for host in (island.far, island.hosts[0])]
    eventually(lambda: wanted_far_away(island, group, island.gateways))
    eventually(lambda: wanted_by_the_far_one(island, group))
    (querier,) = eventually(lambda: island.queriers("6") if len(island.queriers("6")) == 1 else [])
    querier.end(signal.SIGKILL)
    eventually(lambda: len(island.queriers("6")) == 1)

    def came(listener: object, sender: Programs) -> bool:
        sender.send(group, [b"again"])
        return b"again" in listener.read()

    eventually(lambda: came(listeners[0], island.hosts[1]))
    eventually(lambda: came(listeners[1], island.far))
    for listener in listeners:
        listener.close()


def test_an_island_without_an_address_is_refused(island: Island) -> None:
    host = island.gateways[0]
    if host.running:
        host.end()
    host.namespace.run("ip", "link", "add", "bare", "type", "veth", "peer", "name", "bare2")
    complaint = "bare: has no address, by which hosts there would know us; give it one"
    with pytest.raises(AssertionError, match=complaint):
        host.start(interface={"name": "bare", "kind": "ethernet", "addresses": None})
