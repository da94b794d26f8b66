"""AMT in virtual time: gateways and relays as RFC 7450 has them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from random import Random

import pytest
from amt_world import (
    ANYCAST,
    GROUP,
    GROUP_V6,
    ONE_SOURCE,
    OTHER_RELAY,
    RELAY,
    SMALL,
    SOURCE,
    SOURCE_V6,
    World,
    outside,
    packet,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core import MILLISECOND, SECOND
from agents.multicast.filters import EVERYTHING, NOTHING, include
from agents.overlay.actions import Deliver, SendDatagram
from agents.overlay.amt import packets
from agents.overlay.amt.config import GatewayConfig, RelayConfig
from agents.overlay.amt.gateway import Gateway
from agents.overlay.amt.secret import Secret
from agents.overlay.interface import Overlay
from agents.roles.amt_gateway import AmtGateway
from agents.roles.amt_relay import AmtRelay
from agents.wire import amt, igmp, ipv4, ipv6, mld
from agents.wire.addresses import mapped
from agents.wire.i3 import endpoint
from agents.wire.overlay_items import Interest

OTHER_SOURCE = mapped(IPv4Address("198.51.100.2"))


def joined(**options) -> World:
    """A gateway that is a member of a group at a relay."""
    world = World(1, **options)
    world.relay()
    world.gateway()
    world.want(0, GROUP)
    world.run(SECOND)
    return world


def test_both_are_overlays():
    calls = [name for name in vars(Overlay) if not name.startswith("_")]
    for each in (AmtGateway, AmtRelay):
        assert all(callable(getattr(each, name)) for name in calls)


def test_what_is_wanted_is_joined_and_comes():
    world = joined()
    assert world.joined[RELAY] == {GROUP: EVERYTHING}
    world.native(packet(1))
    world.run(2 * SECOND)
    assert world.got[0] == {packet(1): 1}


def test_the_first_packet_comes_one_and_a_half_round_trips_after_the_join():
    """Request, Membership Query, Membership Update: 10 ms each."""
    world = World(1)
    world.relay()
    world.gateway()
    world.want(0, GROUP)
    world.run(29 * MILLISECOND)
    assert not world.joined[RELAY]
    world.run(30 * MILLISECOND)
    assert world.joined[RELAY] == {GROUP: EVERYTHING}


def test_one_source_of_ipv4_and_of_ipv6():
    world = World(1)
    world.relay()
    world.gateway()
    world.want(0, ONE_SOURCE, SOURCE)
    world.want(0, GROUP_V6, SOURCE_V6)
    world.run(SECOND)
    assert world.joined[RELAY] == {ONE_SOURCE: include({SOURCE}), GROUP_V6: include({SOURCE_V6})}
    world.native(packet(1, ONE_SOURCE), SOURCE, ONE_SOURCE)
    world.native(packet(2, GROUP_V6, SOURCE_V6), SOURCE_V6, GROUP_V6)
    world.run(2 * SECOND)
    assert set(world.got[0]) == {packet(1, ONE_SOURCE), packet(2, GROUP_V6, SOURCE_V6)}


def test_each_gateway_gets_what_it_wants_and_the_relay_joins_what_all_want():
    world = World(1)
    relay = world.relay()
    for number, sources in enumerate(((SOURCE,), (OTHER_SOURCE,), ())):
        world.gateway()
        world.want(number, GROUP, *sources)
    world.run(SECOND)
    assert world.joined[RELAY] == {GROUP: EVERYTHING}
    world.native(packet(1))
    world.native(packet(2, source=OTHER_SOURCE), OTHER_SOURCE)
    world.run(2 * SECOND)
    first, second = packet(1), packet(2, source=OTHER_SOURCE)
    assert [set(got) for got in world.got] == [{first}, {second}, {first, second}]
    assert len(relay.status(world.now)["tunnels"]) == 3


def test_changes_are_told_as_often_as_the_relay_says():
    """Section 5.2.1: the robustness variable of the query counts."""
    world = World(1)
    world.relay(config=replace(SMALL, robustness=4))
    world.gateway()
    world.want(0, GROUP)
    world.run(10 * SECOND)
    before = world.sent[RELAY, amt.MembershipUpdate.TYPE]
    world.want(0, ONE_SOURCE, SOURCE)
    world.run(19 * SECOND)
    assert world.sent[RELAY, amt.MembershipUpdate.TYPE] - before == 4


def test_a_leave_ends_it_at_once():
    world = joined()
    world.leave(0, GROUP)
    world.run(world.now + 20 * MILLISECOND)
    assert world.joined[RELAY] == {GROUP: NOTHING}
    assert world.relays[RELAY].status(world.now)["tunnels"] == []


def test_a_gateway_that_wants_nothing_is_silent():
    world = joined()
    world.leave(0, GROUP)
    world.run(world.now + 100 * SECOND)
    requests = world.sent[RELAY, amt.Request.TYPE]
    world.run(world.now + 1000 * SECOND)
    assert world.sent[RELAY, amt.Request.TYPE] == requests


@pytest.mark.parametrize("relay", [RELAY, None], ids=["told", "looked for"])
def test_a_gateway_that_wants_nothing_any_more_does_not_go_on_to_ask_nobody(relay):
    world = World(1)
    world.gateway(relay, ANYCAST if relay is None else None)
    world.want(0, GROUP)
    world.run(10 * SECOND)
    assert sum(world.sent.values()) > 2
    world.leave(0, GROUP)
    world.run(300 * SECOND)
    sent = sum(world.sent.values())
    world.run(3000 * SECOND)
    assert sum(world.sent.values()) == sent
    world.relay()
    world.want(0, GROUP)
    world.run(3001 * SECOND)
    assert world.joined[RELAY] == {GROUP: EVERYTHING}


def test_memberships_last_as_long_as_they_are_refreshed():
    """A thousand seconds; what is not refreshed ends after 2 * 20 s + 10 s."""
    world = joined()
    for number in range(1000):
        world.native(packet(number))
        world.run(world.now + SECOND)
    assert len(world.got[0]) == 1000
    world.seen[0] = outside(9)  # nothing of it reaches anybody any more
    world.gateways.clear()
    world.run(world.now + 51 * SECOND)
    assert world.joined[RELAY] == {GROUP: NOTHING}
    assert world.relays[RELAY].status(world.now)["tunnels"] == []


def test_the_end_of_a_gateway_is_told():
    world = joined()
    world.end(0)
    assert world.sent[RELAY, amt.Teardown.TYPE] == 1
    world.run(world.now + 20 * MILLISECOND)
    assert world.joined[RELAY] == {GROUP: NOTHING}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 32), st.floats(0, 0.4), st.integers(0, 300))
def test_loss_and_disorder_are_overcome(seed, loss, jitter_ms):
    """Whatever is lost for a while: in the end everybody is in what it wants, and only that."""
    world = World(seed, loss=loss, jitter=jitter_ms * MILLISECOND)
    world.relay()
    groups = (GROUP, ONE_SOURCE, GROUP_V6)
    wanted: list[dict] = []
    for _ in range(3):
        world.gateway()
        wanted.append({})
    for _ in range(12):
        number, group = world.random.randrange(3), world.random.choice(groups)
        if group in wanted[number]:
            world.leave(number, group)
            del wanted[number][group]
        else:
            source = SOURCE_V6 if group == GROUP_V6 else SOURCE
            sources = () if group == GROUP else (source,)
            world.want(number, group, *sources)
            wanted[number][group] = source
        world.run(world.now + world.random.randint(0, 3 * SECOND))
    world.loss, world.jitter = 0.0, 0
    world.run(world.now + 400 * SECOND)
    for group in groups:
        source = SOURCE_V6 if group == GROUP_V6 else SOURCE
        data = packet(7, group, source)
        world.native(data, source, group)
        world.run(world.now + SECOND)
        for number in range(3):
            assert world.got[number][data] == (group in wanted[number])


def test_requests_are_repeated_ever_more_slowly():
    """RFC 7450 section 5.2.3.5.3: between 1 s and twice as long for each time before, or 120 s."""
    world = World(1)
    world.gateway()
    world.want(0, GROUP)
    times, last = [], 0
    while len(times) < 40:
        world.run(world.now + 100 * MILLISECOND)
        if world.sent[RELAY, amt.Request.TYPE] > last:
            last = world.sent[RELAY, amt.Request.TYPE]
            times.append(world.now)
    waits = [(after - before) / SECOND for before, after in pairwise(times)]
    for number, wait in enumerate(waits):
        assert 0.9 <= wait <= min(2**number, 120) + 0.2
    assert max(waits) > 60


def test_a_relay_that_starts_anew_has_its_gateways_back_after_the_next_request():
    world = joined()
    world.relay()  # it knows neither its secret nor its tunnels any more
    world.native(packet(1))
    world.run(world.now + 21 * SECOND)
    world.native(packet(2))
    world.run(world.now + SECOND)
    assert set(world.got[0]) == {packet(2)}


def test_a_nat_that_rebinds_is_noticed_and_the_tunnel_to_where_it_was_ends():
    """Section 4.2.1.3: nobody gets anything twice, and nothing goes where nobody is."""
    world = joined()
    before = world.seen[0]
    world.seen[0] = outside(0, 50000)
    world.run(world.now + 25 * SECOND)
    assert world.logs["amt_address"] == 1
    (tunnel,) = world.relays[RELAY].status(world.now)["tunnels"]
    assert tunnel["gateway"] == "203.0.113.1:50000"
    assert world.sent[RELAY, amt.Teardown.TYPE] == 2  # the robustness variable
    sent = world.sent[before, amt.MulticastData.TYPE]
    world.native(packet(1))
    world.run(world.now + SECOND)
    assert world.got[0] == {packet(1): 1}
    assert world.sent[before, amt.MulticastData.TYPE] == sent


def test_both_protocols_move_at_once():
    """Whichever asks first notices, and the other one asks, too."""
    world = joined()
    world.want(0, GROUP_V6, SOURCE_V6)
    world.run(world.now + 2 * SECOND)
    world.seen[0] = outside(0, 50000)
    while not world.logs["amt_address"]:
        world.run(world.now + 100 * MILLISECOND)
    world.run(world.now + 200 * MILLISECOND)
    (tunnel,) = world.relays[RELAY].status(world.now)["tunnels"]
    assert tunnel["groups"] == ["239.1.1.1", "ff3e::c1"]


def test_a_host_with_another_address_asks_at_once():
    world = joined()
    world.seen[0] = outside(7)
    world._act(0, world.gateways[0].set_endpoints((outside(7),), world.now))
    world.run(world.now + 100 * MILLISECOND)
    (tunnel,) = world.relays[RELAY].status(world.now)["tunnels"]
    assert tunnel["gateway"] == "203.0.113.8:40000"


# Linux's amt device: include/net/amt.h has P, L and G at the other end of their octet.


def test_a_gateway_of_linux_gets_queries_that_it_takes():
    """Neither L nor G, whose bits are reserved to it; MLD's where it asks for it."""
    relay = a_relay(replace(SMALL, linux=True, maximum_tunnels=0))
    for octets, of_mld in (("0300", False), ("0380", True), ("0301", True)):
        request = bytes.fromhex(octets) + bytes(2) + (7).to_bytes(4, "big")
        (answer,) = relay.receive(request, outside(0), 0)
        assert answer.datagram[1] == 0
        packets.read_query(amt.decode(answer.datagram).packet, of_mld=of_mld)
    strict = a_relay()
    (answer,) = strict.receive(bytes.fromhex("03800000 00000007"), outside(0), 0)
    packets.read_query(amt.decode(answer.datagram).packet, of_mld=False)  # a reserved bit


