"""RTP headers, numbers and jitter by RFC 3550; packets' passages; scores of windows."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.voice import quality, rtp
from emu.voice.codecs import CODECS
from emu.voice.counts import counts
from emu.voice.jitter_buffer import play_fixed
from emu.voice.passage import Passage, Seen, passages
from emu.voice.rtp import Header

MS = 1_000_000
FRAME = 20 * MS
CODEC = CODECS["g711-plc"]
FIRST_NUMBER, FIRST_TIMESTAMP, START = 65_530, 2**32 - 480, 7_000_000_000


def header(at: int) -> Header:
    """Of packet ``at`` of a stream whose numbers soon begin again at 0."""
    return Header((FIRST_NUMBER + at) % 2**16, (FIRST_TIMESTAMP + 160 * at) % 2**32, 1, 8, False)


def leaving(count, unsent=()):
    return [Seen(START + at * FRAME, header(at)) for at in range(count) if at not in unsent]


def coming(count, delay_ms=30.0, lost=()):
    return [
        Seen(START + at * FRAME + round(delay_ms * MS), header(at))
        for at in range(count)
        if at not in lost
    ]


def call(sent, received, until=None):
    """Until the last packet that was sent, or another one."""
    until = len(sent) if until is None else until
    until_ns = START + (until - 1) * FRAME - FRAME
    return passages(sent, received, lambda p: play_fixed(p, 60 * MS), 8000, FRAME, until_ns)


def test_the_header_of_a_packet():
    packet = struct.pack("!BBHII", 0x80, 0x88, 7, 160, 0xCA110000) + bytes(160)
    assert rtp.parse(packet) == Header(7, 160, 0xCA110000, 8, True)


@pytest.mark.parametrize(
    "datagram",
    [b"", bytes(11), b"\x00" + bytes(20), b"\x80\xc8" + bytes(20), b"INVITE sip:callee SIP/2.0"],
    ids=["empty", "short", "version 0", "RTCP sender report", "SIP"],
)
def test_what_is_no_rtp(datagram):
    assert rtp.parse(datagram) is None


@given(st.binary(max_size=40))
def test_any_bytes_have_a_header_or_none(datagram):
    found = rtp.parse(datagram)
    assert found is None or 0 <= found.sequence < 2**16


@given(first=st.integers(0, 2**16 - 1), steps=st.lists(st.integers(-1000, 1000), max_size=50))
def test_numbers_that_wrap_are_unwrapped(first, steps):
    numbers, at = [first], first
    for step in steps:
        at += step
        numbers.append(at)
    wrapped = [number % 2**16 for number in numbers]
    assert rtp.unwrap(wrapped, 16, near=first) == numbers


def test_jitter_by_hand():
    # D = 0, +16, -16: J = 0, 1, 1 + 15/16
    assert rtp.interarrival_jitter([0, 20, 40, 60], [30, 50, 86, 90]) == pytest.approx(1.9375)
    assert rtp.interarrival_jitter([], []) == 0
    assert rtp.interarrival_jitter([0, 20], [500, 520]) == 0


def test_a_packet_is_spoken_carried_and_kept_until_its_time():
    packets = call(leaving(3), coming(3))
    assert [packet.number for packet in packets] == [65_530, 65_531, 65_532]
    first = packets[0]
    assert first.sampled_ns == START - FRAME
    assert (first.left_ns, first.arrived_ns) == (START, START + 30 * MS)
    assert first.heard_after_ns == FRAME + 30 * MS + 60 * MS


def test_lost_packets_and_those_that_never_left_are_told_apart():
    packets = call(leaving(20, unsent=(10, 11)), coming(20, lost=(5, 10, 11)), until=20)
    assert len(packets) == 20
    assert [at for at, one in enumerate(packets) if one.left_ns is None] == [10, 11]
    assert [at for at, one in enumerate(packets) if one.arrived_ns is None] == [5, 10, 11]
    assert [one.sampled_ns for one in packets] == [START + (at - 1) * FRAME for at in range(20)]


def test_what_was_spoken_after_the_link_went_down_for_good_was_not_heard():
    packets = call(leaving(20), coming(20), until=50)
    assert len(packets) == 50
    assert {(one.left_ns, one.played_ns) for one in packets[20:]} == {(None, None)}
    assert packets[-1].sampled_ns == START + 48 * FRAME


def test_what_is_spoken_after_the_end_does_not_count():
    assert len(call(leaving(20), coming(20), until=10)) == 10


def test_second_copies_and_late_packets():
    late = Seen(START + 4 * FRAME + 200 * MS, header(4))
    received = sorted([*coming(10, lost=(4,)), late, *coming(1)], key=lambda seen: seen.time_ns)
    packets = call(leaving(10), received)
    assert len(packets) == 10
    assert packets[4].arrived_ns == late.time_ns
    assert packets[4].played_ns is None
    told = counts(received, packets)
    assert (told["sent"], told["received"], told["lost"], told["discarded"]) == (10, 10, 0, 1)
    assert (told["duplicated"], told["reordered"]) == (1, 1)
    assert told["delay_ms"] == {"min": 30, "median": 30, "max": 200}


def test_what_came_after_the_end_is_no_copy():
    received = coming(20)
    assert counts(received, call(leaving(20), received, until=10))["duplicated"] == 0


def test_a_call_of_which_nothing_was_sent():
    assert call([], []) == []
    assert quality.score([], [], CODEC) is None
    assert quality.over_time([], [], CODEC) == []


def test_a_good_call_scores_as_its_delay_alone():
    packets = call(leaving(200), coming(200))
    found = quality.score(packets, packets, CODEC)
    assert found.loss_percent == 0
    assert found.delay_ms == pytest.approx(110)
    assert found.mos == pytest.approx(4.34, abs=0.02)


def test_a_call_that_is_not_heard_scores_1():
    packets = call(leaving(200), [])
    found = quality.score(packets, [], CODEC)
    assert (found.mos, found.R, found.loss_percent, found.delay_ms) == (1, 0, 100, None)


def test_the_score_falls_at_an_interruption_and_comes_back():
    packets = call(leaving(500), coming(500, lost=range(250, 258)))
    scores = quality.over_time(packets, packets, CODEC)
    values = [score.mos for _, score in scores]
    worst = min(values)
    assert values[0] == values[-1] == max(values)
    assert worst < values[0] - 0.5
    when = [middle for middle, score in scores if score.mos == worst]
    assert all(abs(middle - (START + 254 * FRAME)) <= quality.WINDOW_NS // 2 for middle in when)


def test_loss_in_one_burst_scores_below_as_much_scattered_loss():
    burst = call(leaving(100), coming(100, lost=range(50, 55)))
    scattered = call(leaving(100), coming(100, lost=range(10, 60, 10)))
    assert quality.score(burst, [], CODEC).mos < quality.score(scattered, [], CODEC).mos


@pytest.mark.parametrize(
    ("missing", "ratio"),
    [
        ("....", 1),
        ("xxxx", 1),
        (".x.x.x.x.x", 1),
        ("xx........", 1.6),
        (".xxxx...xx", 1.2),
        ("", 1),
    ],
)
def test_the_burst_ratio(missing, ratio):
    assert quality.burst_ratio([one == "x" for one in missing]) == pytest.approx(ratio)


def test_windows_end_before_their_end():
    packets = [Passage(at, at * FRAME) for at in range(10)]
    assert [one.number for one in quality.within(packets, FRAME, 3 * FRAME)] == [1, 2]
