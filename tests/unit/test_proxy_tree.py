"""Trees of proxies with joins, leaves and handovers: forwarding converges to what hosts want."""

from __future__ import annotations

from ipaddress import IPv6Address

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core import MILLISECOND, SECOND
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, exclude, include
from tests.unit.mld_network import Network, add_tunnels, down_path, tree, tunnel

S1, S2 = IPv6Address("2001:db8:5e00:1::2"), IPv6Address("2001:db8:5e00:2::2")
GROUPS = [IPv6Address("ff0e::c1"), IPv6Address("ff0e::c2")]
MARS = ["mar1", "mar2", "mar3", "mar4"]
HOSTS = [f"{mar}-mn{number}" for mar in MARS for number in range(2)]
CHANNELS = [(source, group) for source in (S1, S2) for group in GROUPS]
CONFIG = ProxyConfig(query_interval=20 * SECOND, query_response_interval=4 * SECOND)

# A leave takes a report's retransmission and the last listener query time, at each of three hops.
SETTLED = 3 * (CONFIG.unsolicited_report_interval + CONFIG.last_listener_query_time + SECOND)

times = st.integers(0, 8000).map(lambda ms: ms * MILLISECOND)
filters = st.sampled_from([NOTHING, EVERYTHING, include([S1]), include([S1, S2]), exclude([S1])])
changes = st.lists(
    st.tuples(times, st.sampled_from(HOSTS), st.sampled_from(GROUPS), filters), max_size=16
)
data = st.lists(st.tuples(times, st.sampled_from(CHANNELS)), max_size=8)
moves = st.lists(st.tuples(times, st.sampled_from(HOSTS), st.sampled_from(MARS)), max_size=6)
seeds = st.integers(0, 2**32)


def check(network: Network, wire: str = "lan") -> None:
    """Each listener's link gets each channel once, and no other radio gets it at all."""
    for source, group in CHANNELS:
        assert on_radios(network, source, group, wire) == network.interested(source, group) - {wire}


def on_radios(network: Network, source: IPv6Address, group: IPv6Address, wire: str) -> set[str]:
    """The radios that get a packet sent on ``wire``; nothing carries it twice.

    But for a tunnel, which may carry it once each way: two routers can serve each other.
    """
    carried = network.send(source, group, wire)
    assert all(times == 1 or (times == 2 and w.startswith("tun")) for w, times in carried.items())
    return {w for w in carried if w.endswith("radio") and w != wire}


def plan(network: Network, changes: list, data: list) -> None:
    for time, host, group, wanted in changes:
        at = network.hosts[host]
        network.at(time, lambda at=at, group=group, wanted=wanted: network.want(at, group, wanted))
    for time, (source, group) in data:
        network.at(time, lambda source=source, group=group: network.send(source, group, "lan"))


@settings(max_examples=40)
@given(changes, data, seeds, st.sampled_from([0.0, 0.5, 1.0]))
def test_forwarding_converges_under_report_loss(changes, data, seed, loss):
    """RFC 3810 sections 6.1 and 7.6.3: what robustness covers does no harm beyond a short delay."""
    network = tree(CONFIG, seed, loss)
    plan(network, changes, data)
    network.run(8 * SECOND + SETTLED)
    check(network)
    # No router link carries what nobody behind it wants.
    for source, group in CHANNELS:
        wanted = network.interested(source, group)
        paths = {"lan"}.union(*map(down_path, wanted))
        assert set(network.send(source, group, "lan")) == paths


@settings(max_examples=20)
@given(changes, seeds)
def test_local_source_reaches_all_listeners(changes, seed):
    """RFC 4605 section 4.3: from a downstream link to the upstream and the links that want it."""
    network = tree(CONFIG, seed, loss=0.5)
    plan(network, changes, [])
    network.run(8 * SECOND + SETTLED)
    check(network, wire="mar2-radio")


@settings(max_examples=40)
@given(changes, data, moves, seeds)
def test_handovers_keep_sessions_and_old_links_expire(changes, data, moves, seed):
    """RFC 3810 section 7.2: listeners that answer general queries stay, those that left expire.

    A host that moved gets everything once at its new link; its old link has it until the MALI.
    """
    network = tree(CONFIG, seed, loss=0.5)
    add_tunnels(network)
    plan(network, changes, data)
    for time, name, mar in moves:
        network.at(time, lambda name=name, mar=mar: hand_over(network, name, mar))
    network.run(8 * SECOND + 2 * CONFIG.query_response_interval + SETTLED)
    for source, group in CHANNELS:
        assert network.interested(source, group) <= on_radios(network, source, group, "lan")
    network.run(network.now + CONFIG.listener_interval + SETTLED)
    check(network)
    for router in network.routers.values():
        used = {record.upstream for record in router.core.membership()}
        assert {link for link in used if link and link.startswith("tun")} <= router.held


def hand_over(network: Network, name: str, mar: str) -> None:
    host = network.hosts[name]
    old = host.wire.split("-")[0]
    if old != mar:
        network.move(host, f"{mar}-radio", tunnel(old, mar))