def test_a_relay_of_linux_is_asked_as_it_wants_it():
    """It has one nonce of each gateway, so that both protocols have to ask with the same."""
    gateway = Gateway(GatewayConfig(linux=True), RELAY, None, Random(1))
    (of_igmp,) = gateway.want(GROUP, Interest(GROUP, True), 0)
    requests = gateway.want(GROUP_V6, Interest(GROUP_V6, True), 1)
    assert [action.datagram[:4].hex() for action in requests] == ["03000000", "03800000"]
    assert requests[0].datagram[4:] == requests[1].datagram[4:] != of_igmp.datagram[4:]
    nonce = amt.decode(requests[0].datagram).nonce
    for of_mld in (False, True):
        inside = packets.general_query(SMALL, of_mld=of_mld)
        query = amt.encode(amt.MembershipQuery(bytes(6), nonce, inside, None))
        assert len(gateway.receive(query, RELAY, 2)) == 1


# Discovery.


def test_a_relay_is_found_at_the_discovery_address():
    world = World(1)
    world.relay()
    world.gateway(None, ANYCAST)
    world.want(0, GROUP)
    world.run(SECOND)
    assert world.gateways[0].status(world.now)["relay"] == "192.0.2.1:2268"
    world.native(packet(1))
    world.run(2 * SECOND)
    assert world.got[0] == {packet(1): 1}


