"""`emu overlay` as AMT relay and gateway: from native multicast to programs where there is none."""

from __future__ import annotations

import signal
import socket
import sys
from ipaddress import IPv4Address

import pytest

from agents.kernel.group_socket import GroupSocket
from agents.wire import amt, ipv4, ipv6
from tests.kernel.amt_hosts import CHANNELS, SOURCE_V4, SOURCE_V6, Relay, Source
from tests.kernel.overlay_hosts import ROOT, unicast_only
from tests.kernel.packets import capture
from tests.namespaces import Namespaces
from tests.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.root
RELAYS = {2: {}, 3: {"relay": "[2001:db8:1::2]:2268"}, 4: {"relay": "10.0.1.2:2268"}}
"""How each gateway reaches the relay: it looks where public ones are, or is told."""
ANYCAST = "192.52.193.1"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A source, a relay, and three gateways: one over IPv6, the others over IPv4."""
    folder = tmp_path_factory.mktemp("amt")
    with unicast_only(4, folder) as hosts, Namespaces() as namespaces:
        hosts[0].namespace.run("ip", "address", "add", ANYCAST, "dev", "lo")
        hosts[0].router.run("ip", "route", "add", "192.52.193.0/24", "via", "10.0.1.2")
        source = Source(namespaces, hosts[0])
        relay = Relay(hosts[0], folder, discovery=[ANYCAST])
        try:
            for host in hosts[1:]:
                options = RELAYS[host.number]
                host.start(protocol="amt-gateway", options=options, keys="off", query_interval="2s")
            yield source, relay, hosts[1:]
        finally:
            relay.end()


def payloads(name: str, number: int = 100) -> list[bytes]:
    return [f"{name} {n}".encode() for n in range(number)]


def has_tunnels(relay: Relay, group: str, number: int = 3) -> bool:
    return sum(group in tunnel["groups"] for tunnel in relay.status()["tunnels"]) == number


@pytest.mark.parametrize(("group", "source"), CHANNELS)
def test_what_a_native_source_sends_reaches_unmodified_programs(made, group, source):
    sender, relay, gateways = made
    listeners = [host.listen(group, source) for host in gateways]
    eventually(lambda: has_tunnels(relay, group) and relay.joined(group))
    sent = payloads(group)
    sender.send(group, sent)
    for listener in listeners:
        listener.wait_for(sent)
        assert listener.sources == {SOURCE_V6 if ":" in group else SOURCE_V4}
        kind = 52 if ":" in group else 2
        assert (kind, 15) in listener.marks  # hops: one less than what was sent
        listener.close()
    eventually(lambda: not relay.joined(group) and has_tunnels(relay, group, 0))


@pytest.mark.parametrize("group", ["239.1.1.2", "ff0e::102"])
def test_packets_are_as_they_were_but_for_one_hop(made, group):
    sender, relay, gateways = made
    listeners = [host.listen(group) for host in gateways]
    eventually(lambda: has_tunnels(relay, group))
    with sender.namespace:
        native = GroupSocket("eth0")
    with capture(gateways[0].namespace, gateways[0].interface) as seen:
        sender.send(group, payloads(group, 10))
        for listener in listeners:
            listener.wait_for(payloads(group, 10))
        sent, came = datagrams(native.read), datagrams(lambda: next_packet(seen))
    onward = ipv6.forwarded if ":" in group else ipv4.forwarded
    assert len(came) == 10
    assert came == [onward(packet) for packet in sent]
    native.close()
    for listener in listeners:
        listener.close()


def next_packet(seen: socket.socket) -> bytes | None:
    seen.setblocking(False)
    try:
        return seen.recv(1 << 16)
    except BlockingIOError:
        return None


def datagrams(read) -> list[bytes]:
    """The packets of UDP among those that were captured."""
    return [p for p in iter(read, None) if p[9 if p[0] >> 4 == 4 else 6] == 17]


def test_memberships_are_refreshed_without_a_gap(made):
    """Eight query intervals."""
    sender, relay, gateways = made
    listeners = [host.listen("239.1.1.3") for host in gateways]
    eventually(lambda: has_tunnels(relay, "239.1.1.3"))
    sent = payloads("refreshed", 320)
    sender.send("239.1.1.3", sent, pause=0.05)
    for listener in listeners:
        listener.wait_for(sent)
        listener.close()


@pytest.mark.parametrize(("group", "source"), CHANNELS)
def test_what_is_too_long_for_the_tunnel_is_fragmented(made, group, source):
    """By the relay, or by its source, which is told how long packets may be, and loses the first
    (RFC 7450 section 5.3.3.6.2). Of 1472 octets with their headers, IPv4 must not be fragmented.
    """
    sender, relay, gateways = made
    listeners = [host.listen(group, source) for host in gateways]
    eventually(lambda: has_tunnels(relay, group))

    def pass_all() -> bool:
        sender.send(group, [b"probe".ljust(1472)])
        return all(listener.read() for listener in listeners)

    eventually(pass_all)
    for listener in listeners:
        listener.got.clear()
    long = [bytes((n,)) * size for n, size in enumerate((1300, 9000, 30000, 1472))]
    sender.send(group, long, pause=0.05)
    for listener in listeners:
        eventually(lambda listener=listener: long[-1] in listener.read())
        assert [data for data in listener.got if not data.startswith(b"probe")] == long
        listener.close()


def test_an_anycast_address_is_for_discovery_only(made):
    """Else a tunnel's packets would not come from where its gateway has sent to."""
    _, _, gateways = made
    with gateways[0].namespace, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(PATIENCE_S)
        for question in (amt.Request(1, False), amt.RelayDiscovery(2)):
            asking.sendto(amt.encode(question), (ANYCAST, amt.PORT))
        answer, sender = asking.recvfrom(2048)
    assert amt.decode(answer) == amt.RelayAdvertisement(2, IPv4Address("10.0.1.2"))
    assert sender == (ANYCAST, amt.PORT)


