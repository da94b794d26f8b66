"""How a call went, by made-up captures whose every packet is known."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from agents.wire import ipv6
from emu.measure import pcapng
from emu.measure.run import Run
from emu.scenario.services import Call
from emu.services import call_result
from emu.services.call import CallKind
from emu.traffic.arrivals import ArrivalsWriter

MS, SECOND = 1_000_000, 1_000_000_000
T0, REALTIME_OFFSET = 1_000 * SECOND, 1_790_000_000 * SECOND
MN, SERVER = IPv6Address("2001:db8:1:1::1"), IPv6Address("2001:db8:5::1")
MAR1, MAR2 = IPv6Address("2001:db8:ffff::1"), IPv6Address("2001:db8:ffff::2")
PORTS = range(5060, 5068)
SIP, VOICE = 5060, 5062
FRAME, DELAY = 20 * MS, 20 * MS
DOWN, UP = 4 * SECOND, 4 * SECOND + 110 * MS
DURATION = 8 * SECOND
AT_THE_END = 2
"""Packets that were spoken before the end, and are in no capture."""


class Captures:
    """Writes the captures of a run's interfaces."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._packets: dict[tuple[str, str], list[pcapng.Packet]] = {}

    def see(self, node: str, interface: str, at: int, outbound: bool, packet: bytes) -> None:
        frame = bytes(12) + b"\x86\xdd" + packet
        direction = pcapng.OUTBOUND if outbound else pcapng.INBOUND
        time_ns = T0 + at + REALTIME_OFFSET
        self._packets.setdefault((node, interface), []).append(
            pcapng.Packet(time_ns, 0, direction, frame, len(frame))
        )

    def write(self) -> None:
        self._directory.mkdir()
        for (node, interface), packets in self._packets.items():
            comment = json.dumps({"realtime_offset_ns": REALTIME_OFFSET})
            writer = pcapng.Writer(self._directory / f"{interface}.pcapng", comment)
            writer.interface(pcapng.Interface(interface, node))
            for packet in packets:
                writer.packet(packet)
            writer.close()


def udp(source: IPv6Address, destination: IPv6Address, port: int, payload: bytes) -> bytes:
    head = struct.pack("!HHHH", port, port, 8 + len(payload), 0)
    return ipv6.packet(source, destination, 17, head + payload)


def rtp(number: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 8, number, 160 * number, 7) + bytes([1]) * 160


def sip(first: str, number: str, to: str = "") -> bytes:
    fields = f"Call-ID: 1-1@mn\r\nCSeq: {number}\r\nTo: <sip:callee>{to}\r\n"
    return f"{first}\r\n{fields}Content-Length: 0\r\n\r\n".encode()