def test_another_relay_is_found_when_one_does_not_answer():
    world = World(1)
    world.relay()
    world.gateway(None, ANYCAST)
    world.want(0, GROUP)
    world.run(SECOND)
    world.relay(OTHER_RELAY)
    del world.relays[RELAY]
    world.anycast = OTHER_RELAY
    world.run(world.now + 90 * SECOND)
    assert world.joined[OTHER_RELAY] == {GROUP: EVERYTHING}
    assert world.sent[RELAY, amt.Teardown.TYPE] == 2  # it might have been slow only
    world.native(packet(1))
    world.run(world.now + SECOND)
    assert world.got[0] == {packet(1): 1}


def test_a_relay_that_is_full_says_so_and_another_one_is_looked_for():
    world = World(1)
    full = world.relay(config=replace(SMALL, maximum_tunnels=1))
    for number in range(2):
        world.gateway(None, ANYCAST)
        world.want(number, GROUP)
        world.run(world.now + SECOND)
    assert len(full.status(world.now)["tunnels"]) == 1
    requests = world.sent[RELAY, amt.Request.TYPE]
    world.relay(OTHER_RELAY)
    world.anycast = OTHER_RELAY
    world.run(world.now + 10 * SECOND)
    assert world.sent[RELAY, amt.Request.TYPE] - requests < 12
    assert world.joined[OTHER_RELAY] == {GROUP: EVERYTHING}
    world.native(packet(1))
    world.run(world.now + SECOND)
    assert [got[packet(1)] for got in world.got] == [1, 1]
    assert len(full.status(world.now)["tunnels"]) == 1


