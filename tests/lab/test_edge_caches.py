"""A video from caches at the edge, segment by segment, as a mobile node walks from MAR to MAR."""

from __future__ import annotations

from typing import Any

import pytest

from emu.measure import pcapng, tcp_packets
from emu.measure.packets import upper_layer
from emu.services.content import Content
from emu.services.nginx import PORT
from tests.lab.emu_run import Run, run_side_by_side

pytestmark = pytest.mark.root

SCENARIO = """
name: edge
duration: 9s
topology:
  kind: dmm-domain
  mars: 2
  access: {{profiles: {{mar1: 3g, mar2: wifi}}}}
  backhaul: {{delay: 5ms}}
  core: {{delay: 10ms}}
multicast: {{scheme: none}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  web: {{role: server}}
services:
  video: {{kind: origin, node: web, length: 20s, bitrates: [3mbit]}}
  edge: {{kind: cache, at: [mar1, mar2], origin: video, filled: true, keep_alive: {keep_alive}}}
  tv: {{kind: player, node: mn1, origin: video, buffer: 15s}}
events:
  - {{at: 4s, handover: mn1, to: mar2, gap: 50ms}}
"""
CONTENT = Content(20_000_000_000, 2_000_000_000, (3_000_000,))
FIRST, SECOND = "2001:db8:1:1:", "2001:db8:2:1:"
"""The prefixes of MAR1 and MAR2."""


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scenarios = {}
    for keep_alive in ("false", "true"):
        path = tmp_path_factory.mktemp(keep_alive) / "scenario.yaml"
        path.write_text(SCENARIO.format(keep_alive=keep_alive), encoding="utf-8")
        scenarios[keep_alive] = path
    CONTENT.ensure(print)
    return run_side_by_side(scenarios, "--keep-captures")


def service(done: Run, name: str) -> dict[str, Any]:
    """What the record says of a service."""
    (found,) = (one for one in done.run()["services"] if one["service"] == name)
    return dict(found)


def around(done: Run) -> tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]]]:
    """The segments before the handover, the one in flight then, and those asked for after it."""
    (handover,) = done.run()["handovers"]
    at_ms = handover["at_s"] * 1e3
    segments = service(done, "tv")["segments"]
    asked = [segment["at_s"] * 1e3 for segment in segments]
    before = [s for s, at in zip(segments, asked, strict=True) if at + s["ms"] < at_ms]
    after = [s for s, at in zip(segments, asked, strict=True) if at > at_ms]
    (flying,) = segments[len(before) : len(segments) - len(after)]
    return before, flying, after


def received(done: Run, port: int) -> bytes:
    """What TCP brought the mobile node in a connection; nothing may be missing."""
    pieces = []
    for packet in pcapng.read(done.directory / "captures/mn1-radio.pcapng").packets:
        data = packet.data[14:]
        if packet.direction != pcapng.INBOUND or packet.data[12:14] != b"\x86\xdd":
            continue
        at, protocol, _ = upper_layer(data)
        if protocol == 6 and data[at + 2 : at + 4] == port.to_bytes(2, "big"):
            sequence = int.from_bytes(data[at + 4 : at + 8], "big")
            pieces.append((sequence, data[at + 4 * (data[at + 12] >> 4) :]))
    first = pieces[0][0] + 1  # the SYN
    stream = bytearray()
    for sequence, piece in sorted(((s - first) & 0xFFFFFFFF, p) for s, p in pieces if p):
        assert sequence <= len(stream), f"a hole before {sequence}"
        stream[sequence : sequence + len(piece)] = piece
    return bytes(stream)


def crossed(done: Run, capture: str, addresses: str) -> bool:
    """Whether packets of TCP with an address of a prefix were on a link, inside tunnels or not."""
    packets = tcp_packets.of_capture(
        pcapng.read(done.directory / f"captures/{capture}.pcapng"), PORT
    )
    return any(addresses in end for p in packets for end in (p.source, p.destination))


def test_nothing_stalls_at_the_handover(walks: dict[str, Run]) -> None:
    for done in walks.values():
        assert done.ended, done.output
        tv = service(done, "tv")
        assert (tv["stalls"], tv["ended"]) == (0, "stopped")


def test_the_segment_in_flight_comes_through_the_tunnel_byte_for_byte(
    walks: dict[str, Run],
) -> None:
    done = walks["false"]
    _, flying, _ = around(done)
    assert (flying["from"], flying["cache"]) == ("mar1", "HIT")
    assert flying["address"].startswith(FIRST)
    head, _, body = received(done, flying["connection"]).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == (CONTENT.folder / flying["uri"][1:]).read_bytes()
    assert flying["tunnel_bytes"] > 10_000
    assert crossed(done, "mar1-ix", FIRST)


def test_the_next_ones_are_new_connections_with_the_new_prefix_from_the_new_cache(
    walks: dict[str, Run],
) -> None:
    done = walks["false"]
    before, flying, after = around(done)
    assert before
    assert len(after) >= 2
    assert all(segment["address"].startswith(SECOND) for segment in after)
    assert {(s["from"], s["cache"], s["tunnel_bytes"], s["links"]) for s in after} == {
        ("mar2", "HIT", 0, 1)
    }
    connections = [segment["connection"] for segment in (*before, flying, *after)]
    assert len(set(connections)) == len(connections)
    numbers = [segment["number"] for segment in (*before, flying, *after)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert not any(crossed(done, f"mar2-{peer}", SECOND) for peer in ("ix", "core"))


def test_video_uses_the_old_prefix_no_more(walks: dict[str, Run]) -> None:
    done = walks["false"]
    _, flying, after = around(done)
    meta = done.meta()
    over = meta["t0_ns"] + (flying["at_s"] * 1e9 + flying["ms"] * 1e6) + 500e6
    packets = tcp_packets.of_capture(
        pcapng.read(done.directory / "captures/mn1-radio.pcapng"), PORT
    )
    late = [packet for packet in packets if packet.time_ns > over]
    assert late
    assert not [p for p in late if FIRST in p.source or FIRST in p.destination]
    assert after[-1]["at_s"] * 1e9 + meta["t0_ns"] > over


def test_a_client_that_keeps_its_connection_stays_on_the_old_anchor(walks: dict[str, Run]) -> None:
    _, flying, after = around(walks["true"])
    assert len(after) >= 2
    assert {segment["from"] for segment in after} == {"mar1"}
    assert {segment["connection"] for segment in after} == {flying["connection"]}
    assert all(segment["address"].startswith(FIRST) for segment in after)
    assert all(segment["tunnel_bytes"] > segment["bytes"] for segment in after)


def test_the_origin_is_not_asked(walks: dict[str, Run]) -> None:
    for done in walks.values():
        assert service(done, "video")["requests"] == 0
        assert not crossed(done, "mar1-core", "2001:")
