"""A source and its listeners move at random: in the end every listener gets each packet once."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest

from agents.core import MILLISECOND, SECOND
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, include
from agents.wire.channel import ChannelScope
from tests.unit.mld_network import tunnel
from tests.unit.mobile_domain import MobileDomain

PREFIX, SOURCE = IPv6Network("2001:db8:1:1::/64"), IPv6Address("2001:db8:1:1::5")
SSM, ASM = IPv6Address("ff3e::c1"), IPv6Address("ff0e::c2")
HOME = "mar1"
BATCHES, BATCH = 4, 75


class Source:
    """Sends to both groups, always from an address of its first MAR."""

    def __init__(self, domain: MobileDomain) -> None:
        self.domain, self.mar = domain, HOME

    def move(self, mar: str) -> None:
        """Go to a MAR; it, the one before and the anchor are told a little later."""
        left, self.mar = self.mar, mar
        domain = self.domain
        if mar != HOME:
            domain.connect(HOME, mar)
        link = None if mar == HOME else tunnel(HOME, mar)
        calls = [(HOME, "away", link), (left, "guest", None), (mar, "guest", link)]
        for name, call, way in calls if left != mar else []:
            delay = domain.random.randint(1, 20) * MILLISECOND
            domain.at(domain.now + delay, partial(self._tell, mar, name, call, way))

    def _tell(self, mar: str, name: str, call: str, way: str | None) -> None:
        if self.mar == mar or (call == "guest" and way is None and self.mar != name):
            router = self.domain.routers[name]
            self.domain.perform(router, getattr(router.core, call)(PREFIX, way, self.domain.now))

    def send(self) -> list[str]:
        """A packet to each group; what is wrong with its way."""
        found = []
        for group in (SSM, ASM):
            here = f"{self.mar}-radio"
            carried = self.domain.send(SOURCE, group, here)
            carried[here] -= 1
            radios = {wire: n for wire, n in carried.items() if n and wire.endswith("radio")}
            wanted = dict.fromkeys(self.domain.interested(SOURCE, group), 1)
            found += [] if radios == wanted else [f"{group}: reached {radios}, not {wanted}"]
        return found


def run_schedule(seed: int) -> list[str]:
    """Run a schedule; what is wrong in the end."""
    random = Random(seed)
    domain = MobileDomain(ProxyConfig(explicit_tracking=True), seed, 4, transfers=True)
    source = Source(domain)
    channels = [(SOURCE, SSM), (SOURCE, ASM)]
    domain.scopes = {channel: random.choice(list(ChannelScope)) for channel in channels}
    nodes = [domain.node(f"mn{n}", random.choice(domain.mars)) for n in range(4)]
    for at in sorted(random.randrange(20 * SECOND) for _ in range(30)):
        host, mar = random.choice(nodes), random.choice(domain.mars)
        step = random.choice(
            [
                partial(source.move, mar),
                partial(domain.want, host, SSM, random.choice([NOTHING, include([SOURCE])])),
                partial(domain.want, host, ASM, random.choice([NOTHING, EVERYTHING])),
                partial(move, domain, host, mar),
                partial(domain.change, random.choice(channels), random.choice(list(ChannelScope))),
                source.send,
            ]
        )
        domain.at(at, step)
    domain.run(50 * SECOND)
    for _ in range(10):  # each router on the new way learns from one that is lost
        domain.run(domain.now + 3 * SECOND)
        faults = source.send()
    return faults


def move(domain: MobileDomain, host, mar: str) -> None:
    if host.wire not in ("air", f"{mar}-radio"):
        domain.arrive(host, mar)


@pytest.mark.parametrize("first", range(BATCHES))
def test_listeners_of_a_mobile_source_get_each_packet_once(first):
    for seed in range(first * BATCH, (first + 1) * BATCH):
        found = run_schedule(seed)
        assert not found, f"run_schedule({seed}): " + "\n".join(found)