def test_an_advertisement_that_nobody_asked_for_is_ignored():
    gateway = Gateway(GatewayConfig(), None, ANYCAST, Random(1))
    (discovery,) = gateway.want(GROUP, Interest(GROUP, True), 0)
    nonce = amt.decode(discovery.datagram).nonce
    evil = IPv4Address("203.0.113.66")
    right = amt.encode(amt.RelayAdvertisement(nonce, evil))
    assert gateway.receive(right, OTHER_RELAY, 1) == []
    wrong = amt.encode(amt.RelayAdvertisement(nonce ^ 1, evil))
    assert gateway.receive(wrong, ANYCAST, 1) == []
    group = amt.encode(amt.RelayAdvertisement(nonce, IPv4Address("239.0.0.1")))
    assert gateway.receive(group, ANYCAST, 1) == []
    assert gateway.relay is None
    assert gateway.dropped == {"not asked for": 2, "malformed": 1}


# What others claim.


def asked() -> tuple[Gateway, int]:
    """A gateway that waits for a Membership Query, and its nonce."""
    gateway = Gateway(GatewayConfig(), RELAY, None, Random(1))
    (request,) = gateway.want(GROUP, Interest(GROUP, True), 0)
    return gateway, amt.decode(request.datagram).nonce


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nonce": 1}, "not asked for"),
        ({"packet": packets.general_query(SMALL, of_mld=True)}, "not asked for"),
        ({"packet": packets.general_query(SMALL, of_mld=False)[:-1]}, "malformed"),
        ({"packet": packets.report(igmp.MembershipReport(()))}, "malformed"),
        ({"packet": b""}, "malformed"),
    ],
    ids=["nonce", "protocol", "cut off", "a report", "nothing"],
)
def test_a_query_that_is_not_as_it_has_to_be_is_ignored(change, why):
    """Section 5.2.3.5.4."""
    gateway, nonce = asked()
    query = amt.MembershipQuery(bytes(6), nonce, packets.general_query(SMALL, of_mld=False), None)
    assert gateway.receive(amt.encode(replace(query, **change)), RELAY, 1) == []
    assert gateway.receive(amt.encode(query), OTHER_RELAY, 1) == []
    assert gateway.dropped[why] >= 1
    assert len(gateway.receive(amt.encode(query), RELAY, 1)) == 1
    assert gateway.receive(amt.encode(query), RELAY, 1) == []  # it waits for none any more


