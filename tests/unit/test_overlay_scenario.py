"""Scenarios whose channels go by an overlay: what they mean, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from emu.scenario import Scenario, ScenarioError, load
from emu.traffic.plan import plan

GOOD = """\
name: members
duration: 10s
topology: {kind: internet, delays: rtt.txt}
overlay: {scheme: own, options: {degree: 2}}
nodes:
  m1: {role: member}
  m2: {role: member}
  m3: {role: source}
channels:
  any: {group: "ff0e::1", source: m1, rate: 1mbit}
  one: {group: "ff3e::2", source: m3, rate: 1mbit}
traffic:
  - {kind: multicast, channel: any, to: [m2]}
  - {kind: multicast, channel: one, to: [m1, m2]}
events:
  - {at: 2s, leave: m2, channel: any}
  - {at: 5s, crash: m2}
  - {at: 6s, restart: m2}
"""
DOMAIN = """\
name: mobile
duration: 10s
topology: {kind: dmm-domain, mars: 2}
mobility: {scheme: mipv6}
overlay: {scheme: own}
nodes:
  mn1: {role: mn, attach: mar1}
  src: {role: source}
channels:
  C1: {group: "ff3e::1", source: mn1, rate: 1mbit}
  C2: {group: "ff3e::2", source: src, rate: 1mbit}
traffic:
  - {kind: multicast, channel: C2, to: [mn1]}
"""


ISLAND = """\
name: island
duration: 10s
topology: {kind: internet, delays: rtt.txt}
overlay: {scheme: own}
nodes:
  m1: {role: member}
  g1: {role: member, island: a}
  h1: {role: host, island: a}
channels:
  out: {group: "ff0e::1", source: h1, rate: 1mbit}
  in: {group: "ff0e::2", source: m1, rate: 1mbit}
traffic:
  - {kind: multicast, channel: out, to: [m1]}
  - {kind: multicast, channel: in, to: [h1]}
"""


AMT = """\
name: amt
duration: 10s
topology: {kind: internet, delays: rtt.txt}
overlay: {scheme: amt-gateway}
nodes:
  m1: {role: member}
  g1: {role: member, island: a}
  h1: {role: host, island: a}
channels:
  out: {group: "ff0e::1", source: h1, rate: 1mbit}
traffic:
  - {kind: multicast, channel: out, to: [m1]}