def write(
    directory: Path, *, reinvite: bool = False, stalls: Sequence[tuple[int, int]] = ()
) -> Run:
    """A call from 1 s on; mn1 moves from mar1 to mar2, what is sent meanwhile is lost."""
    captures = Captures(directory / "captures")

    def uplink(at: int, packet: bytes) -> None:
        captures.see("mn1", "mn1-radio", at, True, packet)
        if at > UP:
            tunnel = ipv6.packet(MAR2, MAR1, 41, packet)
            captures.see("mar2", "mar2-ix", at, True, tunnel)
            captures.see("mar1", "mar1-ix", at, False, tunnel)
        captures.see("server1", "server1-mr1", at + DELAY, False, packet)

    def downlink(at: int, packet: bytes) -> None:
        captures.see("server1", "server1-mr1", at, True, packet)
        if not DOWN <= at + DELAY <= UP + DELAY:
            captures.see("mn1", "mn1-radio", at + DELAY, False, packet)

    start = SECOND
    uplink(start, udp(MN, SERVER, SIP, sip("INVITE sip:callee@x SIP/2.0", "1 INVITE")))
    ok = sip("SIP/2.0 200 OK", "1 INVITE", ";tag=a")
    downlink(start + 30 * MS, udp(SERVER, MN, SIP, ok))
    uplink(
        start + 60 * MS, udp(MN, SERVER, SIP, sip("ACK sip:callee@x SIP/2.0", "1 ACK", ";tag=a"))
    )
    if reinvite:
        again = sip("INVITE sip:callee@x SIP/2.0", "2 INVITE", ";tag=a")
        uplink(5 * SECOND, udp(MN, SERVER, SIP, again))
    for number in range((DURATION - start) // FRAME - 5):
        at = start + 100 * MS + number * FRAME
        if not DOWN <= at <= UP:
            uplink(at, udp(MN, SERVER, VOICE, rtp(number)))
        downlink(at, udp(SERVER, MN, VOICE, rtp(number)))
    uplink(2 * SECOND, udp(MN, SERVER, SIP, b"\x01\x02 no SIP at all"))
    uplink(2 * SECOND, udp(MN, SERVER, VOICE, b"\x80"))
    captures.write()
    events: list[dict[str, Any]] = [
        {"t": T0 + DOWN, "node": "radio", "kind": "l2_down", "mn": "mn1", "mar": "mar1"},
        {"t": T0 + UP, "node": "radio", "kind": "l2_up", "mn": "mn1", "mar": "mar2"},
        {
            "t": T0 + DURATION,
            "node": "mn1",
            "kind": "call_ended",
            "service": "talk",
            "reason": None,
        },
    ]
    (directory / "events.jsonl").write_text(
        "".join(json.dumps(e) + "\n" for e in events), encoding="utf-8"
    )
    nodes = {
        "mn1": {"address": None, "addresses": [str(MN)]},
        "mar1": {"address": str(MAR1)},
        "mar2": {"address": str(MAR2)},
        "server1": {"address": str(SERVER)},
    }
    meta = {
        "t0_ns": T0, "end_ns": T0 + DURATION + SECOND, "nodes": nodes, "flows": [],
        "scenario": {"duration": DURATION, "events": []},
        "fidelity": {"stalls": [(T0 + start, T0 + end) for start, end in stalls]},
    }  # fmt: skip
    (directory / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return Run(directory, 1)


def call(**changes: Any) -> Call:
    return Call.model_validate({"kind": "call", "from": "mn1", "to": "server1", **changes})


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    run = write(tmp_path_factory.mktemp("call"))
    return call_result.describe(run, "talk", call(), PORTS)


def test_the_dialog(told: dict[str, Any]) -> None:
    assert told["sip"] == {"INVITE": 1, "200": 1, "ACK": 1}
    assert (told["dialogs"], told["reinvites"], told["ended"]) == (1, 0, None)
    assert told["setup_ms"] == 50
    assert told["local_address"] == str(MN)


def test_an_invite_in_the_dialog_is_one_to_change_it(tmp_path: Path) -> None:
    told = call_result.describe(write(tmp_path, reinvite=True), "talk", call(), PORTS)
    assert (told["dialogs"], told["reinvites"]) == (1, 1)


def test_each_packet_counts_where_a_tunnel_begins(told: dict[str, Any]) -> None:
    (tunnel,) = told["tunnels"]
    assert (tunnel["router"], tunnel["peer"]) == ("mar2", "mar1")
    assert tunnel["tunnel_overhead_bytes"] == 40 * tunnel["packets"]
    assert tunnel["tunnel_bytes"] == 260 * tunnel["packets"]


def test_each_direction(told: dict[str, Any]) -> None:
    up, down = told["directions"]
    for way in (up, down):
        assert way["sent"] == 345 + AT_THE_END
        assert way["delay_ms"] == {"min": 20, "median": 20, "max": 20}
        assert way["jitter_ms"] < 1
        assert way["mouth_to_ear_ms"] == 100
        assert (way["discarded"], way["duplicated"], way["reordered"]) == (0, 0, 0)
    assert up["unsent"] == up["lost"] == 6 + AT_THE_END
    assert (down["unsent"], down["lost"]) == (AT_THE_END, 7 + AT_THE_END)


def test_the_windows_around_the_handover(told: dict[str, Any]) -> None:
    for way, lost in zip(told["directions"], (6, 7), strict=True):
        (move,) = way["handovers"]
        assert (move["at_s"], move["from"], move["to"]) == (4.0, "mar1", "mar2")
        assert move["mos"]["before"] == move["mos"]["after"] > 4.3
        assert move["mos"]["during"] < 4
        assert move["lost"] == lost
        assert move["silence_ms"] == 20 * lost
        assert (move["delay_before_ms"], move["delay_after_ms"]) == (20, 20)
        assert not move["disturbed"]


@pytest.mark.parametrize("start", [2.5, 4.5, 6.5], ids=["before", "during", "after"])
def test_a_stall_in_a_window_keeps_all_three_out_of_the_metrics(
    tmp_path: Path, start: float
) -> None:
    began = int(start * SECOND)
    run = write(tmp_path, stalls=[(began, began + 150 * MS)])
    told = call_result.describe(run, "talk", call(), PORTS)
    assert [move["disturbed"] for way in told["directions"] for move in way["handovers"]] == [
        True,
        True,
    ]
    names = {name for name, _ in CallKind.metrics(told)}
    assert "call.mos" in names
    assert not any("handover" in name or "silence" in name for name in names)


@pytest.mark.parametrize(
    "stall",
    [(SECOND, SECOND + 500 * MS), (4_500 * MS, 4_590 * MS)],
    ids=["outside", "too short to matter"],
)
def test_a_stall_that_spoils_no_window(tmp_path: Path, stall: tuple[int, int]) -> None:
    told = call_result.describe(write(tmp_path, stalls=[stall]), "talk", call(), PORTS)
    found = dict(CallKind.metrics(told))
    assert {f"call.mos_{when}_handover" for when in ("before", "during", "after")} <= set(found)


def test_a_source_of_the_run_that_was_late_spoils_it_too(tmp_path: Path) -> None:
    """A packet that was due in the window, and sent 150 ms later."""
    run = write(tmp_path)
    sent = ArrivalsWriter(tmp_path / "sent.bin")
    sent.append(1, T0 + 4_500 * MS, T0 + 4_650 * MS)
    sent.close()
    run.meta["flows"].append({"sent": "sent.bin"})
    told = call_result.describe(run, "talk", call(), PORTS)
    assert all(way["handovers"][0]["disturbed"] for way in told["directions"])


def test_a_longer_jitter_buffer_and_no_concealment(tmp_path: Path) -> None:
    run = write(tmp_path)
    changed = call(concealment=False, jitter_buffer="150ms")
    told = call_result.describe(run, "talk", changed, PORTS)
    (way, _) = told["directions"]
    assert way["mouth_to_ear_ms"] == 190
    assert way["handovers"][0]["mos"]["during"] < 3


def test_other_ports_are_other_calls(tmp_path: Path) -> None:
    told = call_result.describe(write(tmp_path), "talk", call(), range(5068, 5076))
    assert (told["directions"], told["sip"], told["tunnels"]) == ([], {}, [])
    assert told["local_address"] is None
    assert told["setup_ms"] is None