def test_a_relay_that_says_other_addresses_each_time_is_not_asked_without_end():
    gateway = Gateway(GatewayConfig(), RELAY, None, Random(1))
    said = {False: igmp.MembershipReport(()), True: mld.MulticastListenerReport(())}
    pending = [
        action.datagram
        for group in (GROUP, GROUP_V6)
        for action in gateway.want(group, Interest(group, True), 0)
    ]
    answered = 0
    for _ in range(3):
        while pending and answered < 100:
            request = amt.decode(pending.pop(0))
            where = amt.gateway_address(outside(answered, 1))
            answered += 1
            inside = packets.general_query(SMALL, of_mld=request.mld)
            query = amt.MembershipQuery(bytes(6), request.nonce, inside, where)
            actions = gateway.receive(amt.encode(query), RELAY, 1)
            gateway.report(said[request.mld])
            sent = [action.datagram for action in actions if isinstance(action, SendDatagram)]
            pending += [datagram for datagram in sent if datagram[0] == amt.Request.TYPE]
        pending = [action.datagram for action in gateway.moved(1)]
    assert answered <= 8


def test_octets_behind_a_query_are_not_passed_on():
    gateway, nonce = asked()
    inside = packets.general_query(SMALL, of_mld=False) + b"something else"
    query = amt.MembershipQuery(bytes(6), nonce, inside, amt.gateway_address(outside(0)))
    (action,) = gateway.receive(amt.encode(query), RELAY, 1)
    assert action.query.robustness == 2


def test_data_comes_from_the_relay_only_and_is_wanted():
    world = joined()
    core = world.gateways[0]
    good = amt.encode(amt.MulticastData(packet(1) + b"behind it"))
    assert core.receive(good, RELAY, world.now) == [Deliver(packet(1))]
    assert core.receive(good, OTHER_RELAY, world.now) == []
    unwanted = amt.encode(amt.MulticastData(packet(1, ONE_SOURCE)))
    assert core.receive(unwanted, RELAY, world.now) == []
    unicast = packet(1)[:16] + bytes((10, 0, 0, 1)) + packet(1)[20:]
    from_group = packet(1)[:12] + bytes((224, 0, 0, 5)) + packet(1)[16:]
    for wrong in (unicast, from_group, packet(1)[:-1], b"", b"\x45"):
        assert core.receive(amt.encode(amt.MulticastData(wrong)), RELAY, world.now) == []
    dropped = core.status(world.now)["dropped"]
    assert dropped == {"not from the relay": 1, "not wanted": 1, "malformed": 5}


def mac_of(relay: AmtRelay, gateway, nonce: int = 7) -> bytes:
    """What a gateway there gets."""
    (answer,) = relay.receive(amt.encode(amt.Request(nonce, False)), gateway, 0)
    return amt.decode(answer.datagram).mac


