"""Other members' trees: what comes down, who gets it next, and what the root is told of it.

Data goes on only along the route of its own version, which is a tree, and from the parent in it: so
there is no loop at any moment, whatever is lost, late or repeated.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field, replace

from agents.core import MILLISECOND, SECOND
from agents.deadlines import Deadlines
from agents.overlay.actions import Deliver, DeliverPackets
from agents.overlay.config import OverlayConfig
from agents.overlay.data_path import Arrivals, DataPath
from agents.overlay.interface import ROOM
from agents.overlay.marking import received, traffic_class
from agents.overlay.post import Post
from agents.overlay.routes import Routes
from agents.overlay.runs import Run
from agents.wire.overlay import Data, MemberId, Receipt, Receipts, Route, RouteAck, children, encode

_VERSIONS = 3
"""Versions of a route that are kept, for data that is still on its way."""
_UNUSED = 2 * SECOND
_RECEIPTS_AFTER = 10 * SECOND
"""Receipts end so long after the last data or route."""
_RECEIPTS_A_MESSAGE = 50

Key = tuple[MemberId, int]
"""Root, tree."""


@dataclass
class _Place:
    """Our place in one version of a tree."""

    parent: MemberId
    children: tuple[MemberId, ...]
    transit: bool
    since: int
    arrivals: Arrivals


@dataclass
class _Branch:
    """One tree as it is known here."""

    touched: int
    interval: int
    places: OrderedDict[int, _Place] = field(default_factory=OrderedDict)
    seen: int = 0
    """What had come when it was looked at last, of places that are there."""
    past: int = 0
    """What came by places that are gone."""

    @property
    def highest(self) -> int:
        """What came in the newest version."""
        return self.places[next(reversed(self.places))].arrivals.read()[0] if self.places else 0

    @property
    def received(self) -> int:
        """How many packets came."""
        return self.past + self._present()

    def is_newer(self, version: int) -> bool:
        """Whether a version is newer than all that are known."""
        return not self.places or version > next(reversed(self.places))

    def unused(self, now: int) -> list[int]:
        """Versions that nothing came by in time, as it would have by one of the root's own."""
        return [
            version
            for version, place in self.places.items()
            if now - place.since > _UNUSED and not place.arrivals.read()[0]
        ]

    def look(self, now: int) -> None:
        """Something may have come without us."""
        present = self._present()
        if present != self.seen:
            self.seen, self.touched = present, now

    def _present(self) -> int:
        return sum(place.arrivals.read()[1] for place in self.places.values())


