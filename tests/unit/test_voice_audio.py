"""The speech of calls, and G.711."""

import numpy as np
import pytest

from emu.voice import audio


def test_speech_is_the_same_for_a_seed_and_another_one_for_another():
    first, again, other = (audio.speech(3, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_it_has_the_length_and_talkspurts_and_pauses_of_whole_packets():
    samples = audio.speech(60, 1)
    assert len(samples) == 60 * audio.RATE
    coded = audio.a_law(samples)
    packets = [coded[at : at + audio.FRAME] for at in range(0, len(coded), audio.FRAME)]
    pauses = [audio.is_pause(packet) for packet in packets]
    assert not pauses[0]
    assert 0.45 < np.mean(pauses) < 0.75  # ITU-T P.59: 1.587 of 2.591 s
    changes = np.count_nonzero(np.diff(pauses))
    assert 30 <= changes <= 60
    assert len(set(packets)) > 800  # of some 1,200 with speech


@pytest.mark.parametrize(
    ("sample", "code"),
    # G.711 Table 1a: character signals, every even bit inverted; 16-bit samples, so 16 to a step.
    [(0, 0xD5), (-1, 0x55), (16, 0xD4), (-17, 0x54), (32767, 0xAA), (-32768, 0x2A), (1000, 0xFA)],
)
def test_a_law_by_hand(sample, code):
    assert audio.a_law(np.array([sample], np.int16)) == bytes([code])


def test_a_law_is_symmetric_and_never_falls():
    samples = np.arange(32768).astype(np.int16)
    positive = np.frombuffer(audio.a_law(samples), np.uint8)
    negative = np.frombuffer(audio.a_law(~samples), np.uint8)
    assert np.array_equal(positive ^ negative, np.full(32768, 0x80))
    levels = positive ^ 0x55
    assert np.all(np.diff(levels.astype(int)) >= 0)
    assert set(levels) == set(range(0x80, 0x100))
