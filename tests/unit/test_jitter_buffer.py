"""What a jitter buffer plays, and what it discards."""

from hypothesis import given
from hypothesis import strategies as st

from emu.voice.jitter_buffer import Heard, play_adaptive, play_fixed

MS = 1_000_000
FRAME = 20 * MS


def stream(delays_ms, pauses=()):
    """Packets of 20 ms with some delays, as they arrive; those of ``pauses`` have no speech."""
    packets = [
        Heard(at * FRAME, at * FRAME + round(delay * MS), at not in pauses)
        for at, delay in enumerate(delays_ms)
    ]
    return sorted(packets, key=lambda packet: packet.arrival)


def test_a_fixed_buffer_plays_at_the_senders_pace():
    played = play_fixed(stream([30, 35, 25, 30]), 60 * MS)
    assert played == [90 * MS + at * FRAME for at in range(4)]


def test_a_fixed_buffer_discards_what_comes_after_its_time():
    played = play_fixed(stream([30, 90, 90.1, 30]), 60 * MS)
    assert [time is None for time in played] == [False, False, False, True]  # in order of arrival
    assert [p is None for p in play_fixed(stream([30, 30, 91]), 60 * MS)] == [False, False, True]


def test_a_path_that_became_longer_than_the_buffer_loses_everything_until_a_later_talkspurt():
    pauses = {25, 140}
    played = play_fixed(stream([20] * 10 + [90] * 150, pauses), 60 * MS)
    assert [time is None for time in played] == [False] * 10 + [True] * 131 + [False] * 19


def test_a_first_packet_that_is_slow_delays_the_first_talkspurt_alone():
    played = play_fixed(stream([100, 81, 62, 43, 24] + [20] * 45, {30}), 60 * MS)
    delays = [time - at * FRAME for at, time in enumerate(played)]
    assert set(delays[:31]) == {160 * MS}
    assert set(delays[31:]) == {80 * MS}


def test_an_adaptive_buffer_follows_in_the_next_talkspurt():
    pauses = range(40, 45)
    played = play_adaptive(stream([20] * 20 + [90] * 60, pauses), FRAME)
    late = [at for at, time in enumerate(played) if time is None]
    assert late == list(range(20, 45))
    assert all(time is not None for time in played[45:])


def test_an_adaptive_buffer_keeps_its_delay_within_a_talkspurt():
    packets = stream([20, 22, 19, 25, 20, 21])
    played = play_adaptive(packets, FRAME)
    offsets = {time - packet.media for time, packet in zip(played, packets, strict=True)}
    assert offsets == {20 * MS + FRAME}


def test_an_adaptive_buffer_is_shorter_than_a_fixed_one_when_the_network_is_calm():
    pauses = {at for at in range(1000) if at % 50 < 5}
    calm = play_adaptive(stream([20 + at % 2 for at in range(1000)], pauses), FRAME)
    assert None not in calm
    assert calm[-1] - 999 * FRAME <= 45 * MS


def test_no_packets_no_playout():
    assert play_fixed([], 60 * MS) == []
    assert play_adaptive([], FRAME) == []


@given(
    delays=st.lists(st.floats(0, 500), min_size=1, max_size=60),
    silent=st.sets(st.integers(0, 59)),
)
def test_nothing_is_played_before_it_came_and_no_two_packets_at_once(delays, silent):
    packets = stream(delays, silent)
    for played in (play_fixed(packets, 60 * MS), play_adaptive(packets, FRAME)):
        assert len(played) == len(packets)
        for packet, time in zip(packets, played, strict=True):
            assert time is None or time >= packet.arrival
    fixed = [time for time in play_fixed(packets, 60 * MS) if time is not None]
    assert len(set(fixed)) == len(fixed)