def update(mac: bytes, nonce: int = 7, group: str = "239.1.1.1", **options) -> bytes:
    record = igmp.GroupRecord(mld.RecordType.CHANGE_TO_EXCLUDE_MODE, IPv4Address(group))
    inside = options.pop("inside", None) or packets.report(igmp.MembershipReport((record,)))
    return amt.encode(amt.MembershipUpdate(mac, nonce, inside))


def a_relay(config: RelayConfig = SMALL) -> AmtRelay:
    return AmtRelay(config, (IPv4Address("192.0.2.1"),), Random(1), 0)


def dropped(relay: AmtRelay) -> dict[str, int]:
    return relay.status(0)["dropped"]


def test_a_forged_update_changes_nothing_and_is_counted():
    relay = a_relay()
    mac = mac_of(relay, outside(0))
    for sender, octets in (
        (outside(0), update(bytes(6))),
        (outside(0), update(mac, nonce=8)),
        (outside(0, 40001), update(mac)),
        (outside(1), update(mac)),
    ):
        assert relay.receive(octets, sender, 0) == []
    assert dropped(relay) == {"unauthentic": 4}
    assert relay.status(0)["tunnels"] == []
    assert relay.receive(update(mac), outside(0), 0)
    assert len(relay.status(0)["tunnels"]) == 1


def igmp_packet(message, destination="224.0.0.22", ttl=1, alert=True, protocol=2) -> bytes:
    ends = igmp.UNSPECIFIED, IPv4Address(destination)
    octets = igmp.encode(message)
    return ipv4.packet(ipv4.IPv4Packet(*ends, protocol, ttl, octets, router_alert=alert))


REPORT = igmp.MembershipReport(
    (igmp.GroupRecord(mld.RecordType.CHANGE_TO_EXCLUDE_MODE, IPv4Address("239.1.1.1")),)
)
GENERAL = igmp.MembershipQuery(igmp.UNSPECIFIED)


@pytest.mark.parametrize(
    "inside",
    [
        igmp_packet(REPORT, ttl=2),
        igmp_packet(REPORT, alert=False),
        igmp_packet(REPORT, protocol=17),
        igmp_packet(REPORT, destination="224.0.0.1"),
        igmp_packet(GENERAL, destination="224.0.0.1"),
        igmp_packet(igmp.OlderReport(IPv4Address("239.1.1.1"), 1), destination="239.1.1.1"),
        igmp_packet(REPORT)[:-1],
        igmp_packet(REPORT)[:-1] + b"\2",
        b"\x45" + bytes(30),
    ],
    ids=["ttl", "alert", "udp", "destination", "query", "version 1", "short", "checksum", "zeros"],
)
def test_what_an_update_may_not_have_in_it_is_dropped(inside):
    """Section 5.3.3.4."""
    relay = a_relay()
    octets = update(mac_of(relay, outside(0)), inside=inside)
    assert relay.receive(octets, outside(0), 0) == []
    assert dropped(relay) == {"malformed": 1}
    assert relay.status(0)["tunnels"] == []


@pytest.mark.parametrize(
    ("group", "source"),
    [("::ffff:239.1.1.1", "2001:db8::5"), ("ff3e::c1", "::ffff:198.51.100.1")],
)
def test_mld_has_no_say_about_ipv4(group, source):
    """Mapped addresses stand for IPv4 here, and no kernel joins for both in one group."""
    relay = a_relay()
    ends = packets.GATEWAY, mld.ALL_MLDV2_ROUTERS
    record = mld.AddressRecord(
        mld.RecordType.ALLOW_NEW_SOURCES, IPv6Address(group), (IPv6Address(source),)
    )
    octets = mld.encode(mld.MulticastListenerReport((record,)), *ends)
    inside = ipv6.packet(*ends, ipv6.ICMPV6, octets, hop_limit=1, router_alert=True)
    octets = update(mac_of(relay, outside(0)), inside=inside)
    assert relay.receive(octets, outside(0), 0) == []
    assert dropped(relay) == {"malformed": 1}
    assert relay.status(0)["tunnels"] == []


