"""A member's place in the clusters of one group: in layer 0, and above where it leads.

It leads its cluster in each layer but the highest that it is in; in that one, too, if it is the
root. Whoever loses its leader is the root of what it leads until it has found another place; a
rendezvous point tells two roots of each other, and the lower one joins the higher one.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address

from agents.core import Log
from agents.overlay.nemo.cluster import Cluster, Seated
from agents.overlay.nemo.context import Context
from agents.overlay.nemo.rendezvous import Top
from agents.overlay.nemo.search import Search
from agents.wire.addresses import unmapped
from agents.wire.nemo import (
    MAXIMUM_LAYERS,
    NOBODY,
    Alive,
    Join,
    Lead,
    Leave,
    Members,
    Move,
    Peer,
    Query,
    Register,
    Seat,
    View,
)
from agents.wire.overlay import MemberId


class Hierarchy:
    """The clusters by layer, and what messages do to them. ``Upkeep`` is what time does."""

    def __init__(self, group: IPv6Address, context: Context, now: int) -> None:
        self.group, self.context = group, context
        self.me = context.me
        self.clusters: list[Cluster] = []
        self.search: Search | None = None
        self._moved: dict[int, MemberId] = {}
        """Where members of clusters that we gave up have been sent, by layer."""
        self.seek((), now)

    # What others ask.

    @property
    def top(self) -> int:
        """The highest layer that we are in; -1: we are in none yet."""
        return len(self.clusters) - 1

    @property
    def is_root(self) -> bool:
        """Whether nobody leads us."""
        return bool(self.clusters) and self.leads(self.top)

    def leads(self, layer: int) -> bool:
        """Whether we lead a cluster of that layer."""
        return layer <= self.top and self.clusters[layer].leader == self.me

    def above(self, layer: int) -> tuple[MemberId, ...]:
        """Leader and co-leaders of the cluster above that of a layer, as far as we know."""
        if layer < self.top:
            cluster = self.clusters[layer + 1]
            return cluster.leader, *cluster.crew
        return () if self.leads(layer) else self.clusters[layer].above

    # What messages do.

    def on_join(self, message: Join, sender: MemberId, now: int) -> None:
        """A member wants to be in our cluster."""
        layer, crew = message.layer, self._crew_of(message.crew, now)
        if self.leads(layer):
            self.seat(layer, sender, crew, now)
        elif self.is_root and layer == len(self.clusters) < MAXIMUM_LAYERS and not self.search:
            seats = {self.me: Seated(now), sender: Seated(now, crew)}
            self.clusters.append(Cluster(self.me, seats, now, NOBODY))
            self.tell(layer, now)
        else:
            self.refuse(layer, sender)

    def on_alive(self, message: Alive, sender: MemberId, now: int) -> None:
        """A member of our cluster is there; if it had been given up, it is one again."""
        layer = message.layer
        if not self.leads(layer):
            self.refuse(layer, sender)
            return
        known = sender in self.clusters[layer].seats
        crew = self._crew_of(message.crew, now)
        if not known and not self.seat(layer, sender, crew, now):
            return
        distances = dict(message.distances[: self.context.config.maximum_cluster])
        self.clusters[layer].seats[sender] = Seated(now, crew, distances)

    def on_leave(self, message: Leave, sender: MemberId, now: int) -> None:
        """A member is not in our cluster, or we are not in its."""
        layer = message.layer
        if self.leads(layer) and sender != self.me:
            self.clusters[layer].seats.pop(sender, None)
        elif layer == self.top and self.clusters[layer].leader == sender:
            self.lose_place(now)
        if self.search and layer == self.search.layer:
            self.search.refused(sender, now)
            self.look(now)

    def on_move(self, message: Move, sender: MemberId, now: int) -> None:
        """Our leader sends us elsewhere, or wants our cluster for its own."""
        layer, to = message.layer, message.to.member
        self.context.book.told((message.to,), now)
        if to == self.me:
            return
        if self.search and layer == self.search.layer:
            self.search.redirected(sender, to, now)
            self.look(now)
        if layer == self.top and not self.is_root and self.clusters[layer].leader == sender:
            self.clusters.pop()
            self.seek((to,), now)
        elif (
            self.leads(layer) and layer == self.top - 1 and self.clusters[-1].leader == sender == to
        ):
            self.dissolve(layer, to, now)

    def on_lead(self, message: Lead, sender: MemberId, now: int) -> None:
        """Our leader wants us to lead in its stead."""
        layer = message.layer
        if layer != self.top or self.is_root or self.clusters[layer].leader != sender:
            return
        self._learn_seats(message.seats, now)
        above = self._crew_of(message.above, now)
        seats = {s.peer.member: self._crew_of(s.crew, now) for s in message.seats}
        self.become_leader(layer, seats, sender, above, now)

    def on_view(self, view: View, sender: MemberId, now: int) -> None:
        """A leader says who is in its cluster."""
        layer, members = view.layer, {seat.peer.member for seat in view.seats}
        if self.me not in members or sender not in members:
            if layer == self.top and self.clusters[layer].leader == sender:
                self.lose_place(now)
            return
        if self.search and layer == self.search.layer == len(self.clusters):
            if self.search.asked == sender:
                self._adopt(view, sender, now)
            else:
                self.context.post.send(Leave(self.group, layer), sender)
        elif layer == self.top and self.clusters[layer].leader == sender:
            self._adopt(view, sender, now)
        elif self._succeeds(view, sender):
            if self.clusters[-1].leader != self.me:
                self.context.post.send(Leave(self.group, self.top), self.clusters[-1].leader)
            self._adopt(view, sender, now)
        else:
            self.context.post.send(Leave(self.group, layer), sender)

    def on_query(self, message: Query, sender: MemberId) -> None:
        """Somebody looks for its place: whoever is in a cluster knows who else is."""
        members: list[MemberId] = []
        if message.layer <= self.top:
            cluster = self.clusters[message.layer]
            members = [cluster.leader, *(m for m in cluster.seats if m != cluster.leader)]
        answer = Members(self.group, message.layer, self.context.book.peers(members))
        self.context.post.send(answer, sender)

    def on_members(self, message: Members, sender: MemberId, now: int) -> None:
        """The answer to that."""
        if self.search:
            self.search.members(message, sender, now)
            self.look(now)

    def on_top(self, top: Top | None, now: int) -> None:
        """A rendezvous point says who is at the top."""
        if self.search:
            self.search.found(top, now)
            self.look(now)
        elif top is not None and self.is_root and top.root != self.me and top.layer >= self.top:
            self.seek((), now)

    # What follows from that.

    def seek(self, candidates: Iterable[MemberId], now: int) -> None:
        """Look for a place in the layer above all that we lead."""
        if len(self.clusters) == 1 and len(self.clusters[0].seats) == 1:
            self.clusters.clear()  # who leads nobody does not need to be led as a leader
        if len(self.clusters) >= MAXIMUM_LAYERS:
            return
        crew = self.clusters[-1].crew if self.clusters else ()
        layer = len(self.clusters)
        self.search = Search(self.group, layer, self.context, crew, candidates, now)
        self.look(now)

    def look(self, now: int) -> None:
        """Whether the search has ended with nobody else at the top: we are there."""
        if self.search is None or not self.search.alone:
            return
        self.search = None
        if not self.clusters:
            self.clusters.append(Cluster(self.me, {self.me: Seated(now)}, now, NOBODY))
        self.register(now)

    def lose_place(self, now: int) -> None:
        """Our leader is gone, or wants us no more."""
        lost = self.clusters.pop()
        self.seek((c for c in lost.crew if c != lost.leader), now)

    def become_leader(
        self,
        layer: int,
        seats: dict[MemberId, tuple[MemberId, ...]],
        after: MemberId,
        above: tuple[MemberId, ...],
        now: int,
    ) -> None:
        """Lead these members of our highest layer from now on; ``seats`` has each one's crew."""
        seated = {member: Seated(now, crew) for member, crew in seats.items()}
        seated[self.me] = Seated(now)
        del self.clusters[layer:]
        self.clusters.append(Cluster(self.me, seated, now, after))
        self._log("leads", layer)
        self.choose_crew(layer)
        if after not in seated:
            self.context.post.send(Leave(self.group, layer), after)
        self.tell(layer, now)
        if above:
            self.seek(above, now)
        else:
            self.search = None
            self.register(now)

    def dissolve(self, layer: int, to: MemberId, now: int) -> None:
        """Give up the cluster of a layer, and all above, for another one's of that layer."""
        book, post = self.context.book, self.context.post
        members = [member for member in self.clusters[layer].seats if member != self.me]
        post.send(Move(self.group, layer, book.peer(to)), *members)
        if not self.is_root:
            post.send(Leave(self.group, self.top), self.clusters[-1].leader)
        self._moved[layer] = to
        del self.clusters[layer:]
        self.seek((to,), now)

    def seat(self, layer: int, member: MemberId, crew: tuple[MemberId, ...], now: int) -> bool:
        """Take a member into our cluster; False: it is full."""
        cluster = self.clusters[layer]
        if member not in cluster.seats and (
            len(cluster.seats) >= self.context.config.maximum_cluster
        ):
            self.refuse(layer, member)
            return False
        known = member in cluster.seats
        cluster.seats[member] = Seated(now, crew)
        self.choose_crew(layer)
        if known:
            self.context.post.send(self.view(layer), member)
        else:
            self.tell(layer, now)
        return True

    def refuse(self, layer: int, member: MemberId) -> None:
        """Say that we have no place for each other there, and who may have one."""
        to = self._moved.get(layer)
        if to is None and layer == self.top and not self.is_root:
            to = self.clusters[layer].leader
        if to is None or to == member:
            self.context.post.send(Leave(self.group, layer), member)
        else:
            self.context.post.send(Move(self.group, layer, self.context.book.peer(to)), member)

    def choose_crew(self, layer: int) -> None:
        """Keep the co-leaders that are there, and draw others for those that are not."""
        cluster = self.clusters[layer]
        kept = [member for member in cluster.crew if member in cluster.seats]
        others = [m for m in cluster.seats if m != self.me and m not in kept]
        missing = min(self.context.config.crew - len(kept), len(others))
        drawn = self.context.random.sample(others, missing) if missing > 0 else []
        cluster.crew = (*kept, *drawn)

    def tell(self, layer: int, now: int) -> None:
        """Say to all in our cluster who they are."""
        cluster = self.clusters[layer]
        cluster.heard = cluster.seats[self.me].heard = now
        members = [member for member in cluster.seats if member != self.me]
        self.context.post.send(self.view(layer), *members)

    def view(self, layer: int) -> View:
        """Our cluster of a layer."""
        cluster, book = self.clusters[layer], self.context.book
        if layer:
            cluster.seats[self.me].crew = self.clusters[layer - 1].crew
        above = book.peers(self.above(layer))
        seats = self.seats(layer, cluster.seats)
        return View(self.group, layer, cluster.after, seats, cluster.crew, above)

    def seats(self, layer: int, members: Iterable[MemberId]) -> tuple[Seat, ...]:
        """Some members of our cluster, as others are told of them."""
        cluster, book = self.clusters[layer], self.context.book
        return tuple(Seat(book.peer(m), book.peers(cluster.seats[m].crew)) for m in members)

    def register(self, now: int) -> None:
        """Tell the rendezvous points that we are at the top."""
        crew = (self.me, *self.clusters[-1].crew)
        top = Top(self.top, crew)
        message = Register(self.group, self.top, self.context.book.peers(crew))
        self.context.post.send_to(message, self.context.points)
        self.on_top(self.context.rendezvous.register(self.group, self.me, top, now), now)

    def unregister(self, now: int) -> None:
        """Tell them that we are there no more."""
        self.context.post.send_to(Register(self.group, self.top, ()), self.context.points)
        self.context.rendezvous.register(self.group, self.me, None, now)

    # Helpers.

    def _succeeds(self, view: View, sender: MemberId) -> bool:
        """Whether the sender follows the leader that we have, or us where we lead no further up."""
        layer = view.layer
        if layer > self.top or view.after != self.clusters[layer].leader:
            return False
        highest_owned = view.after == self.me and layer == self.top - (not self.is_root)
        follows = highest_owned or (layer == self.top and not self.is_root)
        return follows and sender in self.clusters[layer].seats

    def _adopt(self, view: View, sender: MemberId, now: int) -> None:
        """This is our cluster of that layer, the highest that we are in."""
        layer = view.layer
        if self.is_root:
            self.unregister(now)
        self._learn_seats(view.seats, now)
        above = self._crew_of(view.above, now)
        seats = {s.peer.member: Seated(now, self._crew_of(s.crew, now)) for s in view.seats}
        crew = tuple(member for member in view.crew if member in seats)
        if layer > self.top or self.clusters[layer].leader != sender:
            self._log("joined", layer)
        del self.clusters[layer:]
        self.clusters.append(Cluster(sender, seats, now, view.after, crew, above))
        self._moved.pop(layer, None)
        self.search = None

    def _learn_seats(self, seats: Iterable[Seat], now: int) -> None:
        self.context.book.told((seat.peer for seat in seats), now)

    def _crew_of(self, peers: tuple[Peer, ...], now: int) -> tuple[MemberId, ...]:
        """The first of these: nobody needs more co-leaders than a cluster has members."""
        some = peers[: self.context.config.maximum_cluster]
        self.context.book.told(some, now)
        return tuple(peer.member for peer in some)

    def _log(self, what: str, layer: int) -> None:
        fields = {"group": str(unmapped(self.group)), "layer": layer, "is": what}
        self.context.post.act(Log("overlay_cluster", fields))