"""


def loaded(folder: Path, text: str) -> Scenario:
    (folder / "rtt.txt").write_text("0 20\n20 0\n", encoding="utf-8")
    (folder / "one.yaml").write_text(text, encoding="utf-8")
    return load(folder / "one.yaml")


def test_every_host_is_a_member_and_no_router_forwards_multicast(tmp_path: Path) -> None:
    for text, members in ((GOOD, ("m1", "m2", "m3")), (DOMAIN, ("mn1", "src"))):
        scenario = loaded(tmp_path, text)
        assert scenario.multicast.scheme == "none"
        assert scenario.members == members


def test_hosts_of_an_island_are_no_members(tmp_path: Path) -> None:
    assert loaded(tmp_path, ISLAND).members == ("m1", "g1")


def test_programs_use_the_virtual_interface(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, GOOD)
    made = plan(
        scenario, 1, 0, tmp_path, "real {}".format, "virtual {}".format, lambda name: "mc0"
    )  # fmt: skip
    jobs = {job.name: job.config for job in made.jobs}
    assert jobs.keys() == {"any@m1", "any.m2@m2", "one@m3", "one.m1@m1", "one.m2@m2"}
    assert all(config["interface"] == "mc0" for config in jobs.values())
    assert jobs["one.m2@m2"]["source"] == "virtual m3"
    assert jobs["any.m2@m2"]["source"] is None
    assert jobs["any.m2@m2"]["stop_ns"] == 2_000_000_000


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [
        (GOOD, "scheme: own", "scheme: owl",
         '4: overlay.scheme: "owl" is no overlay protocol; write '),
        (GOOD, "{scheme: own, options: {degree: 2}}", "{options: {degree: 2}}",
         "4: overlay.scheme: is missing; write scheme: own"),
        (GOOD, "{scheme: own, options: {degree: 2}}", "own",
         '4: overlay: "own" is not a mapping; write {key: value, …} (keys: scheme, options, '),
        (GOOD, "degree: 2", "degree: 65",
         "4: overlay.options.degree: 65 is too large; write 64 or less"),
        (GOOD, "degree: 2", "lifetime: 3s",
         "4: overlay.options.lifetime: unknown key; write "),
        (GOOD, "scheme: own, ", "scheme: own, lifetime: 3s, ",
         "4: overlay.lifetime: unknown key; write one of scheme, options, "),
        (GOOD, "options: {degree: 2}", "key: 0123456789, data_path: bpf",
         "4: overlay.data_path: programs in the kernel do not encrypt, and there is a key; write "),
        (GOOD, "scheme: own, options: {degree: 2}", "scheme: nemo, data_path: bpf",
         "4: overlay.data_path: the protocol has no data path bpf; write python"),
        (GOOD, "options: {degree: 2}", "key: short",
         "4: overlay.key: has 5 characters; write a secret of 8 to 64 characters"),
        (GOOD, "overlay: {scheme: own, options: {degree: 2}}\n", "",
         "5: nodes.m1.role: needs an overlay; write overlay: {scheme: own}"),
        (GOOD, "degree: 2}}", "degree: 2}}\nmulticast: {scheme: mld-dmm}",
         "5: multicast.scheme: channels go by the overlay; leave it out, or the overlay"),
        (GOOD, "to: [m2]}", "to: [m3]}",
         '13: traffic[0].to[0]: "m3" is a source, not a mobile node or a member of the overlay; '
         "write m1 or m2"),
        (GOOD, "to: [m2]}", "to: [m1]}",
         '13: traffic[0].to[0]: "m1" sends any itself; name another node'),
        (GOOD, "crash: m2", "crash: m4", '17: events[1].crash: no agent "m4"; write one of m1'),
        (ISLAND, "h1: {role: host, island: a}", "h1: {role: host}",
         "8: nodes.h1.island: is missing; write island: a"),
        (ISLAND, "g1: {role: member, island: a}", "g1: {role: member}",
         "8: nodes.h1.island: has no gateway; write a node {role: member, island: a}"),
        (ISLAND, "g1: {role: member, island: a}", "g1: {role: source, island: a}",
         "7: nodes.g1.island: is for the roles host and member; leave it out"),
        (ISLAND, "h1: {role: host, island: a}", "h1: {role: host, island: m1}",
         '8: nodes.h1.island: "m1" is a node\'s name; write another one'),
        (ISLAND, "h1: {role: host, island: a}", "h1: {role: host, island: island}",
         '8: nodes.h1.island: "island" is not a good name; write a letter, then up to 4 letters'),
        (ISLAND, "{scheme: own}", "{scheme: own, link_scope: true}",
         "4: overlay.link_scope: groups of link scope stay in an island; leave it out"),
        (ISLAND, "{scheme: own}", "{scheme: own, data_path: bpf}",
         "4: overlay.data_path: gateways of islands have none in the kernel; write python, or "),
        (ISLAND, "to: [m1]", "to: [g1]",
         '13: traffic[0].to[0]: "g1" is the gateway of a, where programs take no part; '),
        (ISLAND, "source: m1", "source: g1",
         '11: channels.in.source: "g1" is the gateway of a, where programs take no part; '),
        (ISLAND, "{kind: multicast, channel: in, to: [h1]}", "{kind: ping, from: m1, to: h1}",
         '14: traffic[1].to: "h1" is on an island, which has multicast only; name another node'),
        (DOMAIN, "src: {role: source}", "src: {role: member, island: a}",
         "8: nodes.src.island: is for an overlay in the topology internet; leave it out"),
        (AMT, "source: h1", "source: m1",
         "10: channels.out.source: AMT carries nothing from m1; name a host on the relay's island"),
        (AMT, "scheme: amt-gateway", "scheme: amt-gateway, key: secretsecret",
         "4: overlay.key: AMT encrypts nothing; leave it out"),
        (AMT, "{role: member, island: a}", "{role: member, island: b}",
         "8: nodes.h1.island: has no gateway; write a node {role: member, island: a}"),
        (AMT, "  g1: {role: member, island: a}\n  h1: {role: host, island: a}\n",
         "  g1: {role: member}\n  h1: {role: source}\n",
         "4: overlay.scheme: needs one island with a relay; write a node {role: member, "),
        (GOOD, "crash: m2", "partition: m2",
         '17: events[1].partition: "m2" is not a list; write its entries in brackets'),
        (GOOD, "crash: m2", "partition: [m2, m4]",
         '17: events[1].partition: no node "m4"; write one of m1, m2, m3'),
        (GOOD, "crash: m2", "partition: [m1, m2, m3]",
         "17: events[1].partition: cuts nobody off; name some of the nodes, not all"),
        (GOOD, "crash: m2}", "partition: [m2]}\n  - {at: 6s, partition: [m1, m2]}",
         "18: events[2].partition: m2 is cut off already then; write its heal before"),
        (GOOD, "crash: m2}", "partition: [m2, m1]}\n  - {at: 6s, heal: [m2]}",
         "18: events[2].heal: there is no partition of m2 then; write the hosts of one"),
        (DOMAIN, "  src: {role: source}\n", "  src: {role: server}\n",
         "5: overlay: has nobody to talk to; write two nodes or more, such as m1: {role: member}"),
        (DOMAIN, "  src: {role: source}\n", "  src: {role: mn, attach: mar2}\n",
         "5: overlay: no member stays where others find it; add a node such as m1: {role: member}"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_line(tmp_path: Path, text: str, old: str, new: str, line: str) -> None:
    assert text.count(old) == 1
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text.replace(old, new))
    assert any(p.startswith(f"{tmp_path}/one.yaml:{line}") for p in caught.value.problems), (
        caught.value.problems
    )