@pytest.mark.parametrize(
    ("message", "destination", "groups"),
    [
        (igmp.OlderReport(IPv4Address("239.1.1.2")), "239.1.1.2", ["239.1.1.1", "239.1.1.2"]),
        (igmp.LeaveGroup(IPv4Address("239.1.1.1")), "224.0.0.2", []),
        (igmp.LeaveGroup(IPv4Address("239.1.1.1")), "239.1.1.1", []),
    ],
    ids=["report", "leave", "leave to the group"],
)
def test_version_2_of_igmp_is_understood(message, destination, groups):
    relay = a_relay()
    mac = mac_of(relay, outside(0))
    relay.receive(update(mac), outside(0), 0)
    relay.receive(update(mac, inside=igmp_packet(message, destination)), outside(0), 0)
    assert relay.status(0)["groups"] == groups


def test_a_teardown_counts_for_the_address_in_it():
    relay = a_relay()
    mac = mac_of(relay, outside(0))
    relay.receive(update(mac), outside(0), 0)
    where = amt.gateway_address(outside(0))
    for forged in (
        amt.Teardown(bytes(6), 7, where),
        amt.Teardown(mac, 8, where),
        amt.Teardown(mac, 7, amt.gateway_address(outside(1))),
    ):
        assert relay.receive(amt.encode(forged), outside(0), 0) == []
    assert dropped(relay) == {"unauthentic": 3}
    assert len(relay.status(0)["tunnels"]) == 1
    relay.receive(amt.encode(amt.Teardown(mac, 7, where)), outside(5), 0)
    assert relay.status(0)["tunnels"] == []


def test_a_gateway_that_is_not_reached_any_more_has_no_tunnel():
    """Section 5.3.3.6.4: five messages in a row are ignored; a word of the gateway ends a row."""
    relay = a_relay()
    mac = mac_of(relay, outside(0))
    relay.receive(update(mac), outside(0), 0)
    for _ in range(2):
        for _ in range(5):
            assert relay.unreachable(outside(0), 0) == []
        relay.receive(update(mac), outside(0), 0)
    for _ in range(5):
        assert relay.unreachable(outside(0), 0) == []
    assert relay.unreachable(outside(1), 0) == []  # nobody
    assert len(relay.status(0)["tunnels"]) == 1
    said, wanted = relay.unreachable(outside(0), 0)
    assert said.fields == {"gateway": "203.0.113.1:40000"}
    assert wanted.wanted == NOTHING
    assert relay.status(0)["tunnels"] == []


def test_the_secret_is_replaced_and_the_one_before_counts_for_two_query_intervals():
    config = replace(SMALL, secret_lifetime=7200 * SECOND)
    secret, where = Secret(config, Random(1), 0), amt.gateway_address(outside(0))
    start = 7199 * SECOND
    mac = secret.mac(where, 7, start)
    assert secret.verifies(mac, where, 7, start + 2 * SECOND)
    changed = start + 2 * SECOND
    assert secret.mac(where, 7, changed) != mac
    assert secret.verifies(mac, where, 7, changed + 40 * SECOND)
    assert not secret.verifies(mac, where, 7, changed + 41 * SECOND)


def test_a_flood_from_one_address_leaves_others_their_answers():
    relay = a_relay()
    octets = amt.encode(amt.Request(7, False))
    answers = sum(bool(relay.receive(octets, outside(0, port), 0)) for port in range(1, 5000))
    assert answers == 200
    assert len(relay.receive(octets, outside(1), 0)) == 1


def test_what_strangers_send_leaves_no_state():
    """Ten thousand sources: Requests are answered and forgotten; updates prove nothing."""
    relay = a_relay()
    for number in range(10_000):
        sender = endpoint(mapped(IPv4Address(0x0A000000 + number)), 40000)
        relay.receive(amt.encode(amt.Request(number, False)), sender, 0)
        relay.receive(update(bytes(6), nonce=number), sender, 0)
    assert relay.status(0)["tunnels"] == []
    assert len(relay._relay._rates._full) <= 8192


