"""What the record says of an overlay: trees from their changes, repairs, links, link stress."""

from __future__ import annotations

import json
import struct
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from agents.wire import ipv6, nemo, nemo_codec, overlay
from agents.wire.overlay import Data, MemberId, Ping
from emu.measure import packets, pcapng
from emu.measure.overlay import of_run
from emu.measure.record import summary
from emu.measure.run import Run
from emu.measure.stream import Stream
from emu.traffic import payload
from emu.traffic.arrivals import ArrivalsWriter

SECOND, MS = 1_000_000_000, 1_000_000
T0 = 100 * SECOND
IDS = {name: bytes([number] * 8).hex() for number, name in enumerate(("a", "b", "c", "d"), 1)}
ADDRESSES = {name: f"2001:db8:5e00:{number}::2" for number, name in enumerate(IDS, 1)}
INTERVAL = 100 * MS


def tree(at_s: float, **parents: str | None) -> dict[str, Any]:
    changes = {IDS[child]: parent and IDS[parent] for child, parent in parents.items()}
    fields = {"source": "fd80::1", "group": "ff0e::1", "version": 1, "receivers": 3}
    return {"kind": "overlay_tree", "node": "a", "at": at_s, **fields, "changes": changes}


EVENTS: list[dict[str, Any]] = [
    *({"kind": "overlay_started", "node": n, "at": -2, "member": IDS[n]} for n in IDS),
    tree(0, b="a", c="b"),
    tree(1, d="b"),
    {"kind": "crashed", "node": "b", "at": 4},
    {"kind": "overlay_way_failed", "node": "a", "at": 5, "parent": IDS["a"], "child": IDS["b"],
     "silent": True},
    tree(5, b=None, c="a", d="c"),
    tree(12, d="a"),
]  # fmt: skip


def datagram(sender: str, receiver: str, message: overlay.Message, key: int = 0) -> bytes:
    return sent(sender, receiver, overlay.encode(message), key)


def sent(sender: str, receiver: str, message: bytes, key: int = 0) -> bytes:
    head = overlay.HEADER.pack(overlay.VERSION, key, bytes.fromhex(IDS[sender]), 5)
    body = head + message
    udp = struct.pack("!HHHH", overlay.PORT, overlay.PORT, 8 + len(body), 0) + body
    ends = (IPv6Address(ADDRESSES[sender]), IPv6Address(ADDRESSES[receiver]))
    return ipv6.packet(*ends, 17, udp)


