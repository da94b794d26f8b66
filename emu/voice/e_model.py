"""The E-model: the transmission rating R of a telephone connection, and the MOS that it stands for.

ITU-T G.107 (06/2015), "The E-model: a computational model for use in transmission planning", for
narrow-band telephony. Names are the recommendation's; delays are in ms, levels and loudness ratings
in dB, as in its clause 7.7, losses in percent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_LARGEST_MOS = 4.5


@dataclass(frozen=True)
class Parameters:
    """The input of the model, with the default values of G.107 clause 7.7."""

    T: float = 0.0
    """Mean one-way delay of the echo path, ms."""
    Ta: float = 0.0
    """Absolute delay from mouth to ear, in an echo-free connection, ms."""
    Tr: float = 0.0
    """Round-trip delay in a four-wire loop, ms."""
    Ie: float = 0.0
    """Equipment impairment factor of the codec."""
    Bpl: float = 4.3
    """Packet-loss robustness factor of the codec."""
    Ppl: float = 0.0
    """Packets lost, percent."""
    BurstR: float = 1.0
    """Mean length of the bursts of losses, over that of as many random losses; at least 1."""
    A: float = 0.0
    """Advantage factor: what users put up with for the sake of, say, mobility."""
    SLR: float = 8.0
    """Send loudness rating."""
    RLR: float = 2.0
    """Receive loudness rating."""
    STMR: float = 15.0
    """Sidetone masking rating."""
    Ds: float = 3.0
    """D-value of the telephone, send side."""
    Dr: float = 3.0
    """D-value of the telephone, receive side."""
    TELR: float = 65.0
    """Talker echo loudness rating."""
    WEPL: float = 110.0
    """Weighted echo path loss."""
    qdu: float = 1.0
    """Quantisation distortion units."""
    Nc: float = -70.0
    """Circuit noise, dBm0p."""
    Nfor: float = -64.0
    """Noise floor at the receive side, dBmp."""
    Ps: float = 35.0
    """Room noise at the send side, dB(A)."""
    Pr: float = 35.0
    """Room noise at the receive side, dB(A)."""


@dataclass(frozen=True)
class Rating:
    """The parts of R (clause 7.1) and R itself."""

    Ro: float
    Is: float
    Idte: float
    Idle: float
    Idd: float
    Ie_eff: float
    A: float

    @property
    def Id(self) -> float:
        """Delay impairment factor: talker echo, listener echo, and delay as such (clause 7.4)."""
        return self.Idte + self.Idle + self.Idd

    @property
    def R(self) -> float:
        """The transmission rating; 0 where the parts add up to more than Ro."""
        return max(0.0, self.Ro - self.Is - self.Id - self.Ie_eff + self.A)

    @property
    def mos(self) -> float:
        """Its MOS (Annex B)."""
        return mos(self.R)


def rate(p: Parameters) -> Rating:
    """R of a connection, in its parts (G.107 clause 7)."""
    No = _noise(p)
    Ro = 15 - 1.5 * (p.SLR + No)
    Ist = _sidetone(p)
    return Rating(
        Ro=Ro,
        Is=_loudness(p, No) + Ist + _quantisation(p, Ro),
        Idte=_talker_echo(p, No, Ist),
        Idle=_listener_echo(p, Ro),
        Idd=_absolute_delay(p.Ta),
        Ie_eff=effective_equipment_impairment(p.Ie, p.Bpl, p.Ppl, p.BurstR),
        A=p.A,
    )


def mos(R: float) -> float:
    """The mean opinion score of R, from 1 to 4.5 (G.107 Annex B).

    The polynomial is a little below 1 for R under 6.5, which no opinion can be: 1 there.
    """
    if R >= 100:
        return _LARGEST_MOS
    return max(1.0, 1 + 0.035 * R + R * (R - 60) * (100 - R) * 7e-6) if R > 0 else 1.0


def effective_equipment_impairment(Ie: float, Bpl: float, Ppl: float, BurstR: float) -> float:
    """Ie-eff, the codec's impairment with packet loss (clause 7.5).

    ``Ppl`` is in percent; ``BurstR`` is at least 1.
    """
    return Ie + (95 - Ie) * Ppl / (Ppl / BurstR + Bpl)


def _noise(p: Parameters) -> float:
    """No: the power of all noise at the 0 dBr point (clause 7.2)."""
    OLR = p.SLR + p.RLR
    LSTR = p.STMR + p.Dr
    Nos = p.Ps - p.SLR - p.Ds - 100 + 0.004 * (p.Ps - OLR - p.Ds - 14) ** 2
    Pre = p.Pr + 10 * math.log10(1 + 10 ** ((10 - LSTR) / 10))
    Nor = p.RLR - 121 + Pre + 0.008 * (Pre - 35) ** 2
    Nfo = p.Nfor + p.RLR
    return 10 * math.log10(sum(10 ** (level / 10) for level in (p.Nc, Nos, Nor, Nfo)))


def _loudness(p: Parameters, No: float) -> float:
    """Iolr: too low an overall loudness rating (clause 7.3)."""
    Xolr = p.SLR + p.RLR + 0.2 * (64 + No - p.RLR)
    return 20 * float((1 + (Xolr / 8) ** 8) ** (1 / 8) - Xolr / 8)


def _sidetone(p: Parameters) -> float:
    """Ist: sidetone that is not optimal (clause 7.3)."""
    STMRo = -10 * math.log10(10 ** (-p.STMR / 10) + math.exp(-p.T / 4) * 10 ** (-p.TELR / 10))
    return float(
        12 * (1 + ((STMRo - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((STMRo + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((STMRo - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )


def _quantisation(p: Parameters, Ro: float) -> float:
    """Iq: quantising distortion (clause 7.3)."""
    Q = 37 - 15 * math.log10(p.qdu)
    G = 1.07 + 0.258 * Q + 0.0602 * Q * Q
    Y = (Ro - 100) / 15 + 46 / 8.4 - G / 9
    Z = 46 / 30 - G / 40
    return 15 * math.log10(1 + math.pow(10, Y) + math.pow(10, Z))


def _talker_echo(p: Parameters, No: float, Ist: float) -> float:
    """Idte (clause 7.4), with its cases of a low and a high sidetone masking rating."""
    TERV = p.TELR - 40 * math.log10((1 + p.T / 10) / (1 + p.T / 150))
    TERV += 6 * math.exp(-0.3 * p.T**2)
    if p.STMR < 9:
        TERV += Ist / 2
    difference = -1.5 * (No - p.RLR) - (80 + 2.5 * (TERV - 14))
    Idte = difference / 2 + math.sqrt(difference**2 / 4 + 100) - 1
    Idte *= 1 - math.exp(-p.T)
    return math.hypot(Idte, Ist) if p.STMR > 20 else Idte


def _listener_echo(p: Parameters, Ro: float) -> float:
    """Idle (clause 7.4)."""
    difference = Ro - 10.5 * (p.WEPL + 7) * math.pow(p.Tr + 1, -0.25)
    return difference / 2 + math.sqrt(difference**2 / 4 + 169)


def _absolute_delay(Ta: float) -> float:
    """Idd: too long a delay, even without any echo (clause 7.4)."""
    if Ta <= 100:
        return 0.0
    X = math.log2(Ta / 100)
    return 25 * float((1 + X**6) ** (1 / 6) - 3 * (1 + (X / 3) ** 6) ** (1 / 6) + 2)
