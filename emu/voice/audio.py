"""Speech for a call, made up: vowels of a voice in talkspurts with pauses, always the same.

Nobody is to understand it; it is to be there, to pause as people do, and to be coded by G.711.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 8000
"""Samples a second, of G.711."""
FRAME = 160
"""Samples of a packet of 20 ms."""
FRAME_NS = FRAME * 1_000_000_000 // RATE
SILENCE = 0xD5
"""A sample without sound in A-law. A pause is made of nothing else."""

_TALKSPURT_S, _PAUSE_S = 1.004, 1.587
"""Mean lengths in conversations: ITU-T P.59."""
_SYLLABLE_S = 0.2
_FORMANTS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))
"""Of the vowels in "father", "heed", "hoot" and "head", Hz (Peterson and Barney, 1952)."""
_WIDTH_HZ = 90.0
_HIGHEST_HZ = 3400.0
_LOUDNESS = 8000
_SEGMENTS = (32, 64, 128, 256, 512, 1024, 2048)
"""Where those of A-law begin, from the second on, of twelve bits."""

Samples = NDArray[np.int16]


def speech(seconds: float, seed: int) -> Samples:
    """Linear samples of somebody who speaks and pauses, in whole packets; it begins with speech."""
    rng = np.random.default_rng(seed)
    pitch = float(rng.uniform(100, 220))
    parts: list[Samples] = []
    wanted = round(seconds * RATE / FRAME) * FRAME
    while sum(map(len, parts)) < wanted:
        parts += [_talkspurt(rng, pitch), np.zeros(_whole_packets(rng, _PAUSE_S), np.int16)]
    return np.concatenate(parts)[:wanted]


def _whole_packets(rng: np.random.Generator, mean_s: float) -> int:
    """Samples of a time between a half and twice the mean."""
    return round(float(rng.uniform(0.5, 1.5)) * mean_s * RATE / FRAME) * FRAME


def _talkspurt(rng: np.random.Generator, pitch: float) -> Samples:
    """Syllables, each a vowel that swells and fades; none of its packets is without sound."""
    length = _whole_packets(rng, _TALKSPURT_S)
    time = np.arange(length) / RATE
    sound = 0.02 * rng.standard_normal(length)
    for start in np.arange(0, length / RATE, _SYLLABLE_S):
        inside = (time >= start) & (time < start + _SYLLABLE_S)
        swell = np.sin(np.pi * (time[inside] - start) / _SYLLABLE_S) ** 2
        formants = _FORMANTS[int(rng.integers(len(_FORMANTS)))]
        sound[inside] += swell * _vowel(
            time[inside], pitch * float(rng.uniform(0.9, 1.1)), formants
        )
    quantised: Samples = (_LOUDNESS * sound / np.max(np.abs(sound))).astype(np.int16)
    return quantised


def _vowel(
    time: NDArray[np.float64], pitch: float, formants: tuple[int, ...]
) -> NDArray[np.float64]:
    """The harmonics of a voice, those near a formant the loudest."""
    harmonics = np.arange(pitch, _HIGHEST_HZ, pitch)
    peaks = [1 / (1 + ((harmonics - formant) / _WIDTH_HZ) ** 2) for formant in formants]
    waves = np.sin(2 * np.pi * np.outer(time, harmonics))
    voice: NDArray[np.float64] = waves @ np.sum(peaks, axis=0)
    return voice


def a_law(samples: Samples) -> bytes:
    """Samples coded by G.711, A-law: sign, segment, and four bits, every other bit inverted."""
    positive = samples >= 0
    # One's complement of the negative ones: -1 is as far from zero as 0.
    magnitude = np.where(positive, samples, ~samples).astype(np.int64) >> 3
    segment = np.sum([magnitude >= border for border in _SEGMENTS], axis=0)
    mantissa = magnitude >> np.maximum(segment, 1) & 0x0F
    code: NDArray[np.int64] = np.where(positive, 0x80, 0) | segment << 4 | mantissa
    return bytes((code ^ 0x55).astype(np.uint8))


def is_pause(payload: bytes) -> bool:
    """Whether a packet's A-law samples are without sound."""
    return payload.count(SILENCE) == len(payload)
