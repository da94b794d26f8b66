"""What a mobile node loaded, from the packets that captures saw and what servers logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emu.measure.run import Run
from emu.measure.tcp_packets import TcpPacket
from emu.services import downloads
from tests.small_run import MS, T0, event, small_run

MN, MAR1, MAR2, WEB = "2001:db8:1:1::5", "2001:db8:ffff::1:1", "2001:db8:ffff::1:2", "2001:db8:5::2"
PORT = 40000
NODES = {"mar1": {"address": MAR1}, "mar2": {"address": MAR2}, "web": {"address": WEB}}


def asked(at_ms: float, sequence: int, size: int = 100) -> TcpPacket:
    return TcpPacket(
        T0 + round(at_ms * MS), "mn1", "mn1-radio", True, size + 72, None,
        MN, PORT, WEB, 80, sequence, size,
    )  # fmt: skip


def came(
    at_ms: float, sequence: int, size: int = 1000, interface: str = "mn1-radio", **fields: Any
) -> TcpPacket:
    node = interface.partition("-")[0]
    values = {"outbound": False, "length": size + 72, "outer_source": None, **fields}
    return TcpPacket(
        T0 + round(at_ms * MS), node, interface, source=WEB, source_port=80, destination=MN,
        destination_port=PORT, sequence=sequence, payload=size, **values,
    )  # fmt: skip


def answer(at_ms: float, request: int, uri: str = "/1-3.m4s") -> dict[str, Any]:
    return event(
        at_ms, "mar1", "http_request", service="edge", client=MN, port=PORT, uri=uri, status=200,
        bytes=2000, seconds=0.1, request=request, cache="HIT",
    )  # fmt: skip


def run_with(tmp_path: Path, *events: dict[str, Any]) -> Run:
    return small_run(tmp_path, events=events, nodes=NODES)


def described(run: Run, *packets: TcpPacket) -> list[dict[str, Any]]:
    seen = sorted(packets, key=lambda packet: packet.time_ns)
    return [downloads.describe(run, one) for one in downloads.exchanges(run, "mn1", seen)]


def test_an_answer_is_from_the_request_to_its_last_new_byte(tmp_path: Path) -> None:
    run = run_with(tmp_path, answer(30, 1))
    packets = (asked(10, 1), came(20, 1), came(40, 1001), came(90, 1))  # the last one: again
    (one,) = described(run, *packets)
    assert (one["at_s"], one["first_byte_ms"], one["ms"]) == (0.01, 10, 30)
    assert (one["from"], one["service"], one["cache"], one["address"]) == (
        "mar1", "edge", "HIT", MN,
    )  # fmt: skip


def test_a_connection_has_an_answer_for_each_request(tmp_path: Path) -> None:
    run = run_with(tmp_path, answer(30, 1), answer(130, 2, "/1-4.m4s"))
    first = (asked(10, 1), came(20, 1), came(40, 1001))
    second = (asked(110, 101), asked(111, 101), came(150, 2001))  # asked twice: lost on its way
    one, other = described(run, *first, *second)
    assert [(e["uri"], e["ms"]) for e in (one, other)] == [("/1-3.m4s", 30), ("/1-4.m4s", 40)]


def test_sequence_numbers_may_begin_anew(tmp_path: Path) -> None:
    end = (1 << 32) - 500
    run = run_with(tmp_path, answer(30, 1))
    (one,) = described(run, asked(10, 1), came(20, end), came(40, 500))
    assert one["ms"] == 30


def test_what_no_server_has_logged_is_left_out(tmp_path: Path) -> None:
    assert described(run_with(tmp_path), asked(10, 1), came(20, 1)) == []


def test_the_links_that_it_crossed_and_the_tunnel_that_it_went_through(tmp_path: Path) -> None:
    """From MAR1 through a tunnel by way of ix to MAR2, and over its radio."""
    run = run_with(tmp_path, answer(30, 1))
    tunnel: dict[str, Any] = {"outer_source": MAR1, "length": 1112}
    way = (
        came(20, 1, interface="mar1-ix", outbound=True, **tunnel),
        came(21, 1, interface="ix-mar1", **tunnel),
        came(21, 1, interface="ix-mar2", outbound=True, **tunnel),
        came(22, 1, interface="mar2-ix", **tunnel),
        came(22, 1, interface="mar2-radio", outbound=True),
        came(23, 1),
    )
    packets = [asked(10, 1), *way]
    (one,) = described(run, *packets)
    assert one["tunnel_bytes"] == 1112
    assert one["links"] == (1112 + 1112 + 1072) / 1072
    assert downloads.core_bytes(packets) == 2 * 1112
