"""What a member does for its clusters from time to time: life, size, centre, succession."""

from __future__ import annotations

from agents.overlay.nemo.cluster import Distance, centre, halves, radius
from agents.overlay.nemo.hierarchy import Hierarchy
from agents.wire.nemo import Alive, Lead, Leave, Move, Ping
from agents.wire.overlay import MemberId

_BETTER = 0.8
"""A leader gives way to one whose radius is so much smaller."""
_LEAST_MS = 2
"""Of which less is not worth a change."""
_MERGING = 0.5
"""How likely a cluster that is too small goes into another one at a heartbeat."""
_JITTER = 0.1


class Upkeep:
    """The heartbeat of one group."""

    def __init__(self, hierarchy: Hierarchy, now: int) -> None:
        self._hierarchy, self._context = hierarchy, hierarchy.context
        self._me, self._random = hierarchy.me, hierarchy.context.random
        self._config = hierarchy.context.config
        self._beat = now + int(self._random.random() * self._config.heartbeat)
        self._registered = now

    def next_deadline(self) -> int:
        """When ``timer`` is due."""
        search = self._hierarchy.search
        return min(self._beat, search.due) if search else self._beat

    def timer(self, now: int) -> None:
        """Act on what is due."""
        search = self._hierarchy.search
        if search:
            search.timer(now)
            self._hierarchy.look(now)
        if now >= self._beat:
            jitter = self._random.uniform(1 - _JITTER, 1 + _JITTER)
            self._beat = now + int(self._config.heartbeat * jitter)
            self._heartbeat(now)

    def hurry(self, now: int) -> None:
        """The next heartbeat is now."""
        self._beat = now

    def leave(self, now: int) -> None:
        """Give each cluster that we lead to its first co-leader, and go."""
        hierarchy, book, post = self._hierarchy, self._context.book, self._context.post
        above: tuple[MemberId, ...] = ()
        if hierarchy.is_root:
            hierarchy.unregister(now)
        elif hierarchy.clusters:
            cluster = hierarchy.clusters[-1]
            post.send(Leave(hierarchy.group, hierarchy.top), cluster.leader)
            above = (cluster.leader, *(c for c in cluster.crew if c != self._me))
        for layer in range(hierarchy.top, -1, -1):
            if not hierarchy.leads(layer):
                continue
            cluster = hierarchy.clusters[layer]
            hierarchy.choose_crew(layer)
            if cluster.crew:
                left = [member for member in cluster.seats if member != self._me]
                seats = hierarchy.seats(layer, left)
                lead = Lead(hierarchy.group, layer, seats, book.peers(above))
                post.send(lead, cluster.crew[0])
                above = cluster.crew

    def _heartbeat(self, now: int) -> None:
        hierarchy = self._hierarchy
        self._drop_the_silent(now)
        if not hierarchy.clusters:
            return
        self._maintain(now)
        for layer, cluster in enumerate(hierarchy.clusters):
            if hierarchy.leads(layer):
                hierarchy.choose_crew(layer)
                if self._random.random() < self._config.reordering:
                    members = list(cluster.seats)
                    self._random.shuffle(members)
                    cluster.seats = {member: cluster.seats[member] for member in members}
                hierarchy.tell(layer, now)
            elif now - cluster.heard >= self._patience(layer):
                self._succeed(layer, now)
                return
            else:
                self._say_alive(layer)
        self._measure(now)
        if hierarchy.is_root and now - self._registered >= self._config.registration:
            self._registered = now
            hierarchy.register(now)

    def _drop_the_silent(self, now: int) -> None:
        """Those of whom nothing was heard; and a top where we are alone."""
        hierarchy = self._hierarchy
        limit = now - self._config.dead_after
        for layer, cluster in enumerate(hierarchy.clusters):
            if hierarchy.leads(layer):
                gone = [m for m, s in cluster.seats.items() if s.heard < limit and m != self._me]
                for member in gone:
                    del cluster.seats[member]
        while hierarchy.top > 0 and hierarchy.is_root and len(hierarchy.clusters[-1].seats) == 1:
            hierarchy.clusters.pop()
            self._registered = now - self._config.registration
            if hierarchy.search:
                hierarchy.seek((), now)

    def _say_alive(self, layer: int) -> None:
        hierarchy, book = self._hierarchy, self._context.book
        cluster = hierarchy.clusters[layer]
        crew = hierarchy.clusters[layer - 1].crew if layer else ()
        distances = tuple(
            (member, min(round(rtt), 0xFFFF))
            for member in cluster.seats
            if (rtt := book.rtt_ms(member)) is not None
        )
        message = Alive(hierarchy.group, layer, book.peers(crew), distances)
        self._context.post.send(message, cluster.leader)

    def _measure(self, now: int) -> None:
        """One distance in each cluster that we are in."""
        for cluster in self._hierarchy.clusters:
            others = [member for member in cluster.seats if member != self._me]
            if others:
                member = self._random.choice(others)
                self._context.post.send(Ping(self._context.book.ping(member, now)), member)

    # Who leads.

    def _patience(self, layer: int) -> int:
        """How long we wait for the leader: co-leaders succeed one after another."""
        cluster = self._hierarchy.clusters[layer]
        crew = cluster.crew
        rank = crew.index(self._me) if self._me in crew else len(crew)
        return self._config.dead_after + 2 * rank * self._config.heartbeat

    def _succeed(self, layer: int, now: int) -> None:
        """Our leader is dead: be the leader as a co-leader, else look for another one."""
        hierarchy = self._hierarchy
        cluster = hierarchy.clusters[layer]
        if self._me not in cluster.crew:
            hierarchy.lose_place(now)
            return
        seats = {m: s.crew for m, s in cluster.seats.items() if m != cluster.leader}
        above = tuple(member for member in cluster.above if member != cluster.leader)
        hierarchy.become_leader(layer, seats, cluster.leader, above, now)
        if not above and cluster.above:
            hierarchy.seek((), now)

    # How large clusters are, and where their leaders.

    def _maintain(self, now: int) -> None:
        """At most one change a heartbeat."""
        hierarchy, least = self._hierarchy, self._config.cluster
        for layer in range(len(hierarchy.clusters)):
            if not hierarchy.leads(layer):
                continue
            size = len(hierarchy.clusters[layer].seats)
            if size > 3 * least - 1:
                self._split(layer)
                return
            if size < least and layer < hierarchy.top and self._random.random() < _MERGING:
                self._merge(layer, now)
                return
        if self._random.random() < self._config.refinement:
            self._refine()

    def _split(self, layer: int) -> None:
        """The half that is far gets its own leader, at its centre."""
        hierarchy = self._hierarchy
        members = list(hierarchy.clusters[layer].seats)
        _, far = halves(self._me, members, self._distance(layer))
        leader = centre(far, self._distance(layer)) or self._random.choice(far)
        above = hierarchy.above(layer) or (self._me,)
        self._hand_over(layer, far, leader, above)

    def _merge(self, layer: int, now: int) -> None:
        """With that of the nearest leader of the same layer: into it, or it into ours."""
        hierarchy = self._hierarchy
        others = [m for m in hierarchy.clusters[layer + 1].seats if m != self._me]
        if not others or hierarchy.search:
            return
        distance = self._distance(layer + 1)
        nearest = min(others, key=lambda m: (distance(self._me, m) or 0.0, m))
        if hierarchy.leads(layer + 1):
            move = Move(hierarchy.group, layer, self._context.book.peer(self._me))
            self._context.post.send(move, nearest)
        else:
            hierarchy.dissolve(layer, nearest, now)

    def _refine(self) -> None:
        """Give the highest cluster that we lead to a member that is nearer to its centre."""
        hierarchy = self._hierarchy
        layer = hierarchy.top if hierarchy.is_root else hierarchy.top - 1
        if layer < 0 or hierarchy.search:
            return
        members, distance = list(hierarchy.clusters[layer].seats), self._distance(layer)
        ours, better = radius(self._me, members, distance), centre(members, distance)
        theirs = None if better is None else radius(better, members, distance)
        if better in (None, self._me) or ours is None or theirs is None:
            return
        if theirs < _BETTER * ours - _LEAST_MS:
            assert better is not None
            self._hand_over(layer, members, better, hierarchy.above(layer))

    def _hand_over(
        self, layer: int, members: list[MemberId], leader: MemberId, above: tuple[MemberId, ...]
    ) -> None:
        """One of these is to lead them; they leave us as they hear of it."""
        hierarchy = self._hierarchy
        seats = hierarchy.seats(layer, members)
        lead = Lead(hierarchy.group, layer, seats, self._context.book.peers(above))
        self._context.post.send(lead, leader)

    def _distance(self, layer: int) -> Distance:
        cluster, book = self._hierarchy.clusters[layer], self._context.book

        def between(one: MemberId, other: MemberId) -> float | None:
            if self._me in (one, other):
                return book.rtt_ms(other if one == self._me else one)
            return cluster.distance(one, other)

        return between
