"""What the protocol tells a data path that carries data beside it, and what it hears from it."""

from __future__ import annotations

from random import Random

from agents.core import SECOND
from agents.overlay.data_path import InPython
from agents.overlay.member import Member, Self
from agents.overlay.sealing import Sealer
from agents.wire.overlay import MemberId
from tests.unit.overlay_world import GROUP, SEEDS, World, public, source_of


class Noting(InPython):
    """Notes what it is told; ``passes`` says how many packets went by without the member."""

    def __init__(self) -> None:
        super().__init__()
        self.sending: dict = {}
        self.receiving: dict = {}
        self.passed: dict[int, int] = {}

    def passes(self, number: int, packets: int) -> None:
        self.draw(number, packets)
        self.passed[number] = self.passed.get(number, 0) + packets

    def sent(self, number):
        return super().sent(number)[0], self.passed.get(number, 0)

    def send_by(self, channel, tree, children):
        self.sending[channel] = tree, set(children)

    def stop_sending(self, channel):
        self.sending.pop(channel, None)

    def receive_by(self, member, tree, parent, children, *, deliver):
        self.receiving[tree] = parent, set(children), deliver

    def stop_receiving(self, tree, parent):
        self.receiving.pop(tree, None)


class Noted(World):
    """Each member has such a data path."""

    def _make(self, number, inside):
        self.paths = [*getattr(self, "paths", []), Noting()]
        member = MemberId(self.random.randbytes(8))
        core = Member(
            Self(member, f"n{number}", (inside,)),
            tuple(public(i) for i in range(SEEDS)),
            Sealer(member, self.keys, 0, self.paths[-1]),
            self.config,
            Random(self.random.random()),
            self.now,
            self.paths[-1],
        )
        return member, core


def stream(size: int = 6) -> Noted:
    """The first of so many members sends a packet that all others want."""
    world = Noted(1, size)
    world.run(10)
    for node in world.nodes[1:]:
        world.want(node)
    world.run(2)
    world.send(world.nodes[0], bytes(30))
    world.run(1)
    return world


def test_each_member_tells_what_its_place_in_the_tree_is():
    world = stream()
    root, nodes = world.nodes[0], {node.member: node for node in world.nodes}
    parents = root.core.trees()[source_of(0), GROUP]
    (tree, children) = world.paths[0].sending[source_of(0), GROUP]
    assert children == {nodes[c].inside for c, p in parents.items() if p == root.member}
    for node in world.nodes[1:]:
        (parent, endpoint), below, deliver = world.paths[node.number].receiving[tree]
        assert (parent, endpoint) == (parents[node.member], nodes[parent].inside)
        assert below == {nodes[c].inside for c, p in parents.items() if p == node.member}
        assert deliver


def test_a_member_that_leaves_is_told_at_once():
    world = stream()
    gone = world.nodes[5]
    before, _ = world.paths[0].sending[source_of(0), GROUP]
    world.leave(gone)
    world.run(0.3)
    after, children = world.paths[0].sending[source_of(0), GROUP]
    assert after[2] > before[2]
    assert gone.inside not in children


def test_the_data_path_goes_on_with_what_it_knows_until_routes_are_there():
    """A new version is carried by it a little later: its routes are ahead of its data."""
    world = stream()
    before, _ = world.paths[0].sending[source_of(0), GROUP]
    late = world.start()
    world.run(5)
    world.want(late)
    announced = None
    for _ in range(200):
        world.run(0.005)
        parents = world.nodes[0].core.trees()[source_of(0), GROUP]
        if late.member in parents and announced is None:
            announced = world.now
        tree, _ = world.paths[0].sending[source_of(0), GROUP]
        if tree != before:
            break
    assert announced is not None
    assert world.now - announced >= 0.04 * SECOND


def test_what_passes_without_the_member_keeps_the_tree():
    """A stream that the kernel carries for longer than a tree lives; then it stops."""
    world = stream()
    (_, number, _), _ = world.paths[0].sending[source_of(0), GROUP]
    for _ in range(300):
        world.paths[0].passes(number, 10)
        world.run(1)
    assert (source_of(0), GROUP) in world.nodes[0].core.trees()
    assert (source_of(0), GROUP) in world.paths[0].sending
    world.run(70)
    assert (source_of(0), GROUP) in world.nodes[0].core.trees()
    assert not world.paths[0].sending
    world.run(200)
    assert not world.nodes[0].core.trees()


def test_who_gets_nothing_any_more_takes_it_again():
    world = stream()
    world.run(100)
    assert not any(path.receiving for path in world.paths)
    world.send(world.nodes[0], bytes(30))
    world.run(1)
    assert all(path.receiving for path in world.paths[1:])