def test_the_status_shows_relay_and_gateways(made):
    _, relay, gateways = made
    listeners = [host.listen("239.1.1.4") for host in gateways]
    eventually(lambda: has_tunnels(relay, "239.1.1.4"))
    command = [sys.executable, "-m", "emu", "overlay", "status"]
    of_relay, over_v4, over_v6, _ = (
        host.namespace.run(*command, cwd=ROOT).stdout for host in (relay.host, *gateways)
    )
    assert "relay on native, amt-relay" in of_relay
    assert "10.0.2.2:4754" in of_relay
    assert "[2001:db8:3::2]:4754" in of_relay
    assert "relay 10.0.1.2:2268; it sees this gateway at 10.0.2.2:4754" in over_v4
    assert "it sees this gateway at [2001:db8:3::2]:4754" in over_v6
    for listener in listeners:
        listener.close()


def test_a_relay_that_starts_anew_serves_its_gateways_again(made):
    """The last of the tests: gateways ask every 2 s, and end with a word, or without one."""
    sender, relay, gateways = made
    listeners = [host.listen("239.1.1.5") for host in gateways]
    eventually(lambda: has_tunnels(relay, "239.1.1.5"))
    assert relay.end() == 0
    relay.start()
    eventually(lambda: has_tunnels(relay, "239.1.1.5"))
    sender.send("239.1.1.5", payloads("again"))
    for listener in listeners:
        listener.wait_for(payloads("again"))
    assert gateways[0].end() == 0
    eventually(lambda: has_tunnels(relay, "239.1.1.5", 2))
    for killed in gateways[1:]:
        killed.end(signal.SIGKILL)

    def nobody_is_left() -> bool:
        """ICMP says that they are gone, as often as something is sent."""
        sender.send("239.1.1.5", [b"is anybody there"])
        return has_tunnels(relay, "239.1.1.5", 0)

    eventually(nobody_is_left)
    assert {"10.0.4.2:4754", "[2001:db8:3::2]:4754"} == {
        line["gateway"] for line in relay.log() if line["kind"] == "amt_gateway_gone"
    }
