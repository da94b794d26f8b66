"""Random schedules of a mobile source and its listeners, each of one seed, in every scheme.

The source sends all the time, to a source-specific and an any-source group. Some listeners come, go
and move, often to where the source is or change places with it; others stay and listen throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, include
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.selection import MldDmm
from agents.wire.channel import ChannelScope
from agents.wire.mld import AddressRecord, MulticastListenerReport, RecordType
from tests.unit.mld_network import Host, Packet, tunnel
from tests.unit.mobile_domain import GatewayDomain, MobileDomain
from tests.unit.mobile_schedule import move

SCHEMES = ("mld-dmm", "mld-dmm-anchors", "multi-upstream", "rfc6224", "rfc7028")
"""Those in which mobile nodes may be sources."""

HOME = "mar1"
PREFIX = IPv6Network("2001:db8:1:1::/64")
SOURCE = PREFIX[5]
SSM, ASM = IPv6Address("ff3e::c1"), IPv6Address("ff0e::c2")
WISHES = {SSM: include([SOURCE]), ASM: EVERYTHING}
MARS, FIXED, MOVING, STEPS = 4, 2, 3, 12
INTERVAL = 20 * MILLISECOND
SIGNALLING = 20 * MILLISECOND
UNDER_WAY = 100 * MILLISECOND
"""The longest time that a packet, or a join towards its source, is under way."""
TOLD = 3 * SECOND
"""A router without bindings learns from data that a source has moved, once in this time."""
JOINED, MOVES, SENT = 20 * SECOND, 12 * SECOND, 16 * SECOND


@dataclass
class Source:
    """Sends from an address of its first MAR wherever it is.

    ``handovers`` is when it left which MAR and when its next one is known; ``told`` is how long
    routers take to learn it that no binding tells.
    """

    domain: MobileDomain
    told: int
    mar: str | None = HOME
    last: str = HOME
    sent: list[int] = field(default_factory=list)
    handovers: list[tuple[int, str, int]] = field(default_factory=list)

    def begin(self) -> None:
        """It is known where it is."""
        if self.domain.has_visitors:
            self._tell(HOME, HOME, "visitor", f"{HOME}-radio")

    def move(self, mar: str, gap: int) -> None:
        """Go to a MAR, unless it is on its way already."""
        if self.mar not in (None, mar):
            now = self.domain.now
            self.handovers.append((now, self.last, now + gap + SIGNALLING))
            self.mar = None
            self.domain.at(now + gap, partial(self._arrived, mar))

    def _arrived(self, mar: str) -> None:
        """Its MAR, the one before and the anchor are told a little later, in any order."""
        left, self.mar, self.last = self.last, mar, mar
        domain = self.domain
        if domain.has_visitors:
            for name, link in ((left, None), (mar, f"{mar}-radio")):
                told = domain.now + domain.random.randint(1, SIGNALLING)
                domain.at(told, partial(self._tell, mar, name, "visitor", link))
            return
        if mar != HOME:
            domain.connect(HOME, mar)
        link = None if mar == HOME else tunnel(HOME, mar)
        for name, call, way in ((HOME, "away", link), (left, "guest", None), (mar, "guest", link)):
            told = domain.now + domain.random.randint(1, SIGNALLING)
            domain.at(told, partial(self._tell, mar, name, call, way))

    def _tell(self, mar: str, name: str, call: str, way: str | None) -> None:
        leaves = call in ("guest", "visitor") and way is None
        if self.last == mar or (leaves and self.last != name):
            router = self.domain.routers[name]
            self.domain.perform(router, getattr(router.core, call)(PREFIX, way, self.domain.now))

    def restarted(self, mar: str) -> None:
        """A MAR has started anew, and its bindings are set up again."""
        if self.domain.has_visitors and mar == self.last:
            told = self.domain.now + SIGNALLING
            self.domain.at(told, partial(self._tell, mar, mar, "visitor", f"{mar}-radio"))
        if self.domain.pools and self.last != HOME and mar in (HOME, self.last):
            call = "away" if mar == HOME else "guest"
            told = self.domain.now + SIGNALLING
            self.domain.at(told, partial(self._tell, self.last, mar, call, tunnel(HOME, self.last)))

    def send(self, until: int) -> None:
        """Send a packet to each group, and go on."""
        now = self.domain.now
        if self.mar is not None:
            self.sent.append(now)
            for group in (SSM, ASM):
                self.domain.launch(Packet(SOURCE, group, now), f"{self.mar}-radio")
        if now < until:
            self.domain.at(now + INTERVAL, partial(self.send, until))

    def is_moving(self, sent: int) -> bool:
        """Whether a packet may be lost, for the source's own handover costs that."""
        return any(
            left - UNDER_WAY <= sent <= known + self.told + UNDER_WAY
            for left, _, known in self.handovers
        )

    def has_left(self, mar: str, sent: int, now: int) -> bool:
        """Whether it has left a MAR since it sent a packet."""
        return any(mar == name and sent <= left <= now for left, name, _ in self.handovers)