def carried(number: int) -> Data:
    inner = struct.pack("!HHHH", 5001, 5001, 32, 0) + payload.encode(1, number, 5)
    packet = ipv6.packet(IPv6Address("fd80::1"), IPv6Address("ff0e::1"), 17, inner)
    return Data(MemberId(bytes(8)), 1, 1, number, packet)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """a sends to b, and b on to c and d; nothing comes to c from 4 s to 5.5 s."""
    flow = {
        "flow": "any→c", "kind": "multicast", "protocol": None, "from": "a", "to": "c",
        "group": "ff0e::1", "interval_ns": INTERVAL, "arrivals": "c.bin", "sent": "sent.bin",
        "start_ns": T0, "stop_ns": T0 + 10 * SECOND,
    }  # fmt: skip
    meta = {
        "scenario": {"overlay": {"scheme": "own"}, "duration": 10 * SECOND, "nodes": dict(IDS)},
        "t0_ns": T0,
        "end_ns": T0 + 11 * SECOND,
        "nodes": {name: {"address": address} for name, address in ADDRESSES.items()},
        "flows": [flow],
    }
    (tmp_path / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    with (tmp_path / "events.jsonl").open("w", encoding="utf-8") as log:
        for event in EVENTS:
            log.write(json.dumps({**event, "t": T0 + int(event["at"] * SECOND)}) + "\n")
    sent, arrivals = (ArrivalsWriter(str(tmp_path / name)) for name in ("sent.bin", "c.bin"))
    for number in range(100):
        when = T0 + number * INTERVAL
        sent.append(number, when, when)
        if not 40 <= number < 55:
            arrivals.append(number, when, when + 5 * MS)
    sent.close()
    arrivals.close()
    (tmp_path / "captures").mkdir()
    capture = pcapng.Writer(tmp_path / "captures" / "b-ix.pcapng", "{}")
    capture.interface(pcapng.Interface("b-ix", "b"))
    for number in (1, 2):
        for receiver in ("c", "d"):
            _leaves(capture, datagram("b", receiver, carried(number)))
    _leaves(capture, datagram("b", "a", Ping(5)))
    capture.close()
    return Run(tmp_path, 1)


def _leaves(capture: pcapng.Writer, packet: bytes) -> None:
    frame = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x86\xdd" + packet
    capture.packet(pcapng.Packet(T0, 0, pcapng.OUTBOUND, frame, len(frame)))


def recorded(run: Run) -> dict[str, Any]:
    return of_run(run, [Stream(run, flow) for flow in run.meta["flows"]])


def test_the_tree_is_that_at_the_end_of_the_scenario(run: Run) -> None:
    (found,) = recorded(run)["trees"]
    assert {one["name"]: (one["parent"], one["level"]) for one in found["members"]} == {
        "a": (None, 0), "c": ("a", 1), "d": ("c", 2)
    }  # fmt: skip
    assert recorded(run)["tree"]["depth_max"] == 2
    assert [c["failed"] for c in recorded(run)["changes"] if "failed" in c] == [["a", "b"]]


def test_a_repair_lasts_until_packets_come_again(run: Run) -> None:
    (repair,) = recorded(run)["repairs"]
    assert (repair["node"], repair["flow"], repair["lost"]) == ("b", "any→c", 15)
    assert repair["repair_ms"] == 1500
    result = {"overlay": recorded(run), "handovers": [], "signalling": {}, "refusals": []}
    assert summary([result])["overlay.repair_ms"]["mean"] == 1500


def with_events(run: Run, *events: dict[str, Any]) -> Run:
    with (run.directory / "events.jsonl").open("w", encoding="utf-8") as log:
        for event in events:
            log.write(json.dumps({**event, "t": T0 + int(event["at"] * SECOND)}) + "\n")
    return Run(run.directory, 1)


def test_who_was_killed_before_waits_for_no_repair(run: Run) -> None:
    again = with_events(run, *EVENTS, {"kind": "crashed", "node": "c", "at": 3})
    assert recorded(again)["repairs"] == []


def test_where_nothing_happens_nothing_is_repaired(run: Run) -> None:
    calm = [event for event in EVENTS if event["kind"] != "crashed"]
    assert recorded(with_events(run, *calm))["repairs"] == []


def test_where_nobody_tells_of_trees_silence_counts(run: Run) -> None:
    bare = [event for event in EVENTS if not event["kind"].startswith("overlay_")]
    (repair,) = recorded(with_events(run, *bare))["repairs"]
    assert (repair["repair_ms"], repair["lost"]) == (1500, 15)
    calm = {"kind": "crashed", "node": "b", "at": 7}
    assert recorded(with_events(run, calm))["repairs"] == []


def test_links_are_between_members_and_stress_is_on_those_of_the_network(run: Run) -> None:
    found = recorded(run)
    links = {(one["from"], one["to"]): one for one in found["links"]}
    assert {ends: link["data_packets"] for ends, link in links.items()} == {
        ("b", "a"): 0, ("b", "c"): 2, ("b", "d"): 2
    }  # fmt: skip
    assert links["b", "a"]["control_packets"] == 1
    assert (found["tree"]["stress_mean"], found["tree"]["stress_max"]) == (2, 2)


@pytest.mark.parametrize(
    ("message", "key", "kind"),
    [(Ping(5), 0, "overlay Ping"), (carried(1), 0, None), (Ping(5), 1, None)],
)
def test_messages_have_names_unless_they_carry_a_packet_or_are_encrypted(
    message: overlay.Message, key: int, kind: str | None
) -> None:
    packet = datagram("a", "b", message, key)
    found = packets.parse(packet, pcapng.RAW, len(packet))
    assert (found and found.type) == kind


def test_the_messages_of_nemo_have_names_too() -> None:
    group, nobody = IPv6Address("ff0e::1"), MemberId(bytes(8))
    data = nemo.Data(group, nobody, 1, nemo.Way.KEEP, 0, nobody, 0, group, b"a packet")
    found = [
        packets.parse(packet, pcapng.RAW, len(packet))
        for message in (nemo.Leave(group, 0), data)
        for packet in [sent("a", "b", nemo_codec.encode(message))]
    ]
    assert [one and one.type for one in found] == ["overlay Leave", None]


CUT = {"kind": "partitioned", "node": "b", "hosts": ["b", "d"], "at": 4}
HEALED = {"kind": "healed", "node": "b", "hosts": ["b", "d"], "at": 5}


def test_a_partition_interrupts_those_below_the_other_side(run: Run) -> None:
    """c is on the source's side, and got its packets by b, which is not."""
    started = [event for event in EVENTS if event["kind"] in ("overlay_started", "overlay_tree")]
    (repair,) = recorded(with_events(run, *started, CUT))["repairs"]
    assert (repair["event"], repair["node"], repair["flow"]) == ("partition", "b, d", "any→c")
    assert (repair["repair_ms"], repair["lost"]) == (1500, 15)
    direct = [*started, tree(3, c="a"), CUT]
    assert recorded(with_events(run, *direct))["repairs"] == []


@pytest.mark.parametrize("trees", [True, False])
def test_who_was_apart_from_the_source_goes_on_when_healed(run: Run, trees: bool) -> None:
    """c is cut off at 4 s and hears again at 5 s; the first packet that comes is that of 5.5 s."""
    logged = [event for event in EVENTS if event["kind"] in ("overlay_started", "overlay_tree")]
    around = [{**event, "hosts": ["b", "c"]} for event in (CUT, HEALED)]
    (repair,) = recorded(with_events(run, *(logged if trees else ()), *around))["repairs"]
    assert (repair["event"], repair["flow"]) == ("heal", "any→c")
    assert (repair["repair_ms"], repair["lost"]) == (505 - 100, 5)


def test_who_hears_nothing_until_the_next_event_is_not_repaired(run: Run) -> None:
    again = {"kind": "crashed", "node": "d", "at": 5.2}
    around = [{**event, "hosts": ["c"]} for event in (CUT, HEALED)]
    first, *_ = recorded(with_events(run, *around, again))["repairs"]
    assert (first["event"], first["repair_ms"], first["lost"]) == ("heal", None, None)
