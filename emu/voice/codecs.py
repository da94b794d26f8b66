"""What the E-model has to know of a codec: ITU-T G.113 Appendix I.

Ie is the equipment impairment factor without loss, Bpl the robustness against random loss. Both are
provisional planning values, from listening tests with packets of 10 ms (G.711), 20 ms (G.729A,
GSM-EFR) and 30 ms (G.723.1).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Codec:
    """A codec, as the ends use it."""

    Ie: float
    Bpl: float


CODECS = {
    "g711": Codec(Ie=0, Bpl=4.3),
    "g711-plc": Codec(Ie=0, Bpl=25.1),
    "g729a-vad": Codec(Ie=11, Bpl=19.0),
    "g723.1-vad": Codec(Ie=15, Bpl=16.1),
    "gsm-efr": Codec(Ie=5, Bpl=10.0),
}
"""G.711 without concealment of losses and with that of its own Appendix I, G.729A at 8 kbit/s,
G.723.1 at 6.3 kbit/s, GSM enhanced full rate."""
