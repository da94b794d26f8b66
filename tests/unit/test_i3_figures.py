"""The figures of the i3 paper: what is measured of a tree, and the command that draws them."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from agents.core import SECOND
from agents.i3.config import GroupConfig
from emu.simulator.i3_losses import HopLosses, ServerLosses
from emu.simulator.i3_tree import hops, measure
from emu.simulator.i3_upkeep import Repairs, repairs
from tests.unit.i3_world import grown
from tests.unit.scripts import EXPERIMENTS


def figures(*options: object) -> subprocess.CompletedProcess[str]:
    """The experiment's command."""
    command = [sys.executable, EXPERIMENTS / "i3-figures" / "figures.py", *map(str, options)]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


@pytest.fixture(scope="module")
def session():
    session = grown(30, GroupConfig(degree=4))
    session.run(20 * SECOND)
    return session


def test_the_delays_along_the_triggers_are_those_of_packets(session):
    number, sent = session.send(), session.engine.now
    session.run(2 * SECOND)
    source = session.source[0]
    delays = {hop.end: hop.delay for hop in hops(session.overlay, session.root, source.node)}
    for host, _ in session.members:
        assert delays[host.endpoint] == session.got[host.endpoint][number] - sent


def test_stretch_and_stress_of_a_tree(session):
    """Worked out again in plain words."""
    source, receivers = session.source[0], [host for host, _ in session.members]
    tree = measure(session.overlay, session.root, source, receivers)
    found = hops(session.overlay, session.root, source.node)
    by_tree = {hop.end: hop.delay for hop in found if hop.end}
    direct = [session.overlay.internet.delay(source.node, host.node) for host in receivers]
    delays = [by_tree[host.endpoint] for host in receivers]
    assert tree.receivers == 30
    assert tree.rmd == pytest.approx(max(delays) / max(direct))
    assert tree.rad == pytest.approx(sum(delays) / sum(direct))
    links = [
        link
        for hop in found
        if hop.end != source.endpoint
        for link in session.overlay.internet.path(hop.origin, hop.target)
    ]
    assert tree.stress_max == max(map(links.count, links))
    assert tree.depth_max == max(len(member.path) for _, member in session.members)


def test_only_servers_lose_what_they_send(session):
    """Section 6.3 as section 7.2 says that it was done: repairs by unicast are not dropped."""
    server, other = session.overlay.servers[:2]
    receiver, sender = (host for host, _ in session.members[:2])

    def are_lost(losses, origin, target):
        return any(losses(origin, target) for _ in range(500))

    assert are_lost(ServerLosses(1), server, other)
    assert are_lost(ServerLosses(1), server, receiver)
    for target in (server, receiver):
        assert not are_lost(ServerLosses(1), sender, target)
        assert are_lost(HopLosses(1), sender, target)


def test_no_losses_are_no_repairs(session):
    found = repairs(session, lambda origin, target: False, 5 * SECOND)
    assert (found.losses, found.not_repaired, found.waits_ms) == (0, 0, ())


def test_the_share_of_repairs_within_a_time():
    found = Repairs(4, 0, 1.0, 1.0, 1.0, waits_ms=(100.0, 200.0, 700.0, 800.0))
    assert found.share_within(600) == 0.5


def test_the_command_goes_on_where_it_was_stopped(tmp_path):
    options = ("--sizes", 16, "--seeds", 1, "--jobs", 1, "--out", tmp_path)
    done = figures(*options)
    assert done.returncode == 0, done.stderr
    results = tmp_path / "i3-figures"
    table = pd.read_csv(results / "table-1.csv")
    assert list(table.paper_requests.dropna()) == [1.12, 1.12, 1.15, 1.15]
    assert len(pd.read_csv(results / "repairs.csv")) == 4
    kept = sorted((results / "cells").iterdir())
    shapes = pd.read_csv(results / "shapes.csv")
    assert (
        shapes.stress_max >= shapes[["stress_transit", "stress_transit_stub"]].max(axis=1)
    ).all()
    assert len(kept) == 3 + len(shapes) + 2 + 4 + 4
    assert len(pd.read_parquet(results / "table.parquet")) == len(kept)
    for name in ("figure-11a", "figure-11b", "figure-12", "figure-13a", "figure-13b"):
        assert (results / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")
    kept[0].unlink()
    times = {path: path.stat().st_mtime_ns for path in kept[1:]}
    assert figures(*options).returncode == 0
    assert kept[0].exists()
    assert times == {path: path.stat().st_mtime_ns for path in kept[1:]}


def test_a_wrong_size_is_one_line():
    done = figures("--sizes", "16,many")
    assert done.returncode == 2
    assert "write whole numbers such as 16,64,256" in done.stderr
