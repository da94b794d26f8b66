"""How far a VoIP call can move from its anchor: section 5.3 of the HDMM paper.

Each handover to a next distributed anchor router (DAR) adds the same delay between the anchor and
the mobile node; the paper calls that the worst case. All delays are one-way and in ms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOUTH_TO_EAR_MS = 150.0
"""Most that a call bears (ITU-T G.114, the bound in equation 19)."""
REGIONAL_MS = 20.0
"""Between two hosts of a region: the CN and HOME-AR. The paper's average of PingER's values."""
LOCAL_MS = 5.0
"""Between two hosts of an organisation: neighbouring DARs of the network-based solution."""
INTER_DAR_CLIENT_MS = (10.0, (LOCAL_MS + REGIONAL_MS) / 2)
"""Between neighbouring DARs of the client-based solution: "roughly 10 ms (intermediate value
between a regional and local delay)", so the rounded value and the midpoint that it comes from."""

Hops = NDArray[np.int64]


def reach(
    inter_dar_ms: ArrayLike,
    cn_delay_ms: ArrayLike = REGIONAL_MS,
    bound_ms: ArrayLike = MOUTH_TO_EAR_MS,
) -> Hops:
    """Most hops from DAR to DAR for which equation 19 holds."""
    budget = np.asarray(bound_ms, np.float64) - np.asarray(cn_delay_ms, np.float64)
    return np.maximum(np.floor(budget / np.asarray(inter_dar_ms, np.float64)), 0).astype(np.int64)


def break_even(inter_dar_ms: ArrayLike, regional_ms: ArrayLike = REGIONAL_MS) -> tuple[Hops, Hops]:
    """The last hop at which HDMM's delay is no worse than a central anchor's, and the first worse.

    Centralised, a packet goes the regional distance twice, to the HA or LMA and on to its end; that
    is one regional distance for HDMM to use up.
    """
    last = np.floor(
        np.asarray(regional_ms, np.float64) / np.asarray(inter_dar_ms, np.float64)
    ).astype(np.int64)
    return last, last + 1
