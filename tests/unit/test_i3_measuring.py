"""Places chosen by loss or bandwidth: hints first, then what comes by each."""

from __future__ import annotations

from random import Random

from agents.core import MILLISECOND, SECOND
from agents.i3.config import GroupConfig, Metric
from agents.i3.joining import Place
from agents.i3.keeping import Keeper
from agents.i3.measuring import CANDIDATES, NOTHING_CAME, Reception, Trials
from agents.i3.member import Phase
from agents.i3.ring import Ring
from agents.wire.i3 import Endpoint, Identifier, Insert, Remove
from agents.wire.i3_group import Data
from emu.scenario.loader import build_any
from emu.scenario.population import VirtualScenario
from emu.simulator.i3_session import Session, SessionConfig
from emu.simulator.population import Population
from tests.unit.i3_world import SMALL, reached

ME, OWNER, SERVER = (Endpoint(bytes([n]) * 18) for n in range(1, 4))


def heard(*sequences: int, octets: int = 100) -> Reception:
    """These packets came, 100 ms from one number to the next."""
    reception = Reception()
    for sequence in sequences:
        data = Data(0, sequence, 0, bytes(octets))
        reception.hear(data, sequence * 100 * MILLISECOND)
    return reception


def test_loss_is_the_share_of_the_numbers_that_did_not_come():
    assert heard(5, 6, 8, 9).cost(Metric.LOSS, SECOND) == 200_000_000
    assert heard(9, 6, 5, 8, 7).cost(Metric.LOSS, SECOND) == 0
    assert Reception().cost(Metric.LOSS, SECOND) == NOTHING_CAME


def test_bandwidth_is_the_time_that_a_kilobyte_takes():
    """900 octets after the first packet, in 0.9 s."""
    assert heard(*range(10)).cost(Metric.BANDWIDTH, 900 * MILLISECOND) == SECOND
    assert heard(*range(10)).cost(Metric.BANDWIDTH, 1800 * MILLISECOND) == 2 * SECOND
    assert heard(1).cost(Metric.BANDWIDTH, SECOND) == NOTHING_CAME


def test_what_is_measured_counts_more_than_what_receivers_say():
    """The first says that it loses nothing, and half is lost; by the third nothing comes."""
    random = Random(1)
    keeper = Keeper(Ring({1: SERVER}), random, GroupConfig())
    places = [
        Place((Identifier(bytes([number]) * 32),), distance=number, owner=OWNER)
        for number in range(CANDIDATES + 1)
    ]
    trials = Trials(places, ME, keeper)
    begun = [action.message for action in trials.begin(0)]
    assert begun == [Insert(place.path[-1], ME) for place in places[:CANDIDATES]]
    for sequence in range(0, 40, 2):
        trials.hear(places[0].path[-1], Data(0, sequence, 0, b"x"), sequence)
    for sequence in range(40):
        trials.hear(places[1].path[-1], Data(0, sequence, 0, b"x"), sequence)
    order = [place.path for place in trials.found(Metric.LOSS, 100)]
    assert order == [places[number].path for number in (1, 0, 3, 2)]
    ended = trials.end()
    removed = {one.message for one in ended if isinstance(one.message, Remove)}
    assert removed == {Remove(place.path[-1], ME) for place in places[:CANDIDATES]}
    assert sum(action.destination == OWNER for action in ended) == CANDIDATES


def test_a_scenario_says_the_metric():
    topology = {"kind": "transit-stub", "domains": 1, "routers": 1, "stubs": 2, "stub_nodes": 8}
    scenario = build_any(
        {
            "name": "metric",
            "duration": "30s",
            "topology": topology,
            "overlay": {"scheme": "i3", "servers": 8, "metric": "bandwidth"},
            "traffic": [{"kind": "i3", "receivers": 3, "interval": "100ms"}],
        }
    )
    assert isinstance(scenario, VirtualScenario)
    played = Population(scenario, 1)
    played.play(lambda seconds, text: None, lambda: False)
    members = [one.member for one in played.receivers.values()]
    assert all(member.phase is Phase.IN_TREE for member in members)
    # A packet of 100 bytes each 100 ms is a kilobyte in a second.
    assert [round(member.source_distance / SECOND, 1) for member in members] == [1.0] * 3


def grown(metric: Metric, seed: int) -> tuple[Session, int]:
    """12 members come; then the way to the servers of all but one child of the root loses half, and
    12 others come. How many of these have joined below such a child.
    """
    group = GroupConfig(3, metric=metric)
    config = SessionConfig(
        12, 20, group, SMALL, join_interval=SECOND, data_interval=100 * MILLISECOND
    )
    session, random = Session(config, seed), Random(seed)
    session.grow()
    session.run(10 * SECOND)
    children = [member.identifier for _, member in session.members if len(member.path) == 1]
    bad = {session.overlay.server_of(child) for child in children[1:]}
    bad.discard(session.overlay.server_of(session.root))
    session.overlay.lost = lambda origin, target: (
        origin.is_server and target in bad and random.random() < 0.5
    )
    session.grow()
    session.run(20 * SECOND)
    ways = [{session.overlay.server_of(one) for one in m.path} for _, m in session.members[12:]]
    return session, sum(bool(bad & way) for way in ways)


def test_newcomers_join_where_less_is_lost():
    """By delay some join below what loses half; by loss hardly any do, and all have a place."""
    seeds = range(1, 6)
    by_loss = [grown(Metric.LOSS, seed) for seed in seeds]
    by_delay = [grown(Metric.DELAY, seed)[1] for seed in seeds]
    assert sum(badly for _, badly in by_loss) < sum(by_delay) / 2
    for session, _ in by_loss:
        assert all(member.phase is Phase.IN_TREE for _, member in session.members)
        session.overlay.lost = None
        session.run(60 * SECOND)
        ends = reached(session)
        assert sorted(ends) == sorted({*ends})
        assert {host.endpoint for host in session.hosts} <= {*ends}