class Attacker:
    """A node at every MAR at once, that is attached nowhere: it says and sends what it likes.

    Its reports are in the names of hosts that it invents, and of those that are there, from its
    own link-layer address; its data is from ever new addresses that no binding is of.
    """

    def __init__(self, domain: MobileDomain, seed: int) -> None:
        self._domain = domain
        self._random = Random(f"attacker {seed}")
        self._sent = 0

    def attack(self, until: int) -> None:
        """Once at a MAR, and go on."""
        domain, random = self._domain, self._random
        router = domain.routers[random.choice(domain.mars)]
        host = random.choice([IPv6Address("fe80::bad:0") + random.randrange(100), *_hosts(domain)])
        kind = random.choice(list(RecordType))
        sources = random.choice([(), (SOURCE,)])
        record = AddressRecord(kind, random.choice([SSM, ASM]), sources)
        message, radio = MulticastListenerReport((record,)), f"{router.name}-radio"
        said = router.core.receive(message, host, radio, domain.now, b"\2\xba\xd0" + bytes(3))
        domain.perform(router, said)
        self._sent += 1
        foreign = IPv6Address("2001:db8:bad::") + self._sent
        domain.launch(Packet(foreign, random.choice([SSM, ASM]), -self._sent), radio)
        if domain.now < until:
            domain.at(domain.now + INTERVAL, partial(self.attack, until))

    def heard(self) -> list[str]:
        """What it sent that got to anybody."""
        return [
            f"{name} got {group} of the attacker's"
            for name, packets in self._domain.heard.items()
            for group, number in packets
            if number < 0
        ]


def _hosts(domain: MobileDomain) -> list[IPv6Address]:
    return [host.address for host in domain.hosts.values()]


def run_schedule(seed: int, scheme: str, *, attacked: bool = False) -> list[str]:
    """Run a schedule; what went wrong at any time, and in the end."""
    random = Random(seed)
    faulty = random.random() < 0.25
    domain = make_domain(random, scheme, seed, loss=0.3 if faulty else 0.0)
    source = Source(domain, told=0 if scheme.startswith("mld-dmm") else TOLD)
    domain.on_restart = source.restarted
    for channel in ((SOURCE, SSM), (SOURCE, ASM), (None, ASM)):
        domain.scopes[channel] = random.choice(list(ChannelScope))
    fixed = [domain.node(f"fix{n}", random.choice(domain.mars)) for n in range(FIXED)]
    moving = [domain.node(f"mn{n}", random.choice(domain.mars)) for n in range(MOVING)]
    for host in (*fixed, *moving):
        for group, wish in WISHES.items():
            if host in fixed or random.random() < 0.7:
                domain.want(host, group, wish)
    domain.run(JOINED)
    attacker = Attacker(domain, seed)
    if attacked:
        domain.at(domain.now, partial(attacker.attack, JOINED + SENT))
    source.begin()
    domain.at(domain.now, partial(source.send, JOINED + SENT))
    for _ in range(STEPS):
        at = JOINED + SECOND + random.randrange(MOVES)
        domain.at(at, partial(step, random, domain, source, moving, faulty=faulty))
    domain.run(JOINED + SENT + SECOND)
    found = loops(domain, source) + attacker.heard()
    if not faulty:
        found += losses(domain, source, fixed)
    return found + final_faults(domain, source)


