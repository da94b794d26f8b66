"""How a call went, by what the captures of its two ends and of its tunnels have."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv6Address
from typing import Any

from emu.measure import fidelity, handovers, passages
from emu.measure.handovers import Handover
from emu.measure.run import Run
from emu.scenario.services import Call
from emu.services.call_packets import Datagram, SipMessage, datagrams, sip_messages, voice
from emu.voice import quality
from emu.voice.audio import FRAME_NS, RATE
from emu.voice.codecs import CODECS, Codec
from emu.voice.counts import counts, median_delay_ms
from emu.voice.jitter_buffer import play_adaptive, play_fixed
from emu.voice.passage import Passage, Playout
from emu.voice.passage import passages as voice_passages
from emu.voice.quality import WINDOW_NS, Score


def describe(run: Run, service: str, call: Call, ports: range) -> dict[str, Any]:
    """The signalling of a call, its tunnels, and each direction of its voice."""
    here = datagrams(run.captures, call.from_, ports)
    there = datagrams(run.captures, call.to, ports)
    messages = sip_messages(here)
    ended = [e for e in run.of_kind("call_ended") if e["service"] == service]
    return {
        "from": call.from_,
        "to": call.to,
        "local_address": _local_address(here),
        "setup_ms": _setup_ms(messages),
        "ended": ended[-1]["reason"] if ended else "it was cut short",
        "sip": dict(Counter(message.name for message in messages)),
        "dialogs": len({message.call_id for message in messages}),
        "reinvites": sum(message.reinvites for message in messages),
        "tunnels": _tunnels(run, ports),
        "directions": _directions(run, call, here, there),
    }


def _local_address(here: list[Datagram]) -> str | None:
    """The mobile node's, from the first packet to the last; None: it sent none."""
    used = {str(IPv6Address(datagram.source)) for datagram in here if datagram.outbound}
    return ", ".join(sorted(used)) or None


def _setup_ms(messages: list[SipMessage]) -> float | None:
    """From the INVITE to the answer; None: nobody answered."""
    invited = [message for message in messages if message.name == "INVITE"]
    answered = [m for m in messages if m.name == "200" and m.number.endswith("INVITE")]
    if not invited or not answered:
        return None
    return (answered[0].time_ns - invited[0].time_ns) / 1e6


def _tunnels(run: Run, ports: range) -> list[dict[str, Any]]:
    """What of the call entered each tunnel."""
    found: dict[tuple[str, str], list[passages.Passage]] = {}
    for passage in passages.entering_tunnels(passages.of_run(run)):
        if passage.tunnel and any(kind == "udp" and n in ports for kind, n in passage.numbers):
            found.setdefault(passage.tunnel, []).append(passage)
    return [
        {
            "router": ends[0],
            "peer": ends[1],
            "packets": len(inside),
            "tunnel_bytes": sum(passage.length for passage in inside),
            "tunnel_overhead_bytes": sum(passage.overhead for passage in inside),
        }
        for ends, inside in found.items()
    ]


def _directions(
    run: Run, call: Call, here: list[Datagram], there: list[Datagram]
) -> list[dict[str, Any]]:
    """The voice of the mobile node, and that of the other one."""
    codec = codec_of(call)
    stop = run.meta["scenario"]["duration"] if call.stop is None else call.stop
    until = min(int(run.meta["t0_ns"]) + stop, run.end_ns)
    (heard_there, there_way), (heard_here, back_way) = (
        (voice(_inbound(receiving)), way(call, sending, receiving, until))
        for sending, receiving in ((here, there), (there, here))
    )
    names = (call.from_, call.to)
    moves = [move for move in handovers.find(run) if move.mn == call.from_]
    both = (
        (names, heard_there, there_way, back_way),
        (names[::-1], heard_here, back_way, there_way),
    )
    return [
        {"from": ends[0], "to": ends[1], **counts(received, one), **_rated(run, one, back, codec)}
        | {"handovers": [_around(run, move, one, back, codec) for move in moves]}
        for ends, received, one, back in both
        if one
    ]


