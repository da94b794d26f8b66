"""What a domain's state has to be, worked out from what happened, without the cores.

Where a mobile node is, only its movements say. Who anchors prefixes for it is what the PBUs say
that reached the CMD, in the order of the attachments that they are about; without a CMD, whom the
serving MAR takes for an anchor, and nobody else may hold anything; with two, whom both of them do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND
from agents.mobility.context import Records
from agents.mobility.sessions import Phase
from agents.wire.mobility import BindingUpdate, Message
from agents.wire.mobility_options import (
    AnchoredPrefix,
    LocalPrefix,
    MobileNodeIdentifier,
    Timestamp,
)
from emu.simulator.domain import EPOCH, Domain, Mar
from emu.simulator.router import Router


@dataclass
class _Track:
    """Where the CMD has heard that a mobile node was."""

    latest: tuple[int, int] = (-1, -1)
    """Timestamp and sequence number of the latest PBU."""
    visited: dict[IPv6Address, IPv6Network] = field(default_factory=dict)
    """MARs and the prefixes they gave, the last one visited last."""
    expires: int = 0
    left: IPv6Address | None = None
    """Where it was before it attached where it is; None: nowhere."""
    left_since: int = 0
    """When it had attached there, as far as the CMD has heard."""
    lapsed: bool = False
    """Whether the CMD's entry had expired before the latest PBU about this attachment."""