class Branches:
    """The trees of other roots that this member is in. ``dropped`` counts data by reason."""

    def __init__(
        self,
        member: MemberId,
        config: OverlayConfig,
        post: Post,
        routes: Routes,
        path: DataPath,
    ) -> None:
        self._member = member
        self._path = path
        self._config = config
        self._post = post
        self._routes = routes
        self._branches: dict[Key, _Branch] = {}
        self._held: list[tuple[int, MemberId, Data]] = []
        self._expiry: Deadlines[Key] = Deadlines()
        self._receipts: Deadlines[MemberId] = Deadlines()
        self.dropped: dict[str, int] = defaultdict(int)

    def route(self, route: Route, sender: MemberId, now: int) -> None:
        """A parent says where we are in a tree, and who is below us."""
        key = (route.root, route.tree)
        if route.root == self._member or route.hops[0].member != self._member:
            self.dropped["route of another"] += 1
            return
        if any(hop.member == sender for hop in route.hops):
            self.dropped["route with its sender below"] += 1
            return
        branch = self._branches.get(key)
        if branch is None:
            if len(self._branches) >= self._config.maximum_trees:
                self.dropped["too many trees"] += 1
                return
            branch = self._branches[key] = _Branch(now, 0)
        self._post.send(RouteAck(route.root, route.tree, route.version), sender, now)
        for version in branch.unused(now):  # whoever made them up does not shut out the root's own
            self._drop(key, branch, version)
        if not branch.is_newer(route.version):
            return
        parts = {part[0].member: part for part in children(route.hops)}
        if len(parts) > self._config.degree:
            self.dropped["more children than our degree"] += 1
            parts = dict(list(parts.items())[: self._config.degree])
        arrivals = self._path.arrivals((*key, route.version))
        place = _Place(sender, tuple(parts), route.hops[0].transit, now, arrivals)
        branch.places[route.version] = place
        while len(branch.places) > _VERSIONS:
            self._drop(key, branch, next(iter(branch.places)))
        branch.interval = max(route.interval_ms * MILLISECOND, 100 * MILLISECOND)
        self._touch(key, branch, now)
        below = {
            child: Route(route.root, route.tree, route.version, route.interval_ms, part)
            for child, part in parts.items()
        }
        self._routes.replace(route.root, route.tree, below, now)
        self._offer(key, branch, now)
        self._release(now)

    def data(
        self, data: Data, sender: MemberId, now: int, *, ecn: int = 0, held: bool = False
    ) -> None:
        """A packet came down a tree, in a datagram with this ECN field."""
        key = (data.root, data.tree)
        branch = self._branches.get(key)
        place = None if branch is None else branch.places.get(data.version)
        if branch is None or place is None:
            if branch is not None and branch.places and data.version < next(iter(branch.places)):
                self.dropped["version too old"] += 1
            elif not held:
                self._hold(data, sender, now)
            return
        if place.parent != sender:
            self.dropped["not from the parent"] += 1
            return
        if not place.arrivals.take(data.sequence):
            self.dropped["duplicate"] += 1
            return
        self._touch(key, branch, now)
        packet = received(data.packet, ecn) if data.packet else b""
        if packet is None:
            self.dropped["congestion"] += 1
            return
        if packet and not place.transit:
            self._post.act(Deliver(packet))
        if place.children:
            mark = traffic_class(packet) if packet else 0
            self._post.send_body(encode(replace(data, packet=packet)), place.children, now, mark)

    def is_ahead(self, run: Run) -> bool:
        """Whether a run comes from the parent in its tree, and is ahead of all that came of it."""
        root, tree, version = run.tree
        branch = self._branches.get((root, tree))
        place = None if branch is None else branch.places.get(version)
        return (
            place is not None
            and place.parent == run.sender
            and place.arrivals.is_ahead(run.sequence)
        )

    def data_run(self, run: Run, now: int) -> None:
        """A run that is ahead came, and no router marked it."""
        root, tree, version = run.tree
        branch = self._branches[root, tree]
        place = branch.places[version]
        place.arrivals.take_run(run.sequence, len(run.framed))
        self._touch((root, tree), branch, now)
        if not place.transit:
            self._post.act(DeliverPackets([view[ROOM:] for view in run.framed]))
        if place.children:
            mark = traffic_class(run.framed[0][ROOM:])
            self._post.send_run(run.framed, place.children, now, mark)

    def forget_root(self, root: MemberId) -> None:
        """A root is gone, and its trees with it."""
        for key in [key for key in self._branches if key[0] == root]:
            self._forget(key)

    def timer(self, now: int) -> None:
        """Send the receipts that are due; forget what nothing came of for long."""
        for key in list(self._expiry.due(now)):
            self._branches[key].look(now)
            until = self._branches[key].touched + self._config.tree_lifetime
            if until > now:
                self._expiry.set(key, until)
            else:
                self._forget(key)
        for root in list(self._receipts.due(now)):
            self._send_receipts(root, now)
        limit = now - self._config.held_time
        kept = [entry for entry in self._held if entry[0] > limit]
        self.dropped["no route"] += len(self._held) - len(kept)
        self._held = kept

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        times = [self._expiry.next(), self._receipts.next()]
        if self._held:
            times.append(self._held[0][0] + self._config.held_time)
        return min((time for time in times if time is not None), default=None)

    def status(self) -> list[dict[str, object]]:
        """Each tree, in its newest version."""
        return [
            {
                "root": root.hex(),
                "tree": tree,
                "version": version,
                "parent": place.parent.hex(),
                "children": [child.hex() for child in place.children],
                "received": branch.received,
            }
            for (root, tree), branch in self._branches.items()
            for version, place in list(branch.places.items())[-1:]
        ]

    def _touch(self, key: Key, branch: _Branch, now: int) -> None:
        """Something came of a tree: it lives, and its root is told."""
        branch.touched = now
        root = key[0]
        if key not in self._expiry:
            self._expiry.set(key, now + self._config.tree_lifetime)
        if root not in self._receipts:
            self._receipts.set(root, now + branch.interval)
            self._offer(key, branch, now)

    def _send_receipts(self, root: MemberId, now: int) -> None:
        branches = [(key[1], b) for key, b in self._branches.items() if key[0] == root]
        for tree, branch in branches:
            branch.look(now)
            self._offer((root, tree), branch, now)
        told = [(tree, b) for tree, b in branches if now - b.touched < _RECEIPTS_AFTER]
        if not told:
            return
        receipts = [Receipt(tree, b.highest, b.received) for tree, b in told]
        for start in range(0, len(receipts), _RECEIPTS_A_MESSAGE):
            part = tuple(receipts[start : start + _RECEIPTS_A_MESSAGE])
            self._post.send(Receipts(part), root, now)
        self._receipts.set(root, now + min(b.interval for _, b in told))

    def _offer(self, key: Key, branch: _Branch, now: int) -> None:
        """Let the data path carry what comes by a tree, while it is in use."""
        for version, place in branch.places.items():
            tree = (*key, version)
            parent = self._post.endpoint(place.parent, now)
            children = self._post.endpoints(place.children, now)
            if parent is None or children is None or now - branch.touched >= _RECEIPTS_AFTER:
                self._path.stop_receiving(tree, place.parent)
            else:
                ends = place.parent, parent
                self._path.receive_by(self._member, tree, ends, children, deliver=not place.transit)

    def _drop(self, key: Key, branch: _Branch, version: int) -> None:
        """Forget a version of a tree."""
        place, tree = branch.places.pop(version), (*key, version)
        received = place.arrivals.read()[1]
        branch.past += received
        branch.seen -= received
        self._path.stop_receiving(tree, place.parent)
        self._path.forget_arrivals(tree)

    def _hold(self, data: Data, sender: MemberId, now: int) -> None:
        """Data has overtaken its route."""
        if len(self._held) >= self._config.held_packets:
            self._held.pop(0)
            self.dropped["no route"] += 1
        self._held.append((now, sender, data))

    def _release(self, now: int) -> None:
        """Try again what waits for a route."""
        held, self._held = self._held, []
        for since, sender, data in held:
            branch = self._branches.get((data.root, data.tree))
            if branch is not None and data.version in branch.places:
                self.data(data, sender, now, held=True)
            else:
                self._held.append((since, sender, data))

    def _forget(self, key: Key) -> None:
        branch = self._branches.pop(key)
        for version in list(branch.places):
            self._drop(key, branch, version)
        self._expiry.cancel(key)
        self._routes.replace(*key, {}, 0)