def make_domain(random: Random, scheme: str, seed: int, loss: float) -> MobileDomain:
    """The network of a scheme."""
    if scheme in ("rfc6224", "rfc7028"):
        config = ProxyConfig(explicit_tracking=random.random() < 0.5)
        return GatewayDomain(config, seed, MARS, loss, anchor=scheme == "rfc6224")
    is_base = scheme != "multi-upstream"
    config = ProxyConfig(explicit_tracking=not is_base or random.random() < 0.5)
    window = config.ongoing_session_window
    all_anchors = scheme == "mld-dmm-anchors"
    selection = MldDmm(window, all_anchors) if is_base else MultiUpstream(window)
    return MobileDomain(config, seed, MARS, loss, transfers=not is_base, selection=selection)


def step(
    random: Random, domain: MobileDomain, source: Source, moving: list[Host], *, faulty: bool
) -> None:
    """Somebody moves, comes or goes; if it is faulty, a router dies or a policy changes."""
    gap = random.choice([0, 5 * MILLISECOND, 50 * MILLISECOND, 300 * MILLISECOND])
    host, mar, kind = random.choice(moving), random.choice(domain.mars), random.random()
    if faulty and kind < 0.15:
        domain.crash(mar, random.choice([0, 300 * MILLISECOND]))
    elif faulty and kind < 0.25 and domain.asks:
        domain.change(random.choice(list(domain.scopes)), random.choice(list(ChannelScope)))
    elif kind < 0.35:
        source.move(mar, gap)
    elif kind < 0.5:
        move(domain, host, mar, gap)
    elif kind < 0.8 and source.mar is not None and host.wire != "air":
        here = domain.where(host)
        move(domain, host, source.mar, gap)
        if random.random() < 0.7:
            source.move(here, gap)
    else:
        group = random.choice([SSM, ASM])
        domain.want(host, group, WISHES[group] if random.random() < 0.5 else NOTHING)


def loops(domain: MobileDomain, source: Source) -> list[str]:
    """The packets that a router forwarded twice.

    Where its source was until just now one may come back, once: nobody can know it from the next.
    """
    return [
        f"{router} got {packet.group} sent at {packet.number / SECOND:.3f} by {packet.path} again"
        for now, router, packet in domain.returned
        if packet.path.count(router) > 1 or not source.has_left(router, packet.number, now)
    ]


def losses(domain: MobileDomain, source: Source, fixed: list[Host]) -> list[str]:
    """What those who stayed where they are did not get once."""
    return [
        f"{host.name} at {host.wire} got {group} sent at {sent / SECOND:.3f} {times} times"
        for host in fixed
        for group in WISHES
        for sent in source.sent
        if (times := domain.heard[host.name][group, sent]) != 1 and not source.is_moving(sent)
    ]


def final_faults(domain: MobileDomain, source: Source) -> list[str]:
    """What is wrong when all is quiet: every listener gets each packet once, by one copy."""
    domain.run(domain.now + 30 * SECOND)
    found: list[str] = []
    for _ in range(10):  # each router on a new way learns from a packet that is lost
        domain.run(domain.now + TOLD)
        found = []
        for group in WISHES:
            here = f"{source.last}-radio"
            carried = domain.send(SOURCE, group, here)
            carried[here] -= 1
            wanted = domain.interested(SOURCE, group)
            reached = {wire: carried[wire] for wire in wanted}
            if any(times != 1 for times in reached.values()):
                found.append(f"{group} reached {reached} in the end")
    return found