class Oracle:
    """Watches one domain from its start."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._tracks: dict[str, _Track] = {}
        self._held: dict[tuple[int, int], set[str]] = {}
        if not domain.config.standby:
            domain.observers.append(self._observe)
        domain.cmds[0].on_crash = self._cmd_crashed
        domain.cmds[0].on_restart = self._cmd_restarted
        self._crashed_at = 0

    def hold(self, number: int, peer: int, holder: str) -> None:
        """Note that somebody else than a mobile node's session holds a tunnel of a MAR."""
        self._held.setdefault((number, peer), set()).add(holder)

    def release(self, number: int, peer: int, holder: str) -> None:
        """Note that this holder let go."""
        self._held[number, peer].discard(holder)

    def faults(self) -> list[str]:
        """Every difference between what is and what has to be, one line each."""
        if self._domain.config.distributed:
            tracks = self._tracks_of_mars()
            of_cmd = []
        elif self._domain.config.standby:
            tracks = self._tracks_of_cmds()
            first, second = (cmd.core.bindings() for cmd in self._domain.cmds)
            of_cmd = _differences("the standby", second, first)
        else:
            tracks = {mn: track for mn, track in self._tracks.items() if self._is_bound(track)}
            of_cmd = self._faults_of_cmd(tracks)
        return [
            *self._faults_of_truth(tracks),
            *of_cmd,
            *(fault for mar in self._domain.mars for fault in self._faults_of_mar(mar, tracks)),
            *(fault for mn in tracks for fault in self._faults_of_paths(mn, tracks[mn])),
            *(fault for mn in tracks for fault in self._faults_of_context(mn, tracks[mn])),
        ]

    def _observe(self, message: Message, source: IPv6Address) -> None:
        """A PBU reached the CMD: the later one about the later attachment counts."""
        if not isinstance(message, BindingUpdate):
            return
        identifier = message.option(MobileNodeIdentifier)
        timestamp = message.option(Timestamp)
        prefix = message.option(LocalPrefix)
        assert identifier is not None
        assert timestamp is not None
        assert prefix is not None
        track = self._tracks.setdefault(identifier.identifier, _Track())
        if not self._is_bound(track):
            track.visited.clear()
        if (timestamp.time, message.sequence) <= track.latest:
            return
        if timestamp.time > track.latest[0]:
            track.left = [*track.visited][-1] if track.visited else None
            track.left_since = track.latest[0]
            track.lapsed = False
        elif not track.visited:
            track.lapsed = True
        track.latest = (timestamp.time, message.sequence)
        track.visited.pop(source, None)
        track.visited[source] = prefix.prefix
        released = {option.prefix for option in message.all(AnchoredPrefix)}
        track.visited = {mar: p for mar, p in track.visited.items() if p not in released}
        if message.lifetime == 0:
            track.visited.clear()
        track.expires = self._domain.engine.now + message.lifetime * SECOND

    def _cmd_crashed(self) -> None:
        self._crashed_at = self._domain.engine.now

    def _cmd_restarted(self) -> None:
        """What was bound at the crash lives for another lifetime."""
        lifetime = self._domain.config.binding_lifetime_s * SECOND
        for track in self._tracks.values():
            if track.expires > self._crashed_at:
                track.expires = self._domain.engine.now + lifetime

    def _is_bound(self, track: _Track) -> bool:
        return bool(track.visited) and track.expires > self._domain.engine.now

    def _tracks_of_mars(self) -> dict[str, _Track]:
        """What each MAR says of the mobile nodes that it serves."""
        return {
            mn: _Track(
                visited={
                    **{anchor.address: anchor.prefix for anchor in binding.anchors},
                    mar.config.address: binding.prefix,
                },
                lapsed=True,
            )
            for mar in self._domain.mars
            for mn, binding in mar.core.bindings().items()
            if binding.phase is Phase.SERVING
        }

    def _tracks_of_cmds(self) -> dict[str, _Track]:
        """What the CMDs agree upon: which of two got a PBU does not say which of them live on."""
        return {
            mn: _Track(
                visited={
                    **{anchor.address: anchor.prefix for anchor in binding.previous},
                    binding.serving: binding.prefix,
                },
                lapsed=True,
            )
            for mn, binding in self._domain.cmd.bindings().items()
        }

    def _faults_of_truth(self, tracks: dict[str, _Track]) -> list[str]:
        """The CMD has to have heard where each mobile node really is."""
        heard = {mn: [*track.visited][-1] for mn, track in tracks.items()}
        where = self._domain.where.items()
        truth = {mn: self._domain.mar(number).config.address for mn, number in where}
        return _differences("whereabouts", heard, truth)

    def _faults_of_cmd(self, tracks: dict[str, _Track]) -> list[str]:
        found = {
            mn: [*((a.address, a.prefix) for a in b.previous), (b.serving, b.prefix)]
            for mn, b in self._domain.cmd.bindings().items()
        }
        wanted = {mn: list(track.visited.items()) for mn, track in tracks.items()}
        return _differences("cmd", found, wanted)

    def _faults_of_mar(self, mar: Mar, tracks: dict[str, _Track]) -> list[str]:
        own = mar.config.address
        router = Router()
        holders: dict[IPv6Address, frozenset[str]] = {}
        phases: dict[str, Phase] = {}
        for mn, track in tracks.items():
            if own in track.visited:
                serving = [*track.visited][-1]
                phases[mn] = Phase.SERVING if serving == own else Phase.ANCHORING
                self._expect(router, own, track)
                for peer in self._peers(own, track):
                    holders[peer] = holders.get(peer, frozenset()) | {f"unicast:{mn}"}
        for (number, to), names in self._held.items():
            if number == mar.number and names:
                peer = self._domain.mar(to).config.address
                holders[peer] = holders.get(peer, frozenset()) | names
        router.tunnels = set(holders)
        name = f"mar{mar.number}"
        found = {mn: binding.phase for mn, binding in mar.core.bindings().items()}
        return [
            *_differences(f"{name} bindings", found, phases),
            *_differences(f"{name} holders", dict(mar.core.tunnels()), holders),
            *_differences(f"{name} router", vars(mar.router), vars(router)),
        ]

    def _expect(self, router: Router, own: IPv6Address, track: _Track) -> None:
        """Add what one mobile node needs at a MAR where it is or was."""
        serving = [*track.visited][-1]
        if serving != own:
            router.routes[track.visited[own]] = serving
            return
        for mar, prefix in track.visited.items():
            router.routes[prefix] = None
            if mar != own:
                router.source_routes[prefix] = mar
                router.link_locals.add(self._mar(mar).config.link_local)

    @staticmethod
    def _peers(own: IPv6Address, track: _Track) -> list[IPv6Address]:
        serving = [*track.visited][-1]
        return [mar for mar in track.visited if mar != own] if serving == own else [serving]

    def _faults_of_paths(self, mn: str, track: _Track) -> list[str]:
        """Follow a packet of each prefix both ways."""
        faults = []
        for anchor, prefix in track.visited.items():
            end = self._trace_down(prefix, anchor)
            if end != self._domain.where.get(mn):
                faults.append(f"{mn}: packets to {prefix} end at {end}")
            if not self._leaves_at(prefix, anchor, mn):
                faults.append(f"{mn}: packets from {prefix} do not leave at its anchor")
        return faults

    def _faults_of_context(self, mn: str, track: _Track) -> list[str]:
        """The serving MAR has to have heard what the MAR left last knew, unless it is that MAR.

        It may have left that one more than once, if the CMD did not hear where it was in between.
        """
        if not self._domain.config.context_transfer or track.lapsed:
            return []
        serving = self._mar([*track.visited][-1])
        wanted: list[Records] = [()]
        if track.left is not None and track.left != serving.config.address:
            departures = self._mar(track.left).handed_over.get(mn, [])
            lately = [records for time, records in departures if EPOCH + time >= track.left_since]
            wanted = lately or [()]  # left before it served there: nothing was handed over
        found = serving.received.get(mn, ())
        return [] if found in wanted else [f"{mn} context: is {found}, has to be one of {wanted}"]

    def _trace_down(self, prefix: IPv6Network, anchor: IPv6Address) -> int | None:
        """The number of the MAR on whose access link a packet to the prefix ends."""
        mar = self._mar(anchor)
        for _ in self._domain.mars:
            if prefix not in mar.router.routes:
                return None
            peer = mar.router.routes[prefix]
            if peer is None:
                return mar.number
            if not self._is_tunnel(mar, peer):
                return None
            mar = self._mar(peer)
        return None

    def _leaves_at(self, prefix: IPv6Network, anchor: IPv6Address, mn: str) -> bool:
        """Whether a packet that the mobile node sends from the prefix gets to the anchor."""
        number = self._domain.where.get(mn)
        if number is None:
            return False
        mar = self._domain.mar(number)
        peer = mar.router.source_routes.get(prefix)
        return mar.config.address == anchor if peer is None else self._is_tunnel(mar, anchor)

    def _is_tunnel(self, mar: Mar, peer: IPv6Address) -> bool:
        """Whether the tunnel has both its ends."""
        other = self._mar(peer)
        return peer in mar.router.tunnels and mar.config.address in other.router.tunnels

    def _mar(self, address: IPv6Address) -> Mar:
        return next(mar for mar in self._domain.mars if mar.config.address == address)


def _differences(what: str, found: object, wanted: object) -> list[str]:
    return [] if found == wanted else [f"{what}: is {found}, has to be {wanted}"]
