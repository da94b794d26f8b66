"""Equations 1 to 19 of the HDMM paper's analytic evaluation (section 5), in the paper's symbols.

Giust, Bernardos, de la Oliva: "HDMM: deploying client and network-based distributed mobility
management". Distances d(X, Y) are in hops, costs in hops weighted by the link factors τ (a wired
hop) and ω (the wireless hop), times in whatever unit goes in. Every argument may be a numpy array;
arrays broadcast against each other.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


class Scheme(Enum):
    """The mobility schemes that the paper compares."""

    MIPV6 = "MIPv6"
    PMIPV6 = "PMIPv6"
    CLIENT = "HDMM client"
    RELAY = "HDMM relay"
    LOCATOR = "HDMM locator"
    PROXY = "HDMM proxy"
    FULLY = "HDMM fully distributed"


INTRA = tuple(Scheme)
"""C_INTRA is the cost of one of these, equation 2: in a domain, network or client may act."""
INTER = (Scheme.MIPV6, Scheme.CLIENT)
"""C_INTER is the cost of one of these, equation 3: between domains, the client acts."""


def _values(value: ArrayLike) -> Values:
    return np.asarray(value, dtype=np.float64)


def signalling_cost(SMR: ArrayLike, M: ArrayLike, C_INTRA: ArrayLike, C_INTER: ArrayLike) -> Values:
    """C_SIGNAL, equation 1: average signalling cost of a session.

    SMR is the session-to-mobility ratio, M the number of subnets of a domain; a node crosses the
    border of a domain in one of √M handovers.
    """
    root = np.sqrt(_values(M))
    return ((root - 1) * _values(C_INTRA) + _values(C_INTER)) / (_values(SMR) * root)


def pmipv6_cost(tau: ArrayLike, d_lma_mag: ArrayLike) -> Values:
    """C_PMIPv6, equation 4: a PBU and its PBA between the new MAG and the LMA."""
    return 2 * _values(tau) * _values(d_lma_mag)


def mipv6_cost(omega: ArrayLike, tau: ArrayLike, d_ar_ha: ArrayLike) -> Values:
    """C_MIPv6, equation 5: a BU and its BA between the MN and the HA."""
    return 2 * (_values(omega) + _values(tau) * _values(d_ar_ha))


def relay_cost(tau: ArrayLike, n: ArrayLike, d_cmd_dar: ArrayLike) -> Values:
    """C_HDMM-net, CMD as relay, equation 6: 2n + 2 messages between the CMD and n + 1 DARs."""
    return (2 * _values(n) + 2) * _values(tau) * _values(d_cmd_dar)


def locator_cost(
    tau: ArrayLike,
    n: ArrayLike,
    d_cmd_sdar: ArrayLike,
    d_cmd_pdar: ArrayLike,
    d_sdar_pdar: ArrayLike,
) -> Values:
    """C_HDMM-net, CMD as locator, equation 7: 3n + 1 messages.

    One PBU of the S-DAR, a copy of it to each P-DAR, and a PBA of each to the CMD and the S-DAR.
    """
    t, count = _values(tau), _values(n)
    to_cmd = t * _values(d_cmd_sdar) + 2 * count * t * _values(d_cmd_pdar)
    return to_cmd + count * t * _values(d_sdar_pdar)


def proxy_cost(tau: ArrayLike, n: ArrayLike, d_cmd_dar: ArrayLike) -> Values:
    """C_HDMM-net, CMD as proxy, equation 8: the relay's messages in another order."""
    return relay_cost(tau, n, d_cmd_dar)


def fully_cost(tau: ArrayLike, n: ArrayLike, d_sdar_pdar: ArrayLike) -> Values:
    """C_HDMM-net, fully distributed, equation 9: a PBU and its PBA with each of n P-DARs."""
    return 2 * _values(n) * _values(tau) * _values(d_sdar_pdar)


def client_cost(
    omega: ArrayLike, tau: ArrayLike, n: ArrayLike, d_sdar_pdar: ArrayLike, *, secured: bool
) -> Values:
    """C_HDMM-client, equation 10: a BU and its BA with each of n P-DARs.

    ``secured`` adds a CoTI and its CoT for each.
    """
    messages = (4 if secured else 2) * _values(n)
    return messages * (_values(omega) + _values(tau) * _values(d_sdar_pdar))


def messages(scheme: Scheme, n: ArrayLike, *, secured: bool = False) -> Values:
    """Mobility messages of one handover with n active P-DARs: the factors of equations 4 to 10."""
    count = _values(n)
    return {
        Scheme.MIPV6: np.full_like(count, 2),
        Scheme.PMIPV6: np.full_like(count, 2),
        Scheme.RELAY: 2 * count + 2,
        Scheme.PROXY: 2 * count + 2,
        Scheme.LOCATOR: 3 * count + 1,
        Scheme.FULLY: 2 * count,
        Scheme.CLIENT: (4 if secured else 2) * count,
    }[scheme]


def handover_latency(
    T_L2: ArrayLike, T_MD: ArrayLike, T_DAD: ArrayLike, T_auth: ArrayLike, T_binding: ArrayLike
) -> Values:
    """T_handover, equation 11: layer 2, movement detection, DAD, authentication, signalling."""
    return _values(T_L2) + _values(T_MD) + _values(T_DAD) + _values(T_auth) + _values(T_binding)


def mipv6_binding(RTT_mn_ha: ArrayLike) -> Values:
    """T_binding of Mobile IPv6, equation 12."""
    return _values(RTT_mn_ha)


def client_binding(RTT_mn_pdar: ArrayLike, *, secured: bool = False) -> Values:
    """T_binding of client-based HDMM, equation 13.

    ``secured``: CoTI and CoT come first, so it is twice that (section 4.1.1).
    """
    return (2 if secured else 1) * _values(RTT_mn_pdar)


def pmipv6_binding(RTT_mag_lma: ArrayLike) -> Values:
    """T_binding of Proxy Mobile IPv6, equation 14."""
    return _values(RTT_mag_lma)


def relay_binding(RTT_sdar_cmd: ArrayLike, RTT_pdar_cmd: ArrayLike) -> Values:
    """T_binding with the CMD as relay, equation 15: one round trip after the other."""
    return _values(RTT_sdar_cmd) + _values(RTT_pdar_cmd)


def locator_binding(
    RTT_sdar_cmd: ArrayLike, RTT_pdar_cmd: ArrayLike, RTT_sdar_pdar: ArrayLike
) -> Values:
    """T_binding with the CMD as locator, equation 16: the way S-DAR, CMD, P-DAR, S-DAR."""
    return (_values(RTT_sdar_cmd) + _values(RTT_pdar_cmd) + _values(RTT_sdar_pdar)) / 2


def proxy_binding(RTT_sdar_cmd: ArrayLike, RTT_pdar_cmd: ArrayLike) -> Values:
    """T_binding with the CMD as proxy, equation 17: both DARs have to know."""
    to_serving, to_previous = _values(RTT_sdar_cmd), _values(RTT_pdar_cmd)
    return np.maximum(to_serving, (to_serving + to_previous) / 2)


def fully_binding(RTT_sdar_pdar: ArrayLike) -> Values:
    """T_binding of the fully distributed scheme, equation 18."""
    return _values(RTT_sdar_pdar)


def end_to_end_delay(T_cn_home_ar: ArrayLike, T_home_ar_mn: ArrayLike) -> Values:
    """The left side of equation 19: from the CN by HOME-AR (the anchor, HA or LMA) to the MN."""
    return _values(T_cn_home_ar) + _values(T_home_ar_mn)