def test_tunnels_of_one_address_groups_of_one_tunnel_and_sources_are_bounded():
    relay = a_relay(replace(SMALL, maximum_tunnels_of_address=2, maximum_groups=3))
    for port in range(3):
        mac = mac_of(relay, outside(0, 40000 + port))
        for number in range(5):
            relay.receive(update(mac, group=f"239.1.1.{number}"), outside(0, 40000 + port), 0)
    tunnels = relay.status(0)["tunnels"]
    assert [len(tunnel["groups"]) for tunnel in tunnels] == [3, 3]
    assert dropped(relay) == {"refused": 4, "no tunnel left": 5}


def long_packet(size: int, *, whole: bool) -> bytes:
    """To GROUP, of so many octets."""
    head = bytearray(packet(1)[:20])
    head[2:4] = size.to_bytes(2, "big")
    head[6] = 0x40 if whole else 0
    return bytes(head) + bytes(size - 20)


def test_packets_fit_into_the_tunnels_or_their_source_is_told():
    """Section 5.3.3.6: 1470 octets over IPv4, 1450 over IPv6; fragments are made inside."""
    relay = AmtRelay(SMALL, (IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")), Random(1), 0)
    over_v6 = endpoint(IPv6Address("2001:db8::2"), 40000)
    for gateway in (outside(0), over_v6):
        relay.receive(update(mac_of(relay, gateway)), gateway, 0)

    def sent(data: bytes) -> list[tuple[list[int], tuple]]:
        actions = relay.send(data, SOURCE, GROUP, 0)
        return [
            (len(action.datagram) - 2, action.destinations)
            if isinstance(action, SendDatagram)
            else (len(action.packet), action.mtu)
            for action in actions
        ]

    v4, v6 = (outside(0),), (over_v6,)
    assert sent(long_packet(1450, whole=True)) == [(1450, v4), (1450, v6)]
    assert sent(long_packet(1470, whole=False)) == [(1470, v4), (1444, v6), (46, v6)]
    assert sent(long_packet(1470, whole=True)) == [(1470, v4), (1470, 1450)]
    assert sent(long_packet(1471, whole=True)) == [(1471, 1450)]
    assert sent(long_packet(1471, whole=False)) == [(1468, v4), (23, v4), (1444, v6), (47, v6)]
    told = [relay.send(long_packet(1500, whole=True), SOURCE, GROUP, 0) for _ in range(100)]
    assert sum(len(each) for each in told) < 20
    assert dropped(relay) == {"too long": 102}


@given(st.binary(max_size=60), st.sampled_from([RELAY, outside(0)]))
def test_any_octets_are_taken_or_counted(octets, sender):
    relay = a_relay()
    gateway = AmtGateway(GatewayConfig(), RELAY, ANYCAST, Random(1))
    gateway.want(GROUP, Interest(GROUP, True), 0)
    for core in (relay, gateway):
        before = sum(core.status(0)["dropped"].values())
        actions = core.receive(octets, sender, 0)
        assert all(isinstance(action, SendDatagram) for action in actions)
        assert actions or sum(core.status(0)["dropped"].values()) == before + 1


def test_a_discovery_is_answered_with_the_address_of_its_protocol():
    relay = AmtRelay(SMALL, (IPv6Address("2001:db8::1"),), Random(1), 0)
    octets = amt.encode(amt.RelayDiscovery(7))
    (answer,) = relay.receive(octets, endpoint(IPv6Address("2001:db8::2"), 5), 0)
    assert amt.decode(answer.datagram).relay == IPv6Address("2001:db8::1")
    assert relay.receive(octets, outside(0), 0) == []


def test_a_query_is_as_section_5_3_3_3_wants_it():
    relay = a_relay()
    for of_mld in (False, True):
        (answer,) = relay.receive(amt.encode(amt.Request(7, of_mld)), outside(0), 0)
        message = amt.decode(answer.datagram)
        query = packets.read_query(message.packet, of_mld=of_mld)
        assert (query.robustness, query.query_interval_s) == (2, 20)
        assert amt.gateway_endpoint(message.gateway) == outside(0)
        assert not message.limited
    assert query.maximum_response_delay_ms == 1
