"""Random schedules of joins, leaves, moves, crashes and changes of policy, each of one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, include
from agents.wire.channel import ChannelScope
from tests.unit.mld_network import Host
from tests.unit.mobile_domain import MobileDomain

S1, S2 = (IPv6Address(f"2001:db8:5e00:{n}::2") for n in (1, 2))
SSM, ASM = IPv6Address("ff3e::c1"), IPv6Address("ff0e::c2")
CHANNELS = [(S1, SSM), (S2, SSM), (S1, ASM), (S2, ASM)]
WISHES = {
    SSM: [NOTHING, include([S1]), include([S2]), include([S1, S2])],
    ASM: [NOTHING, EVERYTHING, EVERYTHING, include([S1])],
}
CONFIG = ProxyConfig(explicit_tracking=True)
MOST_DEAD = 4 * SECOND
# The answers to a router's second query after it has started: its first ones may have been lost.
SETTLED = CONFIG.startup_query_interval + CONFIG.query_response_interval
# The kernel tells of one copy too many at a time, and not more often than this.
TOLD, COPIES = 3 * SECOND, 8


@dataclass(frozen=True)
class Size:
    """Of a schedule: its domain, and its joins, leaves, moves, crashes and policy changes."""

    mars: int
    nodes: int
    steps: int
    duration: int


SMALL = Size(mars=4, nodes=10, steps=40, duration=8 * SECOND)
FULL = Size(mars=20, nodes=200, steps=600, duration=10 * SECOND)


def run_schedule(seed: int, size: Size) -> list[str]:
    """Run one schedule; what is wrong in the end."""
    random = Random(seed)
    domain = MobileDomain(
        CONFIG, seed, size.mars, loss=random.choice([0.0, 0.3]), transfers=random.random() < 0.8
    )
    scopes = list(ChannelScope)
    keys = [*CHANNELS, (None, ASM), (None, SSM)]
    domain.scopes = {channel: random.choice(scopes) for channel in keys}
    nodes = [domain.node(f"mn{n}", random.choice(domain.mars)) for n in range(size.nodes)]
    for _ in range(size.steps):
        host, kind = random.choice(nodes), random.random()
        step = partial(domain.change, random.choice(keys), random.choice(scopes))
        if kind < 0.45:
            group = random.choice([SSM, ASM])
            step = partial(domain.want, host, group, random.choice(WISHES[group]))
        elif kind < 0.48:
            step = crash(domain, random)
        elif kind < 0.95:
            gap = random.choice([0, 0, 50 * MILLISECOND, 300 * MILLISECOND])
            step = partial(move, domain, host, random.choice(domain.mars), gap)
        domain.at(random.randrange(size.duration), step)
    for _ in range(size.steps):
        send = partial(domain.send, *random.choice(CHANNELS), "lan")
        domain.at(random.randrange(size.duration), send)
    domain.run(size.duration + MOST_DEAD + SETTLED)
    for _ in range(COPIES):
        for source, group in CHANNELS:
            domain.send(source, group, "lan")
        domain.run(domain.now + TOLD)
    return [fault for channel in CHANNELS for fault in faults(domain, *channel)]


def crash(domain: MobileDomain, random: Random) -> Callable[[], None]:
    """A MAR, another router or channel control dies, and is back at once or later."""
    dead = random.choice([0, 300 * MILLISECOND, MOST_DEAD])
    if random.random() < 0.1:
        return partial(domain.crash_channel_control, dead)
    routers = domain.mars if random.random() < 0.7 else list(domain.routers)
    return partial(domain.crash, random.choice(routers), dead)


def move(domain: MobileDomain, host: Host, mar: str, gap: int) -> None:
    """A host goes elsewhere, unless it is on the way already."""
    if host.wire not in ("air", f"{mar}-radio"):
        domain.arrive(host, mar, gap)


def faults(domain: MobileDomain, source: IPv6Address, group: IPv6Address) -> list[str]:
    """What is wrong with the way of a packet."""
    domain.arrivals.clear()
    carried = domain.send(source, group, "lan")
    radios = {wire: times for wire, times in carried.items() if wire.endswith("radio")}
    wanted = dict.fromkeys(domain.interested(source, group), 1)
    found = [f"{source} {group} reached {radios}, not {wanted}"] if radios != wanted else []
    found += [
        f"{times} copies of {source} {group} enter {mar}"
        for mar in domain.mars
        if (times := domain.arrivals[mar]) > 1
    ]
    return found
