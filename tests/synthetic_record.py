"""A made-up experiment whose every result is known: raw run files as a conductor leaves them.

mn1 listens to C1, pings server1 and loads a file from it; it moves from mar1 to mar2 at 4 s and on
to mar3 at 8 s. See ``Times`` for what each handover takes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Any

from agents.wire import ipv6, mld, mobility, ndp
from agents.wire.mobility_options import MobileNodeIdentifier
from emu.measure import pcapng
from emu.traffic import arrivals
from emu.traffic.arrivals import ArrivalsWriter

MS, SECOND = 1_000_000, 1_000_000_000
T0 = 5_000 * SECOND
REALTIME_OFFSET = 1_790_000_000 * SECOND
INTERVAL = 10 * MS
GROUP, SOURCE = IPv6Address("ff3e::c1"), IPv6Address("2001:db8:5e00:1::2")
MN = IPv6Address("fe80::ff:fe00:101")
ACCESS = {n: IPv6Address(f"fe80::5213:{n}") for n in (1, 2, 3)}
CMD = IPv6Address("2001:db8:ffff::3:1")
MAR = {n: IPv6Address(f"2001:db8:ffff::1:{n}") for n in (1, 2, 3)}
ALL_ROUTERS, ALL_NODES = IPv6Address("ff02::16"), IPv6Address("ff02::1")


@dataclass(frozen=True)
class Times:
    """When each step of a handover comes, in ns after link down."""

    up: int = 50 * MS
    attached: int = 51 * MS
    update: int = 52 * MS
    complete: int = 72 * MS + 500_000
    usable: int = 90 * MS
    data: int = 95 * MS
    """From here on streams arrive again: what would have come since link down is lost."""


@dataclass
class Wire:
    """Puts packets into the captures of the interfaces that they pass."""

    seen: dict[str, list[tuple[int, int, bytes]]] = field(default_factory=dict)

    def pass_by(self, packet: bytes, time_ns: int, *hops: tuple[str, str, int]) -> None:
        """``hops``: (interface it leaves by, interface it enters by, delay); routers in between."""
        for sender, receiver, delay in hops:
            frame = b"\x33\x33\0\0\0\x16\x02\0\0\0\0\x01\x86\xdd" + packet
            self._see(sender, time_ns, pcapng.OUTBOUND, frame)
            time_ns += delay
            if receiver:
                self._see(receiver, time_ns, pcapng.INBOUND, frame)
            packet = packet[:7] + bytes([packet[7] - 1]) + packet[8:]

    def _see(self, interface: str, time_ns: int, direction: int, frame: bytes) -> None:
        self.seen.setdefault(interface, []).append((time_ns, direction, frame))

    def write(self, directory: Path) -> None:
        """Write a capture file an interface."""
        directory.mkdir(parents=True)
        for interface, packets in self.seen.items():
            comment = json.dumps({"realtime_offset_ns": REALTIME_OFFSET})
            writer = pcapng.Writer(directory / f"{interface}.pcapng", comment)
            writer.interface(pcapng.Interface(interface, interface.split("-")[0]))
            for when, direction, frame in sorted(packets):
                stamp = when + REALTIME_OFFSET
                writer.packet(pcapng.Packet(stamp, 0, direction, frame, len(frame)))
            writer.statistics(0, len(packets), 0)
            writer.close()


def _update(sequence: int, lifetime: int, source: IPv6Address, to: IPv6Address) -> bytes:
    flags = mobility.BindingUpdateFlag.A | mobility.BindingUpdateFlag.P
    options = (MobileNodeIdentifier("mn1"),)
    message = mobility.BindingUpdate(sequence, lifetime, flags, options)
    return ipv6.packet(source, to, ipv6.MOBILITY, mobility.encode(message, source, to))


def _acknowledgement(sequence: int, source: IPv6Address, to: IPv6Address) -> bytes:
    flags = mobility.BindingAcknowledgementFlag.P
    message = mobility.BindingAcknowledgement(0, sequence, 300, flags, ())
    return ipv6.packet(source, to, ipv6.MOBILITY, mobility.encode(message, source, to))


def _mld(message: Any, source: IPv6Address, to: IPv6Address) -> bytes:
    body = mld.encode(message, source, to)
    return ipv6.packet(source, to, ipv6.ICMPV6, body, hop_limit=1, router_alert=True)


def _tunnelled(inner: bytes, source: IPv6Address, to: IPv6Address) -> bytes:
    return ipv6.packet(source, to, 41, inner)


def _advertisement(mar: int, lifetime: int) -> bytes:
    prefix = ndp.PrefixInformation(IPv6Network(f"2001:db8:{mar}:1::/64"), 300, lifetime and 300)
    message = ndp.RouterAdvertisement(64, lifetime, (prefix,))
    body = ndp.encode(message, ACCESS[mar], ALL_NODES)
    return ipv6.packet(ACCESS[mar], ALL_NODES, ipv6.ICMPV6, body, hop_limit=255)


def _signalling(wire: Wire, start: int, times: Times, old: int, new: int, sequence: int) -> None:
    """The messages of one handover: PBU and PBA to and from CMD and old MAR, RAs, MLD."""
    record = mld.AddressRecord(mld.RecordType.MODE_IS_INCLUDE, GROUP, (SOURCE,))
    report = mld.MulticastListenerReport((record,))
    query = mld.MulticastListenerQuery(IPv6Address("::"), 10_000)
    update, done = start + times.update, start + times.complete
    radio, cmd = f"mar{new}-radio", f"mar{new}-cmd"
    wire.pass_by(_update(sequence, 300, MAR[new], CMD), update, (cmd, f"cmd-mar{new}", 10 * MS))
    at_cmd = update + 10 * MS + 250_000
    wire.pass_by(_acknowledgement(sequence, CMD, MAR[new]), at_cmd, (f"cmd-mar{new}", cmd, 10 * MS))
    wire.pass_by(
        _update(sequence + 50, 300, CMD, MAR[old]), at_cmd + 10_000,
        (f"cmd-mar{old}", f"mar{old}-cmd", 10 * MS),
    )  # fmt: skip
    wire.pass_by(
        _acknowledgement(sequence + 50, MAR[old], CMD), at_cmd + 10 * MS + 300_000,
        (f"mar{old}-cmd", f"cmd-mar{old}", 10 * MS),
    )  # fmt: skip
    for mar, lifetime, after in ((new, 300, 0), (old, 0, 60_000)):
        wire.pass_by(_advertisement(mar, lifetime), done + after, (radio, "mn1-radio", 2 * MS))
    general = _mld(query, ACCESS[new], ALL_NODES)
    wire.pass_by(general, done + 100_000, (radio, "mn1-radio", 2 * MS))
    listening = _mld(report, MN, ALL_ROUTERS)
    wire.pass_by(listening, done + 3 * MS, ("mn1-radio", radio, 2 * MS))
    inner = _mld(report, IPv6Address(f"fe80::7{new}"), ALL_ROUTERS)
    wire.pass_by(
        _tunnelled(inner, MAR[new], MAR[old]), done + 5 * MS + 200_000,
        (f"mar{new}-ix", f"ix-mar{new}", 2_500_000), (f"ix-mar{old}", f"mar{old}-ix", 2_500_000),
    )  # fmt: skip


def _events(start: int, times: Times, old: int, new: int) -> list[dict[str, Any]]:
    mar, prefix = f"mar{new}", f"2001:db8:{new}:1::/64"
    address = f"2001:db8:{new}:1:0:ff:fe00:101"
    at = start + times.update
    peers = {"new": str(MAR[new]), "old": str(MAR[old])}
    return [
        {"t": start, "node": "radio", "kind": "l2_down", "mn": "mn1", "mar": f"mar{old}"},
        {"t": start + times.up, "node": "radio", "kind": "l2_up", "mn": "mn1", "mar": mar},
        {"t": start + times.attached, "node": mar, "kind": "attached", "mn": "mn1"},
        {"t": at, "node": mar, "kind": "sent", "message": "PBU", "mn": "mn1", "sequence": 1},
        {"t": at + 1, "node": mar, "kind": "prefix_assigned", "mn": "mn1", "prefix": prefix},
        {"t": at + 2, "node": mar, "kind": "tunnel_created", "peer": peers["old"]},
        {"t": at + 3, "node": mar, "kind": "tunnel_held", "peer": peers["old"], "holder": "mn1"},
        {"t": at + 4, "node": mar, "kind": "tunnel_held", "peer": peers["old"],
         "holder": "multicast"},
        {"t": at + 5, "node": f"mar{old}", "kind": "tunnel_created", "peer": peers["new"]},
        {"t": start + times.complete, "node": mar, "kind": "binding_complete", "mn": "mn1"},
        {"t": start + times.complete + MS, "node": "mn1", "kind": "address", "address": address,
         "state": "tentative"},
        {"t": start + times.usable, "node": "mn1", "kind": "address", "address": address,
         "state": "preferred"},
    ]  # fmt: skip


def _nodes() -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "cmd": {"role": "cmd", "address": str(CMD)},
        "ix": {"role": "ix", "address": "2001:db8:ffff::4:1"},
        "mn1": {"role": "mn", "addresses": [str(MN)]},
        "src": {"role": "source", "addresses": [str(SOURCE)]},
        "server1": {"role": "server", "addresses": ["2001:db8:5e00:2::2"]},
    }
    for n in (1, 2, 3):
        nodes[f"mar{n}"] = {
            "role": "mar", "address": str(MAR[n]), "pool": f"2001:db8:{n}::/48",
            "addresses": [str(ACCESS[n])],
        }  # fmt: skip
        nodes[f"mr{n}"] = {"role": "mr", "address": f"2001:db8:ffff::2:{n}"}
    return nodes


def _links() -> list[dict[str, Any]]:
    ends = [("src", "mr1", 0), ("server1", "mr1", 0), ("mr2", "mr1", 0), ("mr3", "mr1", 0)]
    for n in (1, 2, 3):
        core = "mr2" if n % 2 else "mr3"
        ends += [
            (f"mar{n}", "ix", 2_500_000),
            (f"mar{n}", "cmd", 10 * MS),
            (f"mar{n}", core, 5 * MS),
        ]
    return [{"a": a, "b": b, "delay_ns": delay, "rate_bps": None} for a, b, delay in ends]


def _scenario(name: str, repeat: int) -> dict[str, Any]:
    return {
        "name": name,
        "seed": 7,
        "duration": 12 * SECOND,
        "repeat": repeat,
        "topology": {
            "kind": "dmm-domain", "mars": 3, "routers": 3,
            "access": {"delay": 2 * MS, "rate": 54_000_000, "carrier": "drop"},
            "backhaul": {"delay": 5 * MS}, "cmd": {"delay": 10 * MS}, "core": {"delay": 5 * MS},
        },
        "mobility": {"scheme": "dmm", "variant": "proxy"},
        "multicast": {"scheme": "mld-dmm"},
        "nodes": {
            "mn1": {"role": "mn", "attach": "mar1"}, "src": {"role": "source"},
            "server1": {"role": "server"},
        },
        "channels": {
            "C1": {"group": str(GROUP), "source": "src", "rate": 1_052_800, "packet": 1316},
        },
        "traffic": [
            {"kind": "multicast", "channel": "C1", "to": ["mn1"]},
            {"kind": "ping", "from": "mn1", "to": "server1", "interval": INTERVAL},
            {"kind": "iperf3", "from": "server1", "to": "mn1", "protocol": "tcp"},
        ],
        "events": [
            {"at": 4 * SECOND, "handover": "mn1", "to": "mar2", "gap": 50 * MS},
            {"at": 8 * SECOND, "handover": "mn1", "to": "mar3", "gap": 50 * MS},
        ],
    }  # fmt: skip


def _flow(flow: str, kind: str, ends: tuple[str, str], **fields: Any) -> dict[str, Any]:
    file = flow.replace("→", ".")
    return {
        "flow": flow, "file": file, "kind": kind, "protocol": None, "from": ends[0], "to": ends[1],
        "interval_ns": INTERVAL, "start_ns": T0, "stop_ns": T0 + 12 * SECOND,
        "arrivals": f"arrivals/{file}@mn1.bin", "sent": None, "sender_report": None,
        "receiver_report": None, **fields,
    }  # fmt: skip


def _write_rows(path: Path, rows: list[tuple[int, int, int]]) -> None:
    writer = ArrivalsWriter(path)
    for row in rows:
        writer.append(*row)
    writer.close()


def _write_stream(
    run: Path, file: str, handovers: list[tuple[int, Times]], delay: int, sent_file: str
) -> None:
    """A packet every 10 ms for 12 s; those due between link down and ``data`` are lost."""
    sent, arrived = [], []
    for sequence in range(1200):
        when = T0 + sequence * INTERVAL
        sent.append((sequence, when, when + 20_000))
        received = when + 20_000 + delay + (sequence * 7919 % 13) * 40_000
        holes = ((start, start + times.data) for start, times in handovers)
        if not any(start <= received < end for start, end in holes):
            arrived.append((sequence, when + 20_000, received))
    _write_rows(run / "sent" / sent_file, sent)
    _write_rows(run / "arrivals" / f"{file}@mn1.bin", arrived)


def _write_tcp(run: Path, handovers: list[tuple[int, Times]]) -> None:
    rows, position = [], 0
    for tick in range(6000):
        received = T0 + tick * 2 * MS
        if not any(start <= received < start + 3 * times.usable for start, times in handovers):
            rows.append((position, 0, received))
            position += 5712
    _write_rows(run / "arrivals" / "download@mn1.bin", rows)
    (run / "iperf").mkdir()
    reports = {
        "download": {"sum_received": {"bits_per_second": 2.1e7}, "sum_sent": {}},
        "download.server": {
            "sum_received": {"bits_per_second": 0},
            "sum_sent": {"retransmits": 12},
        },
    }
    for name, sums in reports.items():
        (run / "iperf" / f"{name}.json").write_text(json.dumps({"end": sums}), encoding="utf-8")


def _membership() -> list[dict[str, Any]]:
    base = {"source": str(SOURCE), "group": str(GROUP), "local_sources": []}
    at = T0 + 12 * SECOND
    records = {
        "mar1": [{"upstream": "mar1-core", "listeners": ["tun-mar2"], **base}],
        "mar2": [{"upstream": "mar2-core", "listeners": ["tun-mar3"], **base}],
        "mar3": [{"upstream": "tun-mar2", "listeners": [str(MN)], **base}],
    }
    return [
        {"t": at, "node": node, "kind": "membership", "records": found}
        for node, found in records.items()
    ]


def write_run(record: Path, number: int, name: str, repeat: int, *, ok: bool = True) -> None:
    """Write ``runs/<number>``; each further run has 1 ms more of everything after link down."""
    run = record / "runs" / str(number)
    shift = (number - 1) * MS
    defaults = Times()
    times = Times(**{key: value + shift for key, value in vars(defaults).items()})
    handovers = [(T0 + 4 * SECOND, times), (T0 + 8 * SECOND, times)]
    wire, events = Wire(), _membership()
    for number_of, (start, one) in enumerate(handovers, 1):
        events += _events(start, one, number_of, number_of + 1)
        _signalling(wire, start, one, number_of, number_of + 1, 10 * number_of)
    local = {"local": "2001:db8:1:1:0:ff:fe00:101", "remote": "2001:db8:5e00:2::2"}
    events += [
        {"t": T0 - MS, "node": "mn1", "kind": "joined", "flow": "C1→mn1"},
        {"t": T0 + 12 * SECOND + SECOND // 2, "node": "mn1", "kind": "left", "flow": "C1→mn1"},
        {"t": T0, "node": "mn1", "kind": "flow_started", "flow": "ping-mn1-server1", **local},
    ]
    wire.write(run / "captures")
    _write_stream(run, "C1.mn1", handovers, 12 * MS, "C1@src.bin")
    _write_stream(run, "ping-mn1-server1", handovers, 24 * MS, "ping-mn1-server1@mn1.bin")
    _write_tcp(run, handovers)
    flows = [
        _flow("C1→mn1", "multicast", ("src", "mn1"), sent="sent/C1@src.bin"),
        _flow(
            "ping-mn1-server1", "ping", ("mn1", "server1"), sent="sent/ping-mn1-server1@mn1.bin"
        ),
        _flow(
            "download", "iperf3", ("server1", "mn1"), protocol="tcp", interval_ns=None,
            sender_report="iperf/download.server.json", receiver_report="iperf/download.json",
        ),
    ]  # fmt: skip
    meta = {
        "scenario": _scenario(name, repeat), "seed": 7 + number - 1, "t0_ns": T0,
        "end_ns": T0 + 12 * SECOND + SECOND // 2, "nodes": _nodes(), "links": _links(),
        "flows": flows, "kernel": "6.1.0-test", "emu_version": "0.1.0", "interrupted": False,
        "backends": {"switch": "kernel", "tunnel": "ip6tnl", "delay": "netem"},
        "started_at": "2026-03-01T10:00:00Z",
        "fidelity": {
            "ok": ok, "reason": None if ok else "timers were late by 31.0 ms (p99)",
            "timer_lag_ms": {"median": 0.06, "p99": 0.4, "max": 2.1},
            "cpu": {"mean": 0.31, "max": 0.8, "steal": 0.0},
            "link_late_max_ms": 0.0, "stalls": [],
        },
    }  # fmt: skip
    (run / "events.jsonl").write_text(
        "".join(json.dumps(event) + "\n" for event in events), encoding="utf-8"
    )
    (run / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def disturb(record: Path, number: int, stall: tuple[int, int]) -> None:
    """Make the machine of a written run stand still for a period (ns)."""
    path = record / "runs" / str(number) / "meta.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    meta["fidelity"]["stalls"].append(stall)
    path.write_text(json.dumps(meta), encoding="utf-8")


def send_late(record: Path, number: int, stall: tuple[int, int]) -> None:
    """Have the channel's source of a written run stand still, and catch up then."""
    path = record / "runs" / str(number) / "sent" / "C1@src.bin"
    rows = arrivals.read(path).tolist()
    path.unlink()
    start, end = stall
    _write_rows(path, [(seq, due, end if start <= due < end else sent) for seq, due, sent in rows])


def write_record(
    record: Path, runs: int = 2, name: str = "tv-on-the-move", *, ok: bool = True
) -> Path:
    """Write the raw files of a whole experiment."""
    for number in range(1, runs + 1):
        write_run(record, number, name, runs, ok=ok)
    (record / "scenario.yaml").write_text(
        f"name: {json.dumps(name)}\nseed: 7\nduration: 12s\n", encoding="utf-8"
    )
    return record