def codec_of(call: Call) -> Codec:
    """What its voice is rated as."""
    return CODECS["g711-plc" if call.concealment else "g711"]


def way(
    call: Call, sending: Sequence[Datagram], receiving: Sequence[Datagram], until_ns: int
) -> list[Passage]:
    """One direction of its voice until a time, by the packets on the links of both ends."""
    sent = voice([datagram for datagram in sending if datagram.outbound])
    received = voice(_inbound(receiving))
    return voice_passages(sent, received, _playout(call), RATE, FRAME_NS, until_ns)


def _inbound(found: Sequence[Datagram]) -> list[Datagram]:
    return [datagram for datagram in found if not datagram.outbound]


def _playout(call: Call) -> Playout:
    if call.jitter_buffer == "adaptive":
        return partial(play_adaptive, least=FRAME_NS)
    return partial(play_fixed, delay=call.jitter_buffer)


def _rated(
    run: Run, way: Sequence[Passage], back: Sequence[Passage], codec: Codec
) -> dict[str, Any]:
    """The score of all of it, and over time."""
    return {
        **_score(quality.score(way, back, codec)),
        "over_time": [
            {"at_s": run.seconds(middle), **_score(score)}
            for middle, score in quality.over_time(way, back, codec)
        ],
    }


def _score(score: Score | None) -> dict[str, Any]:
    if score is None:
        return dict.fromkeys(("mos", "R", "loss_percent", "burst_ratio", "mouth_to_ear_ms"))
    return {
        "mos": score.mos,
        "R": score.R,
        "loss_percent": score.loss_percent,
        "burst_ratio": score.burst_ratio,
        "mouth_to_ear_ms": score.delay_ms,
    }


def _around(
    run: Run,
    move: Handover,
    way: Sequence[Passage],
    back: Sequence[Passage],
    codec: Codec,
) -> dict[str, Any]:
    """The windows before, at and after a handover."""
    at, end = (time - _lead_ns(way, time) for time in (move.down_ns, move.until_ns))
    windows = {
        when: (start, min(start + WINDOW_NS, end))
        for when, start in (
            ("before", at - WINDOW_NS),
            ("during", at),
            ("after", at + WINDOW_NS),
        )
    }
    during = quality.within(way, *windows["during"])
    return {
        "at_s": run.seconds(move.down_ns),
        "disturbed": any(
            fidelity.disturbed(run.stalls, start, stop)
            for start, stop in windows.values()
            if start < stop
        ),
        "from": move.origin,
        "to": move.target,
        "mos": {when: _mos(way, back, codec, *window) for when, window in windows.items()},
        "lost": sum(packet.arrived_ns is None for packet in during),
        "discarded": sum(p.arrived_ns is not None and p.played_ns is None for p in during),
        "silence_ms": quality.longest_silence(during) * FRAME_NS / 1e6,
        "delay_before_ms": median_delay_ms(quality.within(way, at - WINDOW_NS, at)),
        "delay_after_ms": median_delay_ms(quality.within(way, at + WINDOW_NS, end)),
    }


def _lead_ns(way: Sequence[Passage], time_ns: int) -> int:
    """How long before a time the first packet was spoken that had not arrived by then."""
    recent = quality.within(way, time_ns - WINDOW_NS, time_ns)
    took = [p.arrived_ns - p.sampled_ns for p in recent if p.arrived_ns is not None]
    return FRAME_NS + (round(statistics.median(took)) if took else 0)


def _mos(
    way: Sequence[Passage], back: Sequence[Passage], codec: Codec, start: int, end: int
) -> float | None:
    """Of a window, of which the next handover may leave little: None of less than a half."""
    if end - start < WINDOW_NS // 2:
        return None
    score = quality.score(quality.within(way, start, end), quality.within(back, start, end), codec)
    return None if score is None else score.mos
