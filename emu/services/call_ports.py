"""The UDP ports of calls: a few for each, of SIP and then of RTP, the same at both ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emu.scenario.service_checks import MOST_CALLS

SIP = 5060
"""Of the first call (RFC 3261)."""
EACH = 8
"""How many a call has: SIPp takes a few for RTP, from the first free one on."""
ALL = range(SIP, SIP + EACH * MOST_CALLS)


def of(calls: Sequence[str], name: str) -> range:
    """The ports of one of a scenario's calls; the first is that of SIP."""
    first = SIP + EACH * calls.index(name)
    return range(first, first + EACH)


def of_record(services: Mapping[str, Any], name: str) -> range:
    """The same of services as a record writes them."""
    return of([other for other, service in services.items() if service["kind"] == "call"], name)
